"""Computed fields through saves: what peers of this product get wrong, and what they do not do."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from metadata.elements import Element
from rule_engine.values import Money
from tests.metadata.databases import element, object_body
from tests.platform.computed_world import (
    FLAG,
    MONEY,
    NUMBER,
    TEXT,
    World,
    computed,
    reference,
    world_of,
)
from trellis.db import Database

LINES = "sum(lines.total where not cancelled)"


def shop() -> list[Element]:
    """Gives accounts with orders with lines, each level computed from the one below."""
    return [
        element(
            "account",
            object_body(
                {
                    "name": TEXT,
                    "discount": {"type": "number", "crm": {"field": "percent"}},
                    "revenue": computed(MONEY, rollup="sum(orders.total where paid)"),
                    "orders_count": computed({"type": "integer"}, rollup="count(orders)"),
                    "is_big": computed(FLAG, formula="revenue >= 1000 CNY"),
                    "latest_order": computed(TEXT, rollup="latest(orders.name)"),
                    "numbers": computed(TEXT, rollup='join(orders.name, ", ")'),
                }
            ),
        ),
        element(
            "order",
            object_body(
                {
                    "name": TEXT,
                    "account": reference("account"),
                    "paid": FLAG,
                    "lines_total": computed(MONEY, rollup=LINES),
                    "total": computed(
                        MONEY, formula="lines_total * (100% - coalesce(account.discount, 0%))"
                    ),
                    "account_name": computed(TEXT, through="account.name"),
                    "grade": computed(TEXT, formula='if account.is_big then "A" else "B"'),
                }
            ),
        ),
        element("product", object_body({"name": TEXT, "price": MONEY})),
        element(
            "line",
            object_body(
                {
                    "order": reference("order", on_delete="cascade"),
                    "product": reference("product"),
                    "quantity": NUMBER,
                    "cancelled": FLAG,
                    "total": computed(MONEY, formula="product.price * quantity"),
                }
            ),
        ),
    ]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    with world_of(database, shop()) as world:
        yield world


def cny(amount: str) -> Money:
    return Money(Decimal(amount), "CNY")


def filled(world: World) -> dict[str, str]:
    """Makes an account with a paid order of two lines."""
    ids = {"account": world.save("account", name="Acme")}
    ids["product"] = world.save("product", name="Pump", price="300")
    ids["order"] = world.save("order", name="O-1", account=ids["account"], paid=True)
    for name, quantity in (("first", "1"), ("second", "2")):
        ids[name] = world.save(
            "line", order=ids["order"], product=ids["product"], quantity=quantity
        )
    return ids


def test_a_change_of_a_child_reaches_every_level(world: World) -> None:
    ids = filled(world)
    assert world.get("order", ids["order"])["total"] == cny("900.00")
    account = world.get("account", ids["account"])
    assert (account["revenue"], account["is_big"]) == (cny("900.00"), False)
    world.save("line", ids["second"], quantity="3")
    account = world.get("account", ids["account"])
    assert (account["revenue"], account["is_big"]) == (cny("1200.00"), True)
    assert world.get("order", ids["order"])["grade"] == "A"
    assert world.drifted() == {}


def test_a_change_above_reaches_everything_below_and_comes_back(world: World) -> None:
    ids = filled(world)
    world.save("product", ids["product"], price="500")
    assert world.get("account", ids["account"])["revenue"] == cny("1500.00")
    world.save("account", ids["account"], discount="0.5")
    assert world.get("account", ids["account"])["revenue"] == cny("750.00")
    assert world.get("order", ids["order"])["grade"] == "B"
    assert world.drifted() == {}


def test_filters_moves_deletions_and_restorations_count(world: World) -> None:
    ids = filled(world)
    other = world.save("order", name="O-2", account=ids["account"], paid=False)
    steps = []

    def totals() -> None:
        found = [world.get("order", key)["lines_total"] for key in (ids["order"], other)]
        account = world.get("account", ids["account"])
        steps.append((*(str(one.amount) for one in found), account["numbers"]))  # type: ignore[attr-defined]
        assert world.drifted() == {}

    world.save("line", ids["first"], cancelled=True)
    totals()
    world.save("line", ids["second"], order=other)
    totals()
    world.delete("line", ids["second"])
    totals()
    world.restore("line", ids["second"])
    totals()
    world.delete("order", other)
    world.restore("order", other)
    totals()
    assert steps == [
        ("600.00", "0.00", "O-1, O-2"),
        ("0.00", "600.00", "O-1, O-2"),
        ("0.00", "0.00", "O-1, O-2"),
        ("0.00", "600.00", "O-1, O-2"),
        ("0.00", "600.00", "O-1, O-2"),
    ]


def test_computed_writes_leave_the_version_and_tell_the_history(world: World) -> None:
    ids = filled(world)
    account = world.get("account", ids["account"])
    assert (account["version"], account["orders_count"]) == (1, 1)


def test_virtual_and_stored_fields_filter_and_sort(world: World) -> None:
    ids = filled(world)
    world.save("order", name="O-2")
    records = world.unit.records()
    rows = [
        ('account_name = "Acme"', ["O-1"]),
        ('account_name contains "acm" and account.revenue > 500 CNY', ["O-1"]),
        ("account_name is empty", ["O-2"]),
        ("lines_total = 900 CNY", ["O-1"]),
        ('any(lines where order.account_name = "Acme")', ["O-1"]),
    ]
    for text, names in rows:
        found = records.list("order", filter=text, fields=["name"]).items
        assert [one["name"] for one in found] == names, text
    page = records.list("order", sort=["-account_name"], fields=["name", "account_name"])
    assert [one["name"] for one in page.items] == ["O-1", "O-2"]
    assert ids


def test_roll_ups_follow_links_of_many_to_many_and_rows_of_tables(database: Database) -> None:
    link = {"properties": {"grade": NUMBER}}
    students = {"field": "many_to_many", "to": "person", "reverse": "courses", "link": link}
    hours = {"field": "child_table", "to": "lesson"}
    elements = [
        element(
            "course",
            object_body(
                {
                    "name": TEXT,
                    "students": {"type": "array", "crm": students},
                    "lessons": {"type": "array", "crm": hours},
                    "best": computed(NUMBER, rollup="max(students.grade)"),
                    "hours": computed(NUMBER, rollup="sum(lessons.hours)"),
                }
            ),
        ),
        element("lesson", object_body({"course": reference("course"), "hours": NUMBER})),
        element(
            "person",
            object_body(
                {"name": TEXT, "taken": computed({"type": "integer"}, rollup="count(courses)")}
            ),
        ),
    ]
    with world_of(database, elements) as world:
        ann, bob = world.save("person", name="Ann"), world.save("person", name="Bob")
        chosen = [{"id": ann, "grade": "3"}, {"id": bob, "grade": "5"}]
        lessons = [{"hours": "1.5"}, {"hours": "2"}]
        course = world.save("course", name="C", students=chosen, lessons=lessons)
        found = world.get("course", course)
        assert (found["best"], found["hours"]) == (5, Decimal("3.50"))
        assert [world.get("person", one)["taken"] for one in (ann, bob)] == [1, 1]
        world.save("course", course, students=chosen[:1], lessons=lessons[:1])
        found = world.get("course", course)
        assert (found["best"], found["hours"]) == (3, Decimal("1.50"))
        assert [world.get("person", one)["taken"] for one in (ann, bob)] == [1, 0]
        world.delete("person", ann)
        assert world.get("course", course)["best"] is None
        assert world.drifted() == {}
