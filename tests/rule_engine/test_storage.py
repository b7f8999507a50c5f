"""Stored trees and programs: they come back equal, and nothing else is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from rule_engine import Program, compile_program, core, parse, tree
from rule_engine.services.score import score
from rule_engine.storage import (
    StorageError,
    read_program,
    read_ruleset,
    write_program,
    write_ruleset,
)
from tests.rule_engine import law_texts
from tests.rule_engine.law_world import SCHEMA as LAW_SCHEMA
from tests.rule_engine.law_world import Store, Surroundings
from tests.rule_engine.schemas import SCHEMA

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.rules"))
PROPERTY = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))


@cache
def rulesets() -> tuple[tree.Ruleset, ...]:
    return tuple(parse(file.read_text("utf-8"), source=file.name) for file in EXAMPLES)


@cache
def examples() -> Program:
    return compile_program(rulesets(), SCHEMA)


def law_ruleset(condition: str, value: str) -> tree.Ruleset:
    return parse(
        'ruleset law "Law"\n'
        'validate checks "Checks" on deal {\n'
        f'require {condition} message "no"\n'
        f'forbid {value} is empty message "empty"\n'
        "}"
    )


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_trees_come_back(file: Path) -> None:
    ruleset = parse(file.read_text("utf-8"), source=file.name)
    assert read_ruleset(write_ruleset(ruleset)) == ruleset


def test_programs_come_back() -> None:
    whole = examples()
    again = read_program(write_program(whole), SCHEMA)
    assert again == whole
    assert again.business_time.keys() == whole.business_time.keys()
    assert again.warnings == whole.warnings


@PROPERTY
@given(condition=law_texts.conditions(), value=law_texts.values())
def test_any_rules_come_back(condition: str, value: str) -> None:
    ruleset = law_ruleset(condition, value)
    assert read_ruleset(write_ruleset(ruleset)) == ruleset
    whole = compile_program([ruleset], LAW_SCHEMA)
    assert read_program(write_program(whole), LAW_SCHEMA) == whole


def test_what_is_read_decides_alike() -> None:
    again = read_program(write_program(examples()), SCHEMA)
    surroundings = Surroundings(Store({name: [] for name in SCHEMA.objects}), None)
    found = [
        [
            (result.points, result.grade, result.items, result.groups)
            for one in whole.scores
            if (result := score(one, {"employees": Decimal(5)}, surroundings))
        ]
        for whole in (examples(), again)
    ]
    assert found[0] == found[1]


def test_shared_parts_stay_one() -> None:
    text = (
        'ruleset s "S"\ndefine big on deal as quantity > 5 and name contains "x"\n'
        'validate v "V" on deal {\nrequire big message "a"\nforbid not big message "b"\n}'
    )
    (whole,) = compile_program([parse(text)], LAW_SCHEMA).validations
    (again,) = read_program(
        write_program(compile_program([parse(text)], LAW_SCHEMA)), LAW_SCHEMA
    ).validations
    for validation in (whole, again):
        first, second = (check.condition for check in validation.checks)
        assert isinstance(first, core.AllOf)
        assert isinstance(second, core.Not)
        assert isinstance(second.operand, core.AllOf)
        assert first.items[0] is second.operand.items[0]


def changed(change: Callable[[dict[str, Any]], object]) -> str:
    """Gives a stored tree after somebody changed the document."""
    document = json.loads(write_ruleset(rulesets()[0]))
    change(document)
    return json.dumps(document)


OTHER: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda it: it.update(version="1"), "another version of the engine has stored this"),
    (lambda it: it["classes"].append("tree.Wish"), "this is no stored Ruleset: 'tree.Wish'"),
    (
        lambda it: it["classes"].append("storage._Reader"),
        "this is no stored Ruleset: 'storage._Reader'",
    ),
    (lambda it: it.update(shared=0, parts=[99]), "this is no stored Ruleset: 99"),
    (lambda it: it.update(shared=0, parts=["text"]), "this is no stored Ruleset"),
    (
        lambda it: it.update(shared=0, parts=[6, "1,5"]),
        "this is no stored Ruleset: [<class 'decimal.ConversionSyntax'>]",
    ),
    (lambda it: it["parts"].append("more"), "something follows after the whole"),
    (lambda it: it["parts"].pop(), "this is no stored Ruleset: "),
    (lambda it: it.pop("shared"), "this is no stored Ruleset: 'shared'"),
]


@pytest.mark.parametrize(("change", "message"), OTHER, ids=[message for _, message in OTHER])
def test_nothing_else_is_read(change: Callable[[dict[str, Any]], object], message: str) -> None:
    with pytest.raises(StorageError) as caught:
        read_ruleset(changed(change))
    assert str(caught.value) == message


def test_what_cannot_be_stored() -> None:
    strange = tree.Ruleset(Path("x"), "", "", None, (), "", "")  # type: ignore[arg-type]  # strange
    with pytest.raises(StorageError, match=r"^a PosixPath cannot be stored$"):
        write_ruleset(strange)
