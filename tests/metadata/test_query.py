"""Queries on both databases: order and paging, search, related records, rights."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from metadata.access import EVERYTHING, SYSTEM, Principal, Rows
from metadata.catalog import Catalog
from metadata.prepared import Prepared
from metadata.query import Missing, QueryProblem, Records, UnknownObject
from metadata.query.run import Runner
from rule_engine.text import fold
from rule_engine.values import Money
from tests.metadata.databases import engine_for
from tests.metadata.worlds import MOMENT, STAGES, Record, World, fill, make_catalog, principal

SORTS = ("name", "stage", "amount", "discount", "count", "hot", "close", "met", "account", "id")
PATHS = (*SORTS, "account.name", "account.rating", "account.parent.name", "created_at")


@pytest.fixture(scope="module")
def connection(module_database_url: str) -> Iterator[sa.Connection]:
    with engine_for(module_database_url) as engine, engine.connect() as made, made.begin():
        yield made


@pytest.fixture(scope="module")
def catalog(connection: sa.Connection) -> Catalog:
    return make_catalog(connection)


@pytest.fixture(scope="module")
def world(connection: sa.Connection, catalog: Catalog) -> World:
    return fill(connection, catalog, random.Random(7), 90)


@pytest.fixture
def records(connection: sa.Connection, world: World) -> Records:
    return Records(world.catalog, connection, SYSTEM, MOMENT)


def follow(world: World, record: Record | None, path: str) -> object:
    """Gives a path's value as the slow reference reads it."""
    first, _, rest = path.partition(".")
    value = record.get(first) if record else None
    return follow(world, world.by_id("account", value), rest) if rest else value


def rank(world: World, record: Record, path: str) -> tuple[bool, object]:
    """Gives what the reference sorts by: empties lowest."""
    value = follow(world, record, f"{path}.name" if path == "account" else path)
    if isinstance(value, Money):
        value = value.amount
    if path == "stage" and value is not None:
        value = (*STAGES, value).index(str(value))
    elif isinstance(value, str) and path != "id":
        value = fold(value)
    return (value is not None, value or 0 if value is None else value)


def in_order(world: World, rows: list[Record], sort: list[str]) -> list[str]:
    """Gives the ids in the order that the reference finds."""
    last = sort[-1].startswith("-") if sort else False
    ordered = sorted(rows, key=lambda row: str(row["id"]), reverse=last)
    for key in reversed(sort):
        path, down = key.removeprefix("-"), key.startswith("-")
        values = {str(row["id"]): rank(world, row, path) for row in rows}
        ordered.sort(key=lambda row, found=values: found[str(row["id"])], reverse=down)  # type: ignore[misc]  # a default fixes the loop's value
    return [str(row["id"]) for row in ordered]


def living(world: World, object_name: str = "deal") -> list[Record]:
    return [row for row in world.records[object_name] if not row["deleted_at"]]


def all_pages(records: Records, limit: int, sort: list[str], **asked: Any) -> list[str]:
    """Gives the ids of a list read page by page."""
    found: list[str] = []
    after = None
    while True:
        page = records.list("deal", fields=["name"], sort=sort, limit=limit, after=after, **asked)
        found.extend(str(item["id"]) for item in page.items)
        assert len(found) <= 1_000
        if page.next is None:
            return found
        assert len(page.items) == limit
        after = page.next


