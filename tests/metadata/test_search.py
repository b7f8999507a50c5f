"""Searching on both databases: the slow reference finds the same, in the same order."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa

from metadata.access import EVERYTHING, SYSTEM, FieldRight, Principal, Rows
from metadata.catalog import Catalog, build_catalog
from metadata.prepared import write_all
from metadata.query import QueryProblem, Records
from metadata.query.search_everywhere import Hit
from metadata.search.entries import entry_writes
from metadata.search.rebuild import advance, count_wrong_entries, is_search_behind, rebuild
from metadata.search.tables import SEARCH_ENTRY
from tests.metadata.databases import engine_for
from tests.metadata.searching import expected
from tests.metadata.worlds import MOMENT, World, fill, make_catalog, principal

HIDDEN, MASKED = FieldRight.HIDDEN, FieldRight.MASKED
SEARCHES = (
    *("ACME", "acm", "ac", "STRASSE", "str", "京", "北京", "bj", "beij", "σ", "ς", "a b", "b a"),
    *("10", "9", "x", "1390001", "13900", "0001", "n", "x n", "acme x", "u1", "%", "_", "\\"),
)
PERSONS: dict[str, Principal] = {
    "system": SYSTEM,
    "rep": principal(
        reads={
            "deal": Rows(owners=frozenset({"u1", "u2"})),
            "account": Rows(teams=frozenset({"t1"})),
        },
        fields={"deal": {"secret": HIDDEN, "phone": MASKED}},
    ),
    "nameless": principal(
        reads={"deal": EVERYTHING, "account": EVERYTHING}, fields={"deal": {"name": HIDDEN}}
    ),
    "narrow": principal(
        reads={"deal": EVERYTHING, "account": EVERYTHING}, fields={"deal": {"account": HIDDEN}}
    ),
    "outsider": principal(reads={"user": EVERYTHING}),
}


@pytest.fixture(scope="module")
def connection(module_database_url: str) -> Iterator[sa.Connection]:
    with engine_for(module_database_url) as engine, engine.connect() as made, made.begin():
        yield made


@pytest.fixture(scope="module")
def catalog(connection: sa.Connection) -> Catalog:
    return make_catalog(connection)


@pytest.fixture(scope="module")
def world(connection: sa.Connection, catalog: Catalog) -> World:
    return fill(connection, catalog, random.Random(29), 150)


def readable(records: Records, world: World) -> dict[str, set[str]]:
    """Gives the records that somebody may read, by object."""
    return {
        name: {str(one["id"]) for one in records.list(name, fields=[], limit=200).items}
        if records.principal.access(name).exists
        else set()
        for name in world.records
    }


@pytest.mark.parametrize("person", PERSONS)
def test_lists_and_lookups_find_what_the_reference_finds(
    connection: sa.Connection, world: World, person: str
) -> None:
    records = Records(world.catalog, connection, PERSONS[person], MOMENT)
    seen, found_any = readable(records, world), 0
    for name in ("deal", "account", "user"):
        if not PERSONS[person].access(name).exists:
            continue
        for text in SEARCHES:
            wanted = [found[-1] for found in expected(world, PERSONS[person], name, text, seen)]
            page = records.list(name, fields=[], search=text, limit=200, count="exact")
            assert [one["id"] for one in page.items] == wanted, (name, text)
            assert page.count == len(wanted)
            by_id = records.list(name, fields=[], search=text, sort=["id"], limit=200)
            assert [one["id"] for one in by_id.items] == sorted(wanted)
            named = [f[-1] for f in expected(world, PERSONS[person], name, text, seen) if f[0] < 3]
            assert [key for key, _ in records.lookup(name, text, 50)] == named[:50]
            found_any += len(wanted)
    assert found_any > (0 if person == "outsider" else 100)


@pytest.mark.parametrize("person", PERSONS)
def test_everything_is_searched_at_once_page_by_page(
    connection: sa.Connection, world: World, person: str
) -> None:
    who = PERSONS[person]
    records = Records(world.catalog, connection, who, MOMENT)
    seen = readable(records, world)
    names = [name for name in ("user", "deal", "account") if who.access(name).exists]
    for text in SEARCHES:
        wanted = sorted(
            (rank, place, folded.encode(), key)
            for place, name in enumerate(names)
            for rank, folded, key in expected(world, who, name, text, seen)
        )
        hits: list[Hit] = []
        after: str | None = None
        while True:
            page = records.search(text, names, limit=17, after=after)
            hits.extend(page.items)
            after = page.next
            if after is None:
                break
        assert [(hit.object, hit.id) for hit in hits] == [
            (names[place], key) for _, place, _, key in wanted
        ], text
        assert {hit.field for hit in hits} <= {None, "phone", "secret", "region"}


def test_hits_tell_what_they_were_found_by(connection: sa.Connection, world: World) -> None:
    records = Records(world.catalog, connection, SYSTEM, MOMENT)
    hit = next(hit for hit in records.search("0001", ["deal"]).items if hit.field == "phone")
    assert hit == Hit("deal", hit.id, hit.name, "phone", "+861390001")
    assert {one.field for one in records.search("acme", ["account"]).items} == {None}


def test_wrong_questions_are_refused(connection: sa.Connection, world: World) -> None:
    records = Records(world.catalog, connection, PERSONS["outsider"], MOMENT)
    with pytest.raises(QueryProblem) as caught:
        records.search("x" * 201, ["deal", "nothing"], limit=0)
    assert [(one.path, one.code) for one in caught.value.problems] == [
        ("objects", "unknown_object"),
        ("objects", "unknown_object"),
        ("q", "search_too_long"),
        ("limit", "bad_limit"),
    ]
    cursor = records.search("u", ["user"], limit=1).next
    assert cursor is not None
    with pytest.raises(QueryProblem):
        records.search("u1", ["user"], after=cursor)
    with pytest.raises(QueryProblem):
        records.search("u", ["user"], after="nonsense")


def test_an_index_that_is_wrong_is_found_out_and_made_anew(
    connection: sa.Connection, catalog: Catalog, world: World
) -> None:
    deal = catalog.objects["deal"]
    with connection.begin_nested() as inner:
        assert not is_search_behind(connection, catalog)
        assert [rows for _, rows in count_wrong_entries(connection, catalog)] == [0] * 4
        ids = [str(one["id"]) for one in world.records["deal"] if not one["deleted_at"]][:3]
        entry = SEARCH_ENTRY.c
        connection.execute(sa.delete(SEARCH_ENTRY).where(entry.record == ids[0]))
        nonsense = entry_writes(connection, deal, [(ids[1], "nonsense"), ("nobody", "nothing")])
        write_all(connection, nonsense)
        wrong = {one.name: rows for one, rows in count_wrong_entries(connection, catalog)}
        assert wrong == {"deal": 3, "account": 0, "user": 0, "team": 0}
        rebuild(connection, catalog)
        assert [rows for _, rows in count_wrong_entries(connection, catalog)] == [0] * 4
        inner.rollback()


def test_other_wishes_index_anew_and_go_on_where_they_stopped(
    connection: sa.Connection, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("metadata.search.rebuild.BATCH", 40)
    before = searching(catalog, "account", ["secret"])
    with connection.begin_nested() as inner:
        world = fill(connection, before, random.Random(3), 300)
        records = Records(catalog, connection, SYSTEM, MOMENT)
        north = [one for one in world.records["account"] if str(one["region"]).lower() == "n"]
        living = sorted(str(one["id"]) for one in north if not one["deleted_at"])
        assert not is_search_behind(connection, before)
        assert is_search_behind(connection, catalog)
        found = []
        while advance(connection, catalog):
            page = records.list("account", fields=[], search="n", sort=["id"], limit=200)
            found.append([one["id"] for one in page.items])
        assert len(found) == 3
        assert found[0] == living[: len(found[0])] != living
        assert found[-1] == living
        assert not is_search_behind(connection, catalog)
        assert [rows for _, rows in count_wrong_entries(connection, catalog)] == [0] * 4
        inner.rollback()


def searching(catalog: Catalog, object_name: str, fields: list[str]) -> Catalog:
    """Gives a catalog in which an object is searched in other fields."""
    elements = []
    for one in catalog.elements:
        crm = one.body.get("crm")
        if one.name == object_name and isinstance(crm, dict):
            elements.append(replace(one, body={**one.body, "crm": {**crm, "search": fields}}))
        else:
            elements.append(one)
    return build_catalog(catalog.version, elements)


def test_objects_out_of_use_leave_the_index(
    connection: sa.Connection, catalog: Catalog, world: World
) -> None:
    with connection.begin_nested() as inner:
        kept = [one for one in catalog.elements if one.name != "deal"]
        without = build_catalog(catalog.version, kept)
        assert is_search_behind(connection, without)
        while advance(connection, without):
            pass
        deal = SEARCH_ENTRY.c.object == catalog.objects["deal"].id
        assert connection.scalar(sa.select(sa.func.count()).where(deal)) == 0
        inner.rollback()
