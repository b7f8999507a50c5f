"""What changes of definitions do to rows: conversions and back, options, retired names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from metadata.catalog import Catalog
from metadata.changes.impact import Impact, measure
from metadata.diff import plan
from metadata.migrate import Unconfirmed, publish
from metadata.problems import DefinitionError, sentence
from metadata.store import create_store, elements_at, load_catalog, load_elements
from tests.metadata.databases import JsonObject, element, engine_for, object_body, snapshot

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
TEXT: JsonObject = {"type": "string"}
NUMBER: JsonObject = {"type": "number"}
INTEGER: JsonObject = {"type": "integer"}
DATE: JsonObject = {"type": "string", "format": "date"}


def choice(*values: str, **crm: Any) -> JsonObject:
    return {"type": "string", "enum": list(values), **({"crm": crm} if crm else {})}


@pytest.fixture
def connection(database_url: str) -> Iterator[sa.Connection]:
    with engine_for(database_url) as engine, engine.begin() as made:
        create_store(made)
        yield made


def make(connection: sa.Connection, size: JsonObject, *values: object, **more: Any) -> Catalog:
    """Publishes object `thing` with a field `size` and one row for each value."""
    catalog = change(connection, {"size": size}, **more)
    put(connection, catalog, *values)
    return catalog


def put(connection: sa.Connection, catalog: Catalog, *values: object, start: int = 0) -> None:
    field = catalog.objects["thing"].fields["size"]
    for number, value in enumerate(values, start):
        read = None if value is None else field.type.coerce(value, field)
        parts = field.type.to_parts(read, field)
        row: dict[str, object] = {
            f"{field.column}${p}" if p else field.column: v for p, v in parts.items()
        }
        row |= {"id": f"{number:036}", "version": 1, "created_at": NOW, "updated_at": NOW}
        connection.execute(catalog.tables["thing"].insert().values({**row, "name": "a"}))


def change(
    connection: sa.Connection, properties: JsonObject, confirm: tuple[str, ...] = (), **more: Any
) -> Catalog:
    body = object_body({"name": TEXT, **properties}, **more)
    publish(connection, [element("thing", body)], by="ann", confirm=confirm)
    return load_catalog(connection)


def back(connection: sa.Connection, version: int, confirm: tuple[str, ...] = ()) -> Catalog:
    publish(connection, elements_at(connection, version), by="ann", confirm=confirm)
    return load_catalog(connection)


def values(connection: sa.Connection, catalog: Catalog, name: str = "size") -> list[object]:
    """Gives a field's values by record, in the form of a CSV file."""
    definition = catalog.objects["thing"]
    field = definition.fields.get(name) or definition.retired_fields[name]
    table = catalog.tables["thing"]
    found: list[object] = []
    for row in connection.execute(sa.select(table).order_by(table.c.id)).mappings():
        parts = {p: row[f"{field.column}${p}" if p else field.column] for p in field.type.parts}
        value = field.type.from_parts(parts, field)
        found.append(None if value is None else field.type.export(value, field))
    return found


def planned(connection: sa.Connection, properties: JsonObject) -> dict[str, Impact]:
    """Gives by kind of operation what a plan means."""
    catalog = load_catalog(connection)
    body = object_body({"name": TEXT, **properties})
    made = plan(catalog.elements, [element("thing", body)])
    measured = measure(connection, catalog, made)
    assert not made.problems, made.problems
    kinds = [operation.kind for operation in made.operations]
    return dict(zip(kinds, measured.impacts, strict=True))


