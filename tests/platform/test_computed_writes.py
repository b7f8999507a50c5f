"""What computed fields cost and cause: statements, history, rules, publishing, saves at once."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal

import pytest
import sqlalchemy as sa

from metadata.catalog import Catalog
from metadata.computed.filling import fill
from metadata.computed.outside import outside
from metadata.elements import Element
from metadata.migrate import publish
from metadata.store import load_catalog
from rule_engine.values import Money
from tests.metadata.databases import JsonObject, element, object_body
from tests.platform.computed_world import (
    MONEY,
    NUMBER,
    TEXT,
    ZONE,
    World,
    build,
    computed,
    people,
    reference,
    rules,
    world_of,
)
from trellis.db import Database
from trellis.errors import Conflict
from trellis.records.history import history_of


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


def levels(**more: JsonObject) -> list[Element]:
    """Gives three levels of totals; `more` are further fields of the uppermost."""
    return [
        element("top", object_body({"name": TEXT, "sum": total("mids.sum"), **more})),
        element(
            "mid", object_body({"name": TEXT, "top": reference("top"), "sum": total("lows.n")})
        ),
        element("low", object_body({"n": NUMBER, "mid": reference("mid"), "note": TEXT})),
    ]


def total(path: str) -> JsonObject:
    return computed(NUMBER, rollup=f"sum({path})", track=True)


@contextmanager
def statements(connection: sa.Connection) -> Iterator[list[str]]:
    """Collects what is run on a connection."""
    found: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        found.append(statement)

    sa.event.listen(connection, "before_cursor_execute", note)
    yield found
    sa.event.remove(connection, "before_cursor_execute", note)


def updated(statements: Iterable[str]) -> list[str]:
    """Gives the tables that statements update, also where others' writes go along."""
    found = [re.match(r"(?:WITH .*\) )?UPDATE (\w+)", one, re.DOTALL) for one in statements]
    return [one[1] for one in found if one is not None]


def chain(world: World) -> dict[str, str]:
    top = world.save("top", name="T")
    mid = world.save("mid", name="M", top=top)
    return {"top": top, "mid": mid, "low": world.save("low", n="1", mid=mid)}


def test_each_level_takes_one_question_and_one_write(database: Database) -> None:
    with world_of(database, levels()) as world:
        ids = chain(world)
        unit = world.unit
        world.save("low", ids["low"], n="2")
        with statements(world.connection) as found:
            world.save("low", ids["low"], n="5")
        assert world.get("top", ids["top"])["sum"] == 5
        # PostgreSQL locks what it is about to work out first.
        lock = 1 if unit.connection.dialect.name == "postgresql" else 0
        assert updated(found) == ["o_low", "o_mid", "o_top"]
        asked = [one for one in found if "worked_out" in one]
        locked = [one for one in found if one.endswith("FOR UPDATE") and "o_low.id =" not in one]
        assert (len(asked), len(locked)) == (2, 2 * lock)
        # The record itself, its row and its history, which PostgreSQL takes along with the row; of
        # each level also its history, at once; whether the record is held, and any of the others.
        assert len(found) == 3 - lock + 2 * (2 + lock) + 1 + 2, found
        with statements(world.connection) as found:
            world.save("low", ids["low"], note="nothing is computed from a note")
        assert [one for one in found if "o_mid" in one or "o_top" in one] == []


def test_a_total_that_stays_the_same_goes_no_further(database: Database) -> None:
    with world_of(database, levels()) as world:
        ids = chain(world)
        other = world.save("low", n="3", mid=ids["mid"])
        world.save("low", ids["low"], n="0")
        with statements(world.connection) as found:
            world.save("low", ids["low"], mid=None)
        assert "o_mid" not in updated(found)
        assert [one for one in found if "o_top" in one] == []
        assert world.get("mid", ids["mid"])["sum"] == 3
        assert other


def test_history_tells_of_tracked_fields_and_versions_stay(database: Database) -> None:
    quiet = computed(NUMBER, rollup="count(mids)")
    with world_of(database, levels(mids_count=quiet)) as world:
        ids = chain(world)
        entries, _ = history_of(world.unit, "top", ids["top"])
        assert [(one.version, one.by, one.channel, one.why, one.changes) for one in entries][
            :-1
        ] == [(1, "automation", "rule", "computed", {"sum": ("0.00", "1.00")})]
        assert world.get("top", ids["top"])["version"] == 1


def test_rules_and_formulas_that_look_at_a_total_run_again_once(database: Database) -> None:
    rule = 'rule grade "Grade" on top before save { when sum >= 10 set grade to "big" }'
    fields: Mapping[str, JsonObject] = {
        "grade": TEXT,
        "shout": computed(TEXT, formula="upper(grade)"),
    }
    with world_of(database, [*levels(**fields), rules(rule)]) as world:
        ids = chain(world)
        with statements(world.connection) as found:
            world.save("low", ids["low"], n="12")
        top = world.get("top", ids["top"])
        assert (top["sum"], top["grade"], top["shout"], top["version"]) == (12, "big", "BIG", 1)
        assert updated(found).count("o_top") == 2
        assert world.drifted() == {}


