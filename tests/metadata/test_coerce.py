"""Records from and to wire form: all problems at once, whole or in part."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from metadata.coerce import coerce, defaults, required_problems, transition_problems
from metadata.objects import ObjectDefinition
from metadata.parse import parse_object
from metadata.problems import Problem, sentence
from metadata.wire import encode, to_wire
from rule_engine.values import Money

DOCUMENT: dict[str, Any] = {
    "title": "Deal",
    "required": ["name", "stage"],
    "properties": {
        "name": {"type": "string", "maxLength": 10},
        "stage": {
            "enum": ["new", "won", "lost"],
            "default": "new",
            "crm": {"transitions": {"new": ["won", "lost"], "won": ["lost"]}},
        },
        "amount": {"type": "number", "minimum": 0, "crm": {"field": "money"}},
        "at": {"type": "string", "format": "date-time"},
        "day": {"type": "string", "format": "date"},
        "account": {"type": "string", "crm": {"field": "reference", "to": "account"}},
        "score": {"type": "integer", "readOnly": True},
        "gone": {"type": "string", "crm": {"retired": True}},
    },
}


def parse(name: str, document: Mapping[str, object]) -> ObjectDefinition:
    definition, problems = parse_object(name, document)
    assert problems == []
    assert definition is not None
    return definition


@pytest.fixture
def deal() -> ObjectDefinition:
    return parse("deal", DOCUMENT)


def said(problems: list[Problem]) -> dict[str, str]:
    return {problem.path: sentence(problem) for problem in problems}


def test_whole_record(deal: ObjectDefinition) -> None:
    values, problems = coerce(
        deal,
        {"name": " Acme ", "amount": "5", "at": "2026-03-01T08:00", "day": "", "score": 3},
        partial=False,
        zone=ZoneInfo("Asia/Shanghai"),
    )
    assert problems == []
    assert values == {
        "name": "Acme",
        "stage": "new",
        "amount": Money(Decimal("5.00"), "CNY"),
        "at": datetime(2026, 3, 1, 0, 0, tzinfo=UTC),
        "day": None,
        "account": None,
        "score": Decimal(3),
    }


def test_all_problems_at_once(deal: ObjectDefinition) -> None:
    wire = {"name": "x" * 11, "stage": "", "amount": -1, "day": "soon", "acount": "a", "gone": "x"}
    values, problems = coerce(deal, wire, partial=False)
    assert said(problems) == {
        "/name": "At most 10 characters; these are 11",
        "/stage": "Must be filled in",
        "/amount": "Must be at least 0",
        "/day": '"soon" is not a date, as in 2026-03-01',
        "/acount": 'deal has no field "acount"; did you mean account?',
        "/gone": 'deal has no field "gone"',
    }
    assert "name" not in values


def test_partial_reads_only_what_is_there(deal: ObjectDefinition) -> None:
    assert coerce(deal, {"amount": None}, partial=True) == ({"amount": None}, [])


def test_hidden_fields_are_unknown(deal: ObjectDefinition) -> None:
    """A field that does not exist for the caller is neither read nor suggested."""
    _, problems = coerce(deal, {"amount": 1, "amout": 1}, partial=True, known={"name", "stage"})
    assert said(problems) == {
        "/amount": 'deal has no field "amount"',
        "/amout": 'deal has no field "amout"',
    }


def test_odd_keys_are_escaped_in_pointers(deal: ObjectDefinition) -> None:
    _, problems = coerce(deal, {"a/b~c": 1}, partial=True)
    assert [problem.path for problem in problems] == ["/a~1b~0c"]


def test_required_after_rules(deal: ObjectDefinition) -> None:
    record = {**defaults(deal), "name": "filled by a rule"}
    assert required_problems(deal, record) == []
    assert said(required_problems(deal, {**record, "stage": None})) == {
        "/stage": "Must be filled in"
    }


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (None, "won", None),
        ("new", "new", None),
        ("new", "won", None),
        ("won", "new", "Cannot go from won to new; allowed: lost"),
        ("lost", "new", "Cannot go from lost to new"),
        ("new", None, "Cannot go from new; allowed: won, lost"),
    ],
)
def test_transitions(
    deal: ObjectDefinition, before: str | None, after: str | None, message: str | None
) -> None:
    problems = list(transition_problems(deal, {"stage": before}, {"stage": after}))
    assert [sentence(problem) for problem in problems] == ([message] if message else [])


def test_transitions_look_at_what_changes_only(deal: ObjectDefinition) -> None:
    assert list(transition_problems(deal, {"stage": "lost"}, {"name": "x"})) == []


def test_to_wire(deal: ObjectDefinition) -> None:
    account = parse("account", {"properties": {"name": {"type": "string"}}})
    record = {
        "id": "1",
        "version": Decimal(3),
        "amount": Money(Decimal("5"), "CNY"),
        "day": date(2026, 3, 1),
        "at": None,
        "account.name": "Acme",
    }
    wire = to_wire(deal, record, objects={"account": account})
    assert wire == {
        "id": "1",
        "version": 3,
        "amount": {"amount": "5.00", "currency": "CNY"},
        "day": "2026-03-01",
        "at": None,
        "account.name": "Acme",
    }
    assert encode(to_wire(deal, record, ["version", "id"])) == b'{"version":3,"id":"1"}'


def test_encode_refuses_what_is_no_json() -> None:
    with pytest.raises(TypeError, match="no JSON form for object"):
        encode({"a": object()})