# Before, values, after → what the values become; None was lost, in brackets changed its form.
CONVERSIONS: list[
    tuple[JsonObject, list[object], JsonObject, list[object], tuple[int, int, int]]
] = [
    (TEXT, ["12", "x", "0", " 7 ", None], INTEGER, ["12", None, "0", "7", None], (3, 0, 1)),
    (TEXT, ["007", "1e3", "12.5"], NUMBER, ["7", "1000", "12.5"], (1, 2, 0)),
    (INTEGER, [5, -7, None], NUMBER, ["5", "-7", None], (2, 0, 0)),
    (INTEGER, [123456789012345678], NUMBER, [None], (0, 0, 1)),
    (NUMBER, ["1.2345", "2"], {**NUMBER, "crm": {"scale": 2}}, ["1.23", "2.00"], (0, 2, 0)),
    (NUMBER, ["1.5", "2"], INTEGER, ["2", "2"], (1, 1, 0)),
    (TEXT, ["2026-03-01", "soon"], DATE, ["2026-03-01", None], (1, 0, 1)),
    (choice("a", "b"), ["a", "b"], TEXT, ["a", "b"], (2, 0, 0)),
    (TEXT, ["a", "c"], choice("a", "b"), ["a", None], (1, 0, 1)),
]


@pytest.mark.parametrize(("before", "given", "after", "expected", "tally"), CONVERSIONS)
def test_conversions(
    connection: sa.Connection,
    before: JsonObject,
    given: list[object],
    after: JsonObject,
    expected: list[object],
    tally: tuple[int, int, int],
) -> None:
    first = make(connection, before, *given)
    impact = planned(connection, {"size": after})["convert_field"]
    assert impact.tally is not None
    found = (impact.tally.converted, impact.tally.changed, impact.tally.lost)
    assert (found, impact.rows) == (tally, sum(tally))
    if impact.lost:
        with pytest.raises(Unconfirmed) as unconfirmed, connection.begin_nested():
            change(connection, {"size": after})
        assert unconfirmed.value.names == ("thing.size",)
    catalog = change(connection, {"size": after}, ("thing.size",))
    assert values(connection, catalog) == expected
    assert values(connection, catalog, "size_old") == values(connection, first)


def test_samples_show_what_becomes_of_values(connection: sa.Connection) -> None:
    make(connection, TEXT, "1", "x", "002", *["y"] * 7)
    tally = planned(connection, {"size": INTEGER})["convert_field"].tally
    assert tally is not None
    told = {kind: [(s.before, s.after) for s in found] for kind, found in tally.samples.items()}
    assert told == {
        "converted": [("1", "1")],
        "changed": [("002", "2")],
        "lost": [("x", None)] + [("y", None)] * 4,
    }


def test_the_way_back_keeps_originals_and_later_edits(connection: sa.Connection) -> None:
    make(connection, TEXT, "1", "x", "002", "4", None)
    catalog = change(connection, {"size": INTEGER}, ("thing.size",))
    table, field = catalog.tables["thing"], catalog.objects["thing"].fields["size"]
    for number, value in ((3, 44), (1, None), (2, 2)):
        row = table.c.id == f"{number:036}"
        connection.execute(table.update().where(row).values({field.column: value}))
    put(connection, catalog, 9, start=5)
    catalog = back(connection, 1)
    # Untouched ones are as they were, even those that could not be converted.
    assert values(connection, catalog) == ["1", "x", "002", "44", None, "9"]
    catalog = back(connection, 2, ("thing.size",))
    assert values(connection, catalog) == ["1", None, "2", "44", None, "9"]


def test_a_required_and_unique_field_is_judged_after_its_conversion(
    connection: sa.Connection,
) -> None:
    make(connection, TEXT, "1", "01", "x")
    unique = {"size": {**INTEGER, "crm": {"unique": True}}}
    for properties, required, code in (
        ({"size": INTEGER}, ["size"], "required_but_empty"),
        (unique, [], "unique_but_repeated"),
    ):
        before = snapshot(connection)
        with pytest.raises(DefinitionError) as caught, connection.begin_nested():
            change(connection, properties, ("thing.size",), required=required)
        assert [problem.code for problem in caught.value.problems] == [code]
        assert snapshot(connection) == before


