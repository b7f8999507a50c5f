"""The grammar, its tables, and the tree with its places."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import date, time
from decimal import Decimal
from pathlib import Path

import pytest

from rule_engine import parse, parse_expression, tree
from rule_engine.errors import Span
from rule_engine.syntax import tables

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.rules"))


def test_grammar_has_no_conflicts() -> None:
    tables.build_parser(strict=True)


def test_examples_are_all_there() -> None:
    kinds = {
        type(statement)
        for example in EXAMPLES
        for statement in parse(example.read_text("utf-8")).statements
    }
    assert kinds == set(tree.Statement.__args__)


def expressions(value: object) -> Iterator[tree.Expression]:
    if isinstance(value, tree.Expression):
        yield value
    if isinstance(value, tuple):
        for item in value:
            yield from expressions(item)
    elif hasattr(value, "__dataclass_fields__"):
        for part in fields(value):  # type: ignore[arg-type]  # a dataclass, as just seen
            yield from expressions(getattr(value, part.name))


def without_places(value: object) -> object:
    if isinstance(value, Span):
        return None
    if isinstance(value, tuple):
        return tuple(map(without_places, value))
    if hasattr(value, "__dataclass_fields__"):
        parts = [getattr(value, part.name) for part in fields(value)]  # type: ignore[arg-type]
        return type(value), *map(without_places, parts)
    return value


def written_at(text: str, span: Span) -> str:
    lines = text.splitlines(keepends=True)
    start = sum(map(len, lines[: span.line - 1])) + span.column - 1
    return text[start : start + span.width]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_places_cover_what_was_written(example: Path) -> None:
    """What stands at an expression's place parses to that expression again."""
    text = example.read_text("utf-8")
    found = list(expressions(parse(text)))
    assert found
    for expression in found:
        again = parse_expression(written_at(text, expression.span))
        assert without_places(again) == without_places(expression)


TREES = [
    ("50万 CNY", tree.MoneyLiteral(Span(1, 1, 7), Decimal(500_000), "CNY")),
    ("1_000.5", tree.Number(Span(1, 1, 7), Decimal("1000.5"), "1_000.5")),
    ("15%", tree.Percent(Span(1, 1, 3), Decimal("0.15"), "15%")),
    (
        "8  business hours",
        tree.Duration(Span(1, 1, 17), Decimal(8), "hour", True, "8 business hours"),
    ),
    ("2026-03-01", tree.DateLiteral(Span(1, 1, 10), date(2026, 3, 1))),
    ("9:30", tree.TimeLiteral(Span(1, 1, 4), time(9, 30))),
    ('"a\\"\\u00e9\\ud83d\\ude00"', tree.String(Span(1, 1, 23), 'a"é😀')),
    (
        "`Next step`.size",
        tree.Path(
            Span(1, 1, 16),
            (tree.Name("Next step", Span(1, 1, 11)), tree.Name("size", Span(1, 13, 4))),
        ),
    ),
]


@pytest.mark.parametrize(("text", "expected"), TREES)
def test_literals(text: str, expected: tree.Expression) -> None:
    assert parse_expression(text) == expected


SAME = [
    ("a == 1", "a = 1"),
    ("a <> 1", "a != 1"),
    ("a or b and not c = 1", "a or (b and (not (c = 1)))"),
    ("1 + 2 * 3 - 4", "(1 + (2 * 3)) - 4"),
    ("- a * b", "(- a) * b"),
    ("if a then b else if c then d else e", "if a then b else (if c then d else e)"),
    ("not a is not empty", "not (a is not empty)"),
    ("a in [1, 2,]", "a in [1, 2]"),
    ("a # comment\n = 1", "a = 1"),
]


@pytest.mark.parametrize(("text", "same"), SAME)
def test_precedence_and_spelling(text: str, same: str) -> None:
    one, other = (_without_op_text(parse_expression(t)) for t in (text, same))
    assert one == other


def _without_op_text(expression: tree.Expression) -> object:
    return without_places(replace(expression, span=Span(1, 1)))


def test_keywords_are_field_names_too() -> None:
    grammar = tables.GRAMMAR.read_text("utf-8")
    words = set(re.findall(r'"([a-z]+)"', grammar))
    words |= {word for group in re.findall(r"/\(([a-z|]+)\)", grammar) for word in group.split("|")}
    assert len(words) > 130
    for word in sorted(words - {"if", "not", "true", "false"}):
        assert parse_expression(f"{word} = 1 and x.{word} = 2 and {word} is empty")
        assert parse(f"rule {word} on lead before save {{ when {word} = 1 set {word} to {word} }}")


def test_item_keeps_what_was_written() -> None:
    (score,) = parse(
        'score s on lead into score { multiply by 0.5 when a = 1 because "x" add (b) + 1 }'
    ).statements
    assert isinstance(score, tree.Score)
    assert [s.text for s in score.statements if isinstance(s, tree.Item)] == [
        "0.5 when a = 1",
        "(b) + 1",
    ]


def test_head_of_a_ruleset() -> None:
    ruleset = parse('ruleset r "Label" version 4 effective 2026-01-01')
    assert (ruleset.name, ruleset.label, ruleset.version) == ("r", "Label", "4")
    assert ruleset.effective == date(2026, 1, 1)
    assert parse("").statements == ()


LOAD = "from rule_engine.syntax import tables; tables.parser().parse('a = 1', start='expression')"


def start_parsers(count: int, **environment: str) -> None:
    runs = [
        subprocess.Popen([sys.executable, "-c", LOAD], env={**os.environ, **environment})
        for _ in range(count)
    ]
    assert [run.wait(60) for run in runs] == [0] * count


def test_processes_share_the_cache(tmp_path: Path) -> None:
    start_parsers(2, XDG_CACHE_HOME=str(tmp_path))
    (file,) = (tmp_path / "trellis").iterdir()
    file.write_bytes(b"damaged")
    start_parsers(1, XDG_CACHE_HOME=str(tmp_path))
    assert len(file.read_bytes()) > 100_000


def test_no_cache_is_no_obstacle(tmp_path: Path) -> None:
    nowhere = tmp_path / "file"
    nowhere.write_text("not a folder", "utf-8")
    start_parsers(1, XDG_CACHE_HOME=str(nowhere / "cache"), TMPDIR=str(tmp_path))