sort_keys = st.builds(
    lambda sign, path: sign + path, st.sampled_from(["", "-"]), st.sampled_from(PATHS)
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(st.lists(sort_keys, max_size=3), st.integers(1, 20))
def test_pages_together_are_the_whole_list_in_order(
    records: Records, world: World, sort: list[str], limit: int
) -> None:
    assert all_pages(records, limit, sort) == in_order(world, living(world), sort)


@pytest.mark.parametrize("path", SORTS)
@pytest.mark.parametrize("sign", ["", "-"])
def test_each_order_page_by_page(records: Records, world: World, sign: str, path: str) -> None:
    expected = in_order(world, living(world), [sign + path])
    for limit in (1, 7, 200):
        assert all_pages(records, limit, [sign + path]) == expected


def with_empties(world: World, sort: list[str]) -> list[str]:
    return in_order(world, living(world), sort)


@pytest.mark.parametrize("limit", [1, 3, 200])
def test_some_records_by_id_are_filtered_and_sorted_as_a_list(
    records: Records, world: World, limit: int
) -> None:
    every = [str(record["id"]) for record in living(world)]
    for sort, asked in (
        ([], {}),
        (["-amount", "name"], {"filter": "not hot"}),
        (["name"], {"match": {"stage": "won"}}),
        (["-count"], {"search": "a"}),
    ):
        whole = all_pages(records, 200, sort, **asked)
        for among in ([], every[:1], every[::3] + every[:4], [*every[::-2], "nobody's", ""]):
            expected = [one for one in whole if one in among]
            assert all_pages(records, limit, sort, among=among, **asked) == expected
            counted = records.list("deal", among=among, count="exact", **asked)
            assert counted.count == len(expected)


@pytest.mark.parametrize("cursor", ["", "x", "e30", "bnVsbA", "W10", "\ud800", "é" * 9_000])
def test_garbled_cursor(records: Records, cursor: str) -> None:
    with pytest.raises(QueryProblem) as caught:
        records.list("deal", after=cursor)
    assert [problem.code for problem in caught.value.problems] == ["bad_cursor"]


def test_cursor_belongs_to_its_question(records: Records) -> None:
    asked: dict[str, Any] = {"sort": ["-count"], "search": "a", "match": {"hot": True}}
    cursor = records.list("deal", limit=1, **asked).next
    assert cursor is not None
    records.list("deal", limit=9, after=cursor, **asked)
    for other in ({"sort": ["count"]}, {"search": "b"}, {"match": {"hot": False}}, {"among": []}):
        with pytest.raises(QueryProblem):
            records.list("deal", after=cursor, **{**asked, **other})
    with pytest.raises(QueryProblem):
        records.list("account", after=cursor)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"limit": 201}, ["bad_limit"]),
        ({"limit": 0}, ["bad_limit"]),
        ({"count": "some"}, ["bad_count"]),
        ({"fields": ["nmae"], "sort": ["-nope"]}, ["unknown_field", "unknown_field"]),
        ({"fields": ["name.x"]}, ["unknown_field"]),
        ({"fields": ["account.parent.parent.parent.name"]}, ["path_too_deep"]),
        ({"search": "x" * 201}, ["search_too_long"]),
        ({"sort": ["name"] * 6}, ["too_many_sort_keys"]),
        ({"match": {"nope": 1}}, ["unknown_field"]),
    ],
)
def test_wrong_questions_are_answered_with_all_problems(
    records: Records, asked: dict[str, Any], expected: list[str]
) -> None:
    with pytest.raises(QueryProblem) as caught:
        records.list("deal", **asked)
    assert [problem.code for problem in caught.value.problems] == expected


def test_unknown_field_is_answered_with_the_nearest_one(records: Records) -> None:
    with pytest.raises(QueryProblem) as caught:
        records.list("team", sort=["nmae"])
    assert str(caught.value) == (
        'sort: team has no field "nmae"; did you mean name?; there are: name, id, created_at, '
        "created_by, updated_at, updated_by, version, deleted_at, source, import_batch"
    )


def test_unknown_object(records: Records) -> None:
    with pytest.raises(UnknownObject) as caught:
        records.get("deel", "d001")
    assert [problem.values["nearest"] for problem in caught.value.problems] == ["deal"]


def test_values_come_back_as_they_went_in(records: Records, world: World) -> None:
    names = [name for name in world.records["deal"][0] if name not in {"deleted_at"}]
    for record in living(world):
        found = records.get("deal", str(record["id"]))
        assert found is not None
        assert {name: found[name] for name in names} == {name: record[name] for name in names}