def test_a_new_field_of_a_retired_name_is_new_and_the_old_one_can_be_brought_back(
    connection: sa.Connection,
) -> None:
    make(connection, TEXT, "a", "b")
    change(connection, {}, ("thing.size",))
    catalog = change(connection, {"size": DATE})
    assert values(connection, catalog) == [None, None]
    assert values(connection, catalog, "size_old") == ["a", "b"]
    catalog = change(connection, {"size": DATE, "size_old": TEXT})
    assert "size_old" in catalog.objects["thing"].fields
    assert values(connection, catalog, "size_old") == ["a", "b"]
    # Under its name and as what it was, a retired field comes back as itself.
    change(connection, {"size_old": TEXT}, ("thing.size",))
    catalog = change(connection, {"size_old": TEXT, "size": DATE})
    assert catalog.objects["thing"].fields["size"].column == "size_2"


OPTIONS = choice("new", "open", "won")


def test_a_removed_option_wants_a_successor(connection: sa.Connection) -> None:
    make(connection, OPTIONS, "new", "open", "open", None)
    with pytest.raises(DefinitionError) as caught, connection.begin_nested():
        change(connection, {"size": choice("new", "won")})
    (problem,) = caught.value.problems
    assert problem.path == "/objects/thing/properties/size"
    assert sentence(problem) == (
        '2 records have "open" in thing.size; say which option takes its place (replaced_options), '
        "or take it out of use instead (retired)"
    )
    replaced = {"size": choice("new", "won", replaced_options={"open": "won"})}
    impact = planned(connection, replaced)["replace_option"]
    assert impact.rows == 2
    catalog = change(connection, replaced)
    assert values(connection, catalog) == ["new", "won", "won", None]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (choice("new", "done", "won", options={"done": {"renamed_from": "open"}}), ["new", "done"]),
        (
            choice("new", "open", "won", options={"open": {"retired": True, "replaced_by": "won"}}),
            ["new", "won"],
        ),
        (choice("new", "open", "won", options={"open": {"retired": True}}), ["new", "open"]),
    ],
)
def test_rows_follow_options(
    connection: sa.Connection, after: JsonObject, expected: list[str]
) -> None:
    make(connection, OPTIONS, "new", "open")
    assert values(connection, change(connection, {"size": after})) == expected


def test_sets_of_options_follow_too(connection: sa.Connection) -> None:
    several = {"type": "array", "items": {"enum": ["a", "b", "c"]}}
    make(connection, several, ["a", "b"], ["b", "c"], ["a"])
    fewer = {"type": "array", "items": {"enum": ["a", "c"]}}
    with pytest.raises(DefinitionError) as caught, connection.begin_nested():
        change(connection, {"size": fewer})
    assert caught.value.problems[0].values["rows"] == 2
    catalog = change(connection, {"size": {**fewer, "crm": {"replaced_options": {"b": "c"}}}})
    assert values(connection, catalog) == ["a;c", "c", "a"]


def test_counts_of_a_plan(connection: sa.Connection) -> None:
    make(connection, NUMBER, 1, 2, None)
    assert planned(connection, {})["retire_field"].rows == 2
    renamed = {"weight": {**NUMBER, "crm": {"renamed_from": "size"}}}
    assert planned(connection, renamed)["rename_field"].rows == 2
    catalog = load_catalog(connection)
    made = plan(catalog.elements, [])
    assert measure(connection, catalog, made).impacts[0].rows == 3
    assert load_elements(connection) == list(catalog.elements)


def test_a_rename_and_a_conversion_at_once(connection: sa.Connection) -> None:
    """A rename in the same step as a conversion keeps both: the name and the values."""
    make(connection, TEXT, "1", "2")
    moved: Mapping[str, JsonObject] = {"weight": {**INTEGER, "crm": {"renamed_from": "size"}}}
    catalog = change(connection, dict(moved))
    assert values(connection, catalog, "weight") == ["1", "2"]
    assert values(connection, catalog, "size") == ["1", "2"]
    assert list(catalog.objects["thing"].retired_fields) == ["size"]
