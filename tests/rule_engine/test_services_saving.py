from __future__ import annotations

from decimal import Decimal

import pytest

from rule_engine.services.automate import BeforeSave, SaveEvent, before_save
from rule_engine.services.validate import validate
from tests.rule_engine.services_world import NOW, cny, program_of, quote, surroundings

OLD: dict[str, object] = quote(amount=cny(100))


def violations(body: str, old: dict[str, object] | None = None, **values: object) -> list[str]:
    program = program_of(f"validate v on quote {{\n{body}\n}}")
    found = validate(program.validations, quote(**values), old, surroundings())
    return [f"{v.rule}: {v.message}" + (f" at {v.field}" if v.field else "") for v in found]


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        ('require discount < 20% message "Too much" at discount', ["v: Too much at discount"]),
        ('require discount < 30% message "Too much"', []),
        ('forbid discount > 20% message "Too much"', ["v: Too much"]),
        ('forbid region = "x" message "No"', []),
        ('require region = "x" message "Empty does not fulfil"', ["v: Empty does not fulfil"]),
        ('require region = "x" when status = "sent" message "No"', []),
        ('require region = "x" when status = "draft" message "No"', ["v: No"]),
        ('when status = "sent" require region = "x" message "No"', []),
        ('forbid amount changed message "Final"', ["v: Final"]),
        ('forbid amount changed and old.status = "sent" message "Final"', []),
        ('forbid old.amount < 200 CNY message "Was small"', ["v: Was small"]),
        ('forbid name changed message "Name"', []),
        (
            'require region is not empty message "1" forbid discount > 1% message "2"',
            ["v: 1", "v: 2"],
        ),
    ],
)
def test_validate(body: str, messages: list[str]) -> None:
    assert violations(body, OLD) == messages


def test_on_create_every_set_field_has_changed() -> None:
    assert violations('forbid amount changed message "a"') == ["v: a"]
    assert violations('forbid region changed message "a"') == []
    assert violations('forbid old.amount is not empty message "a"') == []


def saved(
    text: str,
    event: SaveEvent = "update",
    old: dict[str, object] | None = OLD,
    **values: object,
) -> BeforeSave:
    rules = program_of(text).rules
    return before_save(rules, event, quote(**values), old, surroundings())


def rule(name: str, body: str, when: str = "before save") -> str:
    return f"rule {name} on quote {when} {{ {body} }}\n"


@pytest.mark.parametrize(
    ("body", "values"),
    [
        ("set total to amount * (100% - discount)", {"total": cny("375.00")}),
        ("set total to amount * stage.probability", {"total": None}),
        ('set region to "x" set name to region', {"region": "x", "name": "x"}),
        ("clear discount set total to amount * discount", {"discount": None, "total": None}),
        ("set approved_at to now", {"approved_at": NOW}),
        ('when discount > 90% set region to "x"', {}),
        (
            'when discount > 90% { set region to "x" } otherwise { set region to "y" }',
            {"region": "y"},
        ),
        (
            'when amount changed { set region to "1" } otherwise when true { set region to "2" }',
            {"region": "1"},
        ),
        (
            'when name changed { set region to "1" } otherwise when 1 = 1 { set region to "2" }',
            {"region": "2"},
        ),
        ('set region to "x" stop set name to "y"', {"region": "x"}),
    ],
)
def test_actions(body: str, values: dict[str, object]) -> None:
    assert saved(rule("r", body)).values == values


def test_rules_run_by_order_then_name_and_see_earlier_ones() -> None:
    text = (
        rule("c", 'set name to concat(name, "c")')
        + rule("b", 'set name to concat(name, "b")')
        + rule("z", 'set name to concat(name, "z")', "before save order 1")
        + rule("y", 'set name to concat(name, "y")', "before update order 2")
        + rule("n", 'set name to concat(name, "n")', "before create order 3")
        + rule("g", 'when region = "no" set name to concat(name, "g")', "before save order 4")
    )
    done = saved(text, name=">")
    assert done.values == {"name": ">zybc"}
    assert done.fired == ("z", "y", "b", "c")
    assert saved(text, "create", None, name=">").values == {"name": ">znbc"}


def test_one_pass() -> None:
    text = rule("a", 'when region = "2" set name to "seen"') + rule("b", 'set region to "2"')
    assert saved(text).values == {"region": "2"}


def test_fail_collects_and_stop_ends() -> None:
    text = (
        rule("a", 'fail "A" at discount set region to "x"')
        + rule("b", 'fail "B"')
        + rule("c", "stop")
        + rule("d", 'fail "D"')
    )
    done = saved(text)
    assert [(f.rule, f.message, f.field) for f in done.failures] == [
        ("a", "A", "discount"),
        ("b", "B", None),
    ]
    assert done.values == {}
    assert done.fired == ("a", "b", "c")


@pytest.mark.parametrize(
    ("body", "locked"),
    [('set name to "x"', None), ("lock", True), ("lock unlock", False), ("unlock lock", True)],
)
def test_lock(body: str, locked: bool | None) -> None:
    assert saved(rule("r", body)).locked is locked


def test_percent_and_money() -> None:
    done = saved(rule("r", "set total to amount * stage.probability"), stage="offer")
    assert done.values == {"total": cny("250.0")}
    assert saved(rule("r", "set discount to 5% + discount")).values == {"discount": Decimal("0.30")}
