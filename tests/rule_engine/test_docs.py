"""`docs/rules.md` is true: its texts fit its objects, its tests pass, its values hold."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from rule_engine import Expression, compile_program, parse, tree
from rule_engine.backends.python import compile_node
from rule_engine.backends.python.trace import text_of
from rule_engine.check.whole import check
from rule_engine.editor.format import format_text
from rule_engine.errors import RuleSyntaxError
from rule_engine.testing import run_tests
from rule_engine.types import Kind, Type
from rule_engine.values import Money
from tests.rule_engine.law_world import Store, Surroundings
from tests.rule_engine.schemas import SchemaOf, make_object, make_schema

PAGE = (Path(__file__).parents[2] / "docs" / "rules.md").read_text("utf-8")


@dataclass(frozen=True)
class Block:
    """A fenced text of the page; `line` is where its first line stands."""

    line: int
    text: str


def blocks(language: str) -> Sequence[Block]:
    pattern = re.compile(rf"^```{language}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    return [
        Block(PAGE.count("\n", 0, found.start(1)) + 1, found[1]) for found in pattern.finditer(PAGE)
    ]


def read_schema() -> SchemaOf:
    """Builds the objects of the page's end: `name: field kind, …, link = object.field`."""
    (block,) = blocks("objects")
    objects = []
    for entry in re.split(r"\n(?=\w)", block.text.strip()):
        name, _, described = entry.partition(":")
        parts = [" ".join(part.split()) for part in described.split(",")]
        links = dict(part.split(" = ") for part in parts if " = " in part)
        fields = dict(part.split(" ", 1) for part in parts if " = " not in part)
        objects.append(make_object(name, fields, links=links))
    return make_schema(objects)


SCHEMA = read_schema()
TEXTS = blocks("rules")
RULESETS = [parse(block.text, source=f"docs/rules.md:{block.line}") for block in TEXTS]


@pytest.mark.parametrize("position", range(len(TEXTS)), ids=lambda n: f"line {TEXTS[n].line}")
def test_texts_fit_their_objects(position: int) -> None:
    ruleset = RULESETS[position]
    beside = [one for one in RULESETS if one is not ruleset]
    assert [str(one) for one in check(ruleset, SCHEMA, beside=beside)] == []


@pytest.mark.parametrize("block", TEXTS, ids=lambda block: f"line {block.line}")
def test_texts_are_formatted(block: Block) -> None:
    assert format_text(block.text) == block.text


def test_tests_pass() -> None:
    results = run_tests(compile_program(RULESETS, SCHEMA))
    assert [(result.name, result.failures) for result in results if not result.passed] == []
    assert len(results) >= 6


def test_every_statement_and_action_is_shown() -> None:
    shown = {type(node) for ruleset in RULESETS for node in inside(ruleset.statements)}
    wanted = {*tree.Statement.__args__, *tree.TestStatement.__args__, *tree.SlaStatement.__args__}
    wanted |= {*tree.ApprovalStatement.__args__, *tree.StepStatement.__args__}
    wanted |= {*tree.AssignStatement.__args__, *tree.ScoreStatement.__args__}
    missing = {kind.__name__ for kind in wanted - shown}
    assert missing == set()
    for action in ("stop", "fail", "call", "start", "escalate", "create", "clear"):
        assert f"`{action}" in PAGE


def inside(value: object) -> list[object]:
    """Gives a parsed value and everything in it."""
    if isinstance(value, tuple):
        return [found for item in value for found in inside(item)]
    if not hasattr(value, "__dataclass_fields__"):
        return []
    parts = [getattr(value, name) for name in value.__dataclass_fields__]
    return [value, *(found for part in parts for found in inside(part))]


def mistakes() -> Sequence[tuple[str, str]]:
    (block,) = blocks("mistakes")
    entries = re.split(r"\n\n", block.text.strip())
    return [tuple(entry.rsplit("\n    ", 1)) for entry in entries]  # type: ignore[misc]


@pytest.mark.parametrize(("text", "message"), mistakes())
def test_mistakes_are_said_so(text: str, message: str) -> None:
    try:
        found = check(parse(text), SCHEMA, beside=RULESETS)
    except RuleSyntaxError as error:
        found = list(error.diagnostics)
    assert [str(one) for one in found] == [message]


ROW = re.compile(r"^\| `(?P<expression>.+)` \| `(?P<record>\{.*\})` \| (?P<value>.+) \|$", re.M)
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
NOBODY = Surroundings(
    Store({name: [] for name in SCHEMA.objects}), None, now=NOW, zone=ZoneInfo("UTC")
)


@pytest.mark.parametrize("row", list(ROW.finditer(PAGE)), ids=lambda row: row["expression"])
def test_values_hold(row: re.Match[str]) -> None:
    written = json.loads(row["record"])
    object_name = "opportunity" if re.search("amount|close_date", row["expression"]) else "lead"
    fields = SCHEMA.objects[object_name].fields
    record = {name: value_of(fields[name].type, value) for name, value in written.items()}
    node = Expression.parse(row["expression"]).resolve(SCHEMA, object_name)
    value = compile_node(node)(record, NOBODY)
    said = row["value"].strip("`")
    assert ("empty" if value is None else str(text_of(value)).lower()) == said.lower()


def value_of(kind: Type, written: object) -> object:
    match kind.kind:
        case Kind.NUMBER:
            return Decimal(str(written))
        case Kind.MONEY:
            amount, currency = str(written).split()
            return Money(Decimal(amount), currency)
        case Kind.DATE:
            return date.fromisoformat(str(written))
    return written


def test_links_lead_somewhere() -> None:
    headings = {slug(found[1]) for found in re.finditer(r"^#+ (.+)$", PAGE, re.MULTILINE)}
    links: Mapping[str, str] = {
        found[2]: found[1] for found in re.finditer(r"\[([^\]]+)\]\(#([^)]+)\)", PAGE)
    }
    assert set(links) - headings == set()


def slug(heading: str) -> str:
    """Gives the anchor that a heading gets in Markdown."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