def test_rules_that_chase_a_total_come_to_an_end(database: Database) -> None:
    rule = 'rule more "More" on mid before save { when sum > 0 set extra to sum }'
    elements = [
        element(
            "mid",
            object_body({"name": TEXT, "extra": NUMBER, "sum": total("lows.both")}),
        ),
        element(
            "low",
            object_body(
                {
                    "n": NUMBER,
                    "mid": reference("mid"),
                    "both": computed(NUMBER, formula="n + coalesce(mid.extra, 0)"),
                }
            ),
        ),
        rules(rule),
    ]
    with world_of(database, elements) as world:
        mid = world.save("mid", name="M")
        with pytest.raises(Conflict) as caught:
            world.save("low", n="1", mid=mid)
        assert [one.code for one in caught.value.problems] == ["rule_depth"]


def test_two_saves_at_once_give_the_right_total(database: Database) -> None:
    with database.write() as connection:
        world = World(connection, build(connection, levels()))
        ids = chain(world)
    errors: list[BaseException] = []

    def add(number: int) -> None:
        try:
            for _ in range(5):
                with database.write() as connection:
                    one = World(connection, load_catalog(connection))
                    one.save("low", n=str(number), mid=ids["mid"])
        except BaseException as error:  # shown by the test
            errors.append(error)

    threads = [threading.Thread(target=add, args=(number,)) for number in (1, 10, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with database.write() as connection:
        world = World(connection, load_catalog(connection))
        assert world.get("top", ids["top"])["sum"] == 556
        assert world.drifted() == {}


def test_publishing_fills_what_is_new_and_what_changed(database: Database) -> None:
    with world_of(database, levels()) as world:
        ids = chain(world)

        def values(name: str, *fields: str) -> list[object]:
            return [world.get(name, ids[name])[field] for field in fields]

        def republish(elements: list[Element]) -> None:
            publish(world.connection, [*people(), *elements], by="test", zone=ZONE)
            world.catalog = load_catalog(world.connection)
            assert world.drifted() == {}

        double = computed(NUMBER, formula="sum * 2")
        republish(levels(double=double))
        assert values("top", "double") == [2]
        republish(levels(double=computed(NUMBER, formula="sum * 3")))
        assert values("top", "double") == [3]
        republish(levels(double=computed(NUMBER, formula="sum * 4", stored=False)))
        assert values("top", "double") == [4]
        assert "double" not in world.catalog.tables["top"].c
        world.save("low", ids["low"], n="2")
        republish(levels(double=computed(NUMBER, formula="sum * 5")))
        assert values("top", "double") == [10]
        republish(levels(double=computed(TEXT, formula="text_of(sum)")))
        assert values("top", "double") == ["2"]
        republish(levels(double=computed(NUMBER, formula="sum * 5")))
        assert values("top", "double") == [10]
        changed = levels(double=computed(NUMBER, formula="sum * 5"))
        properties = dict(changed[1].body["properties"])  # type: ignore[call-overload]  # JSON
        properties["sum"] = computed(NUMBER, rollup="sum(lows.n where n > 1)")
        changed[1] = element("mid", {**changed[1].body, "properties": properties})
        world.save("low", ids["low"], n="1")
        republish(changed)
        assert [*values("mid", "sum"), *values("top", "sum", "double")] == [0, 0, 0]


def test_wrong_values_are_counted_and_mended(database: Database) -> None:
    with world_of(database, levels()) as world:
        ids = chain(world)
        table = world.catalog.tables["mid"]
        world.connection.execute(sa.update(table).values(sum=Decimal(77)))
        assert world.drifted() == {"mid.sum": 1, "top.sum": 1}
        mended(world.connection, world.catalog)
        assert world.drifted() == {}
        assert world.get("top", ids["top"])["sum"] == 1


def mended(connection: sa.Connection, catalog: Catalog) -> None:
    fill(connection, catalog, set(catalog.computed.fields), outside(ZONE))


def test_money_is_kept_with_the_places_of_its_currency(database: Database) -> None:
    fields = {
        "price": MONEY,
        "third": computed(MONEY, formula="price / 3"),
        "parts_sum": computed(MONEY, rollup="sum(parts.price)"),
        "whole": reference("piece", reverse="parts"),
    }
    with world_of(database, [element("piece", object_body({"name": TEXT, **fields}))]) as world:
        rows = [
            ({"amount": "100", "currency": "CNY"}, Money(Decimal("33.33"), "CNY")),
            ({"amount": "100", "currency": "JPY"}, Money(Decimal("33"), "JPY")),
            ({"amount": "100", "currency": "KWD"}, Money(Decimal("33.333"), "KWD")),
        ]
        for price, third in rows:
            found = world.get("piece", world.save("piece", price=price))
            assert (found["third"], found["parts_sum"]) == (third, Money(Decimal("0.00"), "CNY"))
        table = world.catalog.tables["piece"]
        world.connection.execute(sa.update(table).values({"third": None, "third$currency": None}))
        mended(world.connection, world.catalog)
        page = world.unit.records().list("piece", fields=["third"])
        assert [one["third"] for one in page.items] == [third for _, third in rows]
        assert world.drifted() == {}