def test_paths(records: Records, world: World) -> None:
    paths = ["account", "account.name", "account.rating", "account.parent.name", "owner.region"]
    page = records.list("deal", fields=paths, limit=200)
    assert page.items == tuple(
        {
            "id": record["id"],
            "version": 1,
            "account": record["account"],
            **{path: follow(world, record, path) for path in paths[1:4]},
            "owner.region": (world.by_id("user", record["owner"]) or {}).get("region"),
        }
        for record in living(world)
    )


def test_children_and_by_ids(records: Records, world: World) -> None:
    ids = [str(record["id"]) for record in living(world, "account")]
    grouped = records.children("deal", "account", ids, ["name"])
    for account in ids:
        expected = [r["id"] for r in living(world) if r["account"] == account]
        assert [child["id"] for child in grouped.get(account, ())] == expected
    assert list(records.by_ids("account", ids, [])) == ids


def test_counts(records: Records, world: World) -> None:
    total = len(living(world))
    for how, expected in (("none", (None, None)), ("exact", (total, "exact"))):
        page = records.list("deal", limit=1, count=how)  # type: ignore[arg-type]  # both are counts
        assert (page.count, page.count_is) == expected
    assert records.list("deal", count="capped").count == total


def test_capped_count_stops(connection: sa.Connection, catalog: Catalog) -> None:
    with connection.begin_nested() as inner:
        fill(connection, catalog, random.Random(1), 1_500)
        page = Records(catalog, connection, SYSTEM, MOMENT).list("deal", count="capped")
        inner.rollback()
    assert (page.count, page.count_is) == (1_001, "capped")


def statements(connection: sa.Connection, action: object) -> int:
    seen: list[str] = []

    def note(*arguments: object) -> None:
        seen.append(str(arguments[2]))

    event.listen(connection.engine, "before_cursor_execute", note)
    try:
        action()  # type: ignore[operator]  # a lambda
    finally:
        event.remove(connection.engine, "before_cursor_execute", note)
    return len(seen)


def test_statement_budget(connection: sa.Connection, records: Records) -> None:
    cursor = records.list("deal", sort=["-count"], limit=20).next
    fields = ["name", "account.name", "account.parent.name", "owner.name"]
    asked: dict[str, Any] = {"fields": fields, "sort": ["-count"], "search": "a"}
    for action, budget in (
        (lambda: records.list("deal", **asked), 1),
        (lambda: records.list("deal", **asked, count="capped"), 1),
        (lambda: records.list("deal", sort=["-count"], after=cursor), 1),
        (lambda: records.list("deal", sort=["-count"], limit=20, after=cursor, count="exact"), 2),
        (lambda: records.get("deal", "d001"), 1),
        (lambda: records.lookup("deal", "a"), 1),
        (lambda: records.names("deal", ["d001", "d002"]), 1),
        (lambda: records.check("deal", fields=fields), 0),
    ):
        assert statements(connection, action) == budget


def test_row_for_a_change(connection: sa.Connection, world: World) -> None:
    person = principal(reads={"deal": EVERYTHING}, updates={"deal": Rows(owners=frozenset({"u1"}))})
    asked = Records(world.catalog, connection, person, MOMENT)
    for record in world.records["deal"]:
        record_id = str(record["id"])
        deleted = record["deleted_at"] is not None
        if deleted:
            with pytest.raises(Missing):
                asked.get_for_change("deal", record_id, "update")
        target = asked.get_for_change("deal", record_id, "update", deleted=deleted)
        assert target.allowed == (record["owner"] == "u1")
        assert target.record["secret"] == record["secret"]
        assert asked.reaches("deal", record_id, "update") == (target.allowed and not deleted)


