"""The Python back end: its cases, what needs the record before, long texts, explanations."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

import pytest

from rule_engine import core
from rule_engine.backends.python import compile_node, trace_node
from rule_engine.backends.python.trace import text_of
from rule_engine.errors import NotTranslatableError, Span
from rule_engine.expression import Expression
from rule_engine.types import Kind, Type
from rule_engine.values import BusinessLength, Money
from tests.rule_engine.cases_world import AMY, CASES, Case, read_record
from tests.rule_engine.law_world import SCHEMA, Store, Surroundings

NOBODY = Surroundings(Store({name: [] for name in SCHEMA.objects}), None)
NUMBER, HERE = Type(Kind.NUMBER), Span(1, 1)


def node_of(text: str, *, sees_changes: bool = False) -> core.Node:
    return Expression.parse(text).resolve(SCHEMA, "deal", sees_changes=sees_changes)


def shown(value: object) -> str:
    """Gives a value as cases write it."""
    if isinstance(value, bool):
        return str(value).lower()
    return "empty" if value is None else str(text_of(value))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.expression} | {case.record}")
def test_cases(case: Case) -> None:
    record, _, environment = read_record(case, "deal")
    value = compile_node(node_of(case.expression))(record, environment)
    assert shown(value) == case.expected


OLD = {"stage": "new", "quantity": Decimal(1), "account": {"id": "a"}}


@pytest.mark.parametrize(
    ("text", "record", "old", "expected"),
    [
        ("stage changed", {"stage": "won"}, OLD, True),
        ("stage changed", {"stage": "new"}, OLD, False),
        ("stage changed", {}, OLD, True),
        ("stage changed", {"stage": "new"}, None, True),
        ("stage changed", {}, None, False),
        ('stage changed to "won"', {"stage": "won"}, OLD, True),
        ('stage changed to "won"', {"stage": "offer"}, OLD, False),
        ('stage changed from "new" to "won"', {"stage": "won"}, OLD, True),
        ('stage changed from "won"', {"stage": "new"}, None, False),
        ("quantity changed", {"quantity": Decimal("1.00")}, OLD, False),
        ("account changed", {"account": "a"}, OLD, False),
        ("quantity > old.quantity", {"quantity": Decimal(2)}, OLD, True),
        ("quantity > old.quantity", {"quantity": Decimal(2)}, None, False),
    ],
)
def test_changes(
    text: str, record: dict[str, object], old: dict[str, object], expected: bool
) -> None:
    assert compile_node(node_of(text, sees_changes=True))(record, NOBODY, old) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [('name matches "^ab+$"', True), ('name matches "B"', False), ('note matches "."', False)],
)
def test_matches(text: str, expected: bool) -> None:
    assert compile_node(node_of(text))({"name": "abb"}, NOBODY) is expected


def test_nested_records_stand_for_references() -> None:
    text = 'count(lines where quantity > 1) = 1 and account.parent.name = "Group" and owner = user'
    record = {
        "account": {"parent": MappingProxyType({"name": "Group"})},
        "lines": [{"quantity": Decimal(2)}, {"quantity": Decimal(1)}, {}],
        "owner": {"id": "user-1"},
    }
    amy = Surroundings(NOBODY.related, AMY)
    assert compile_node(node_of(text))(record, amy) is True


@dataclass(frozen=True)
class Dollars:
    base: str = "CNY"

    def rate(self, currency: str) -> Decimal | None:
        return Decimal("7.2") if currency == "USD" else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("amount > 70 CNY", True),
        ("amount = 72 CNY", True),
        ("amount + 1 CNY", Money(Decimal(73), "CNY")),
        ("amount + 1 USD", Money(Decimal(11), "USD")),
        ("amount > 1 EUR", False),
        ("amount + 1 EUR", None),
        ("max(amount, 71 CNY)", Money(Decimal(10), "USD")),
    ],
)
def test_rates(text: str, expected: object) -> None:
    rated = Surroundings(NOBODY.related, None, rates=Dollars())
    assert compile_node(node_of(text))({"amount": Money(Decimal(10), "USD")}, rated) == expected


def test_long_sums_and_tables() -> None:
    one = core.Constant(NUMBER, False, HERE, Decimal(1))
    quantity = node_of("quantity")
    total = quantity
    for number in range(6000):
        op, right = ("+", quantity) if number % 2 else ("-", one)
        total = core.Arithmetic(NUMBER, True, HERE, op, total, right)
    assert compile_node(total)({"quantity": Decimal(3)}, NOBODY) == 3 + 3000 * 3 - 3000
    arms = tuple(
        (node_of(f"quantity = {number}"), core.Constant(NUMBER, False, HERE, Decimal(number * 2)))
        for number in range(300)
    )
    table = core.Case(NUMBER, True, HERE, arms, quantity)
    assert compile_node(table)({"quantity": Decimal(299)}, NOBODY) == 598
    assert compile_node(table)({"quantity": Decimal(-1)}, NOBODY) == -1


def test_one_function_per_node() -> None:
    node = node_of("quantity > 5")
    assert compile_node(node) is compile_node(node)


def test_business_time_needs_a_calendar() -> None:
    length = core.Constant(Type(Kind.BUSINESS_LENGTH), False, HERE, BusinessLength(minutes=60))
    node = core.Arithmetic(Type(Kind.INSTANT), True, HERE, "+", node_of("seen"), length)
    with pytest.raises(NotTranslatableError) as caught:
        compile_node(node)
    assert str(caught.value) == "1:1: Python has no instant + business_length"


@pytest.mark.parametrize(
    ("text", "record", "reason"),
    [
        ("quantity > 5", {}, "quantity is empty"),
        ("quantity > 5", {"quantity": Decimal(3)}, ""),
        ('account.parent.name = "x"', {"account": {"name": "y"}}, "account.parent is empty"),
        ('account.name = "x"', {"account": {}}, "account.name is empty"),
        ("quantity / pieces", {"quantity": Decimal(3), "pieces": Decimal(0)}, "the divisor is 0"),
        (
            "amount > 5 CNY",
            {"amount": Money(Decimal(9), "USD")},
            "there is no rate between USD and CNY",
        ),
        ("stage.probability", {}, "stage is empty"),
        ("length(name) > 0", {}, ""),
        ("upper(name)", {}, "name is empty"),
    ],
)
def test_traces_say_why(text: str, record: dict[str, object], reason: str) -> None:
    assert trace_node(node_of(text), record, NOBODY).reason.in_language("en") == reason


def test_traces_show_parts() -> None:
    node = node_of('(quantity > 5 or flag) and (if flag then name = "a" else name = "b")')
    trace = trace_node(node, {"quantity": Decimal(7), "name": "b"}, NOBODY)
    assert trace.value is True
    either, choice = trace.children
    assert [(part.text, part.value) for part in either.children] == [
        ("quantity > 5", True),
        ("flag", False),
    ]
    assert [(part.text, part.value) for part in choice.children] == [
        ("flag", False),
        ('name = "b"', True),
    ]
    assert trace.to_json()["children"][0]["children"][0]["children"] == [  # type: ignore[index]  # JSON
        {"text": "quantity", "value": "7", "line": 1, "column": 2, "reason": "", "children": []}
    ]