def test_row_for_a_change_is_locked_on_postgresql(
    connection: sa.Connection, records: Records
) -> None:
    seen: list[str] = []

    def note(*arguments: object) -> None:
        seen.append(str(arguments[2]))

    event.listen(connection.engine, "before_cursor_execute", note)
    records.get_for_change("deal", str(records.list("deal", limit=1).items[0]["id"]), "update")
    event.remove(connection.engine, "before_cursor_execute", note)
    assert ("FOR UPDATE OF" in seen[-1]) == (connection.dialect.name == "postgresql")


def test_nobody_sees_nothing(connection: sa.Connection, world: World) -> None:
    nobody = Records(world.catalog, connection, Principal("nobody"), MOMENT)
    for ask in (
        lambda: nobody.get("deal", "d001"),
        lambda: nobody.list("deal"),
        lambda: nobody.lookup("deal", "a"),
        lambda: nobody.names("deal", ["d001"]),
        lambda: nobody.by_ids("deal", ["d001"]),
        lambda: nobody.children("deal", "account", ["a001"]),
        lambda: nobody.get_for_change("deal", "d001", "update"),
        lambda: nobody.reaches("deal", "d001", "read"),
    ):
        with pytest.raises(UnknownObject):
            ask()


NASTY = (
    *('name = "\\u0000"', 'name = "\x00"', 'name = "\ud800"', 'name = "\\ud800"', "count > "),
    *(f"count > {'9' * 30}", f"count > 1{'0' * 200}", "amount > 99999999999999999999 CNY"),
    *("count / 0 > 1", "count * count * count * count > 999999999999999999", "(" * 70 + "hot"),
    *("close = 2026-02-30", "close > 9999-12-31 + 9999 days", 'name matches "a"', "old.name = 1"),
    *(" or ".join(["hot"] * 2_300), " and ".join(["count > 1"] * 1_300), "not " * 3_000 + "hot"),
    *(
        'name contains "%"',
        "name = 'x'; drop table o_deal",
        "x" * 17_000,
        "hot " * 2_500,
        "（hot）",
    ),
    *(
        "\n" * 9_000 + "hot",
        "count in (" + "1, " * 4_000 + "1)",
        "deals is empty",
        "user.nothing = 1",
    ),
)


def refusals(connection: sa.Connection, ask: Callable[[], object]) -> set[tuple[str, str]]:
    """Gives paths and codes of the problems a question is answered with; any other error raises."""
    with connection.begin_nested() as inner:
        try:
            ask()
        except QueryProblem as problem:
            found = {(one.path, one.code) for one in problem.problems}
        else:
            found = set()
        inner.rollback()
    return found


@pytest.mark.parametrize("place", range(len(NASTY)))
def test_nasty_filters_are_answered_or_refused(
    connection: sa.Connection, records: Records, place: int
) -> None:
    found = refusals(connection, lambda: records.list("deal", filter=NASTY[place], count="exact"))
    assert {path for path, _ in found} <= {"filter"}


@pytest.mark.parametrize("text", ["\x00", "\ud800", "%" * 200, "a " * 100, "\u202e", "'\"\\/"])
def test_nasty_searches_are_answered_or_refused(
    connection: sa.Connection, records: Records, text: str
) -> None:
    for ask in (
        lambda: records.list("deal", search=text),
        lambda: records.lookup("deal", text),
        lambda: records.list("deal", match={"name": text}),
        lambda: records.get("deal", text),
        lambda: records.names("deal", [text]),
    ):
        assert {code for _, code in refusals(connection, ask)} <= {"value_out_of_range"}


def test_a_value_that_nobody_gave_is_no_fault_of_who_asks(
    connection: sa.Connection, records: Records
) -> None:
    run = Runner(records.catalog, connection, SYSTEM, MOMENT)
    table = records.catalog.tables["deal"]
    for value, expected in ((None, sa.exc.StatementError), (Decimal(10**20), QueryProblem)):
        asked = sa.select(table.c.id).where(table.c["count"] == sa.bindparam("forgotten"))
        values = {} if value is None else {"forgotten": value}
        for statement in (asked, Prepared(asked)):
            with pytest.raises(expected), connection.begin_nested():
                run(statement, {}, values)
