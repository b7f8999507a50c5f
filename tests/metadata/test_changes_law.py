"""Law: whatever is edited, the tables become those of the definitions and no value is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metadata.catalog import Catalog
from metadata.drafts import published_form
from metadata.elements import Element
from metadata.fields.base import Refused
from metadata.migrate import Unconfirmed, publish
from metadata.problems import DefinitionError
from metadata.store import create_store, elements_at, load_catalog
from tests.conftest import empty_postgresql
from tests.metadata.databases import JsonObject, element, engine_for, object_body

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
KINDS: dict[str, JsonObject] = {
    "text": {"type": "string"},
    "long_text": {"type": "string", "crm": {"field": "long_text"}},
    "integer": {"type": "integer"},
    "decimal": {"type": "number"},
    "date": {"type": "string", "format": "date"},
    "choice": {"type": "string", "enum": ["a", "b", "7"]},
    "many": {"type": "array", "items": {"enum": ["a", "b", "7"]}},
    "boolean": {"type": "boolean"},
}
VALUES = ["7", "a", "b", "x", "2026-03-01", "12.5", "true", None]
NAMES = ["one", "two", "three"]
ROWS = 4

chosen = st.sampled_from(NAMES)
edits = st.one_of(
    st.tuples(st.just("add"), chosen, st.sampled_from(sorted(KINDS))),
    st.tuples(st.just("rename"), chosen, chosen),
    st.tuples(st.just("retire"), chosen, st.just("")),
    st.tuples(st.just("convert"), chosen, st.sampled_from(sorted(KINDS))),
    st.tuples(st.just("index"), chosen, st.just("")),
    st.tuples(st.just("unique"), chosen, st.just("")),
    st.tuples(st.just("option"), chosen, st.sampled_from(["a", "b", "7"])),
    st.tuples(st.just("write"), chosen, st.sampled_from([str(v) for v in VALUES[:-1]])),
    st.tuples(st.just("publish"), st.just(""), st.just("")),
)


@contextmanager
def database(dialect: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    if dialect == "sqlite":
        path = folder / "law.db"
        path.unlink(missing_ok=True)
        yield f"sqlite:///{path}"
        return
    with empty_postgresql(request.getfixturevalue("postgresql_server")) as url:
        yield url


class World:
    """One object with rows, edited as an author would."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        create_store(connection)
        self.draft: JsonObject = object_body({"name": {"type": "string"}, "one": KINDS["text"]})
        self.states: dict[int, dict[str, list[str | None]]] = {}
        self.publish()
        for number in range(ROWS):
            row = {"id": f"{number:036}", "version": 1, "created_at": NOW, "updated_at": NOW}
            self.connection.execute(self.table.insert().values({**row, "name": "n"}))

    @property
    def catalog(self) -> Catalog:
        return load_catalog(self.connection)

    @property
    def table(self) -> sa.Table:
        return self.catalog.tables["thing"]

    @property
    def fields(self) -> JsonObject:
        properties: JsonObject = self.draft["properties"]
        return properties

    def edit(self, what: str, name: str, detail: str) -> None:
        there = name in self.fields
        match what:
            case "add" if not there:
                self.fields[name] = KINDS[detail]
            case "rename" if there and detail not in self.fields:
                crm = {**self.fields[name].get("crm", {}), "renamed_from": name}
                self.fields[detail] = {**self.fields.pop(name), "crm": crm}
            case "retire" if there:
                del self.fields[name]
            case "convert" if there:
                kept = {
                    key: value
                    for key, value in self.fields[name].get("crm", {}).items()
                    if key == "renamed_from"
                }
                crm = {**KINDS[detail].get("crm", {}), **kept}
                self.fields[name] = {**KINDS[detail], **({"crm": crm} if crm else {})}
            case "index" | "unique" if there:
                crm = self.fields[name].get("crm", {})
                self.fields[name] = {**self.fields[name], "crm": {**crm, what: not crm.get(what)}}
            case "option" if there and "enum" in self.fields[name]:
                left = [one for one in ["a", "b", "7"] if one != detail]
                crm = {**self.fields[name].get("crm", {}), "replaced_options": {detail: left[0]}}
                self.fields[name] = {**self.fields[name], "enum": left, "crm": crm}
            case "write":
                self.write(name, detail)
            case "publish":
                self.publish()

    def write(self, name: str, text: str) -> None:
        """Writes a value into every second row of a field in force, where it fits."""
        field = self.catalog.objects["thing"].fields.get(name)
        if field is None or field.unique:
            return
        try:
            value = field.type.coerce(text, field)
        except Refused:
            return
        parts = field.type.to_parts(value, field)
        row = {f"{field.column}${p}" if p else field.column: v for p, v in parts.items()}
        table = self.table
        half = table.c.id.in_([f"{number:036}" for number in range(0, ROWS, 2)])
        self.connection.execute(table.update().where(half).values(row))
        self.states[self.catalog.version] = self.values()

    def values(self) -> dict[str, list[str | None]]:
        """Gives the values of all columns by the id of their field, retired ones too."""
        catalog = self.catalog
        definition, table = catalog.objects["thing"], catalog.tables["thing"]
        fields = (*definition.own_fields, *definition.retired_fields.values())
        rows = self.connection.execute(sa.select(table).order_by(table.c.id)).mappings().all()
        found: dict[str, list[str | None]] = {}
        for field in fields:
            read = [
                field.type.from_parts(
                    {
                        p: row[f"{field.column}${p}" if p else field.column]
                        for p in field.type.parts
                    },
                    field,
                )
                for row in rows
            ]
            found[field.id] = [None if v is None else field.type.export(v, field) for v in read]
        return found

    def publish(self, wanted: list[Element] | None = None) -> bool:
        """Publishes the draft or other elements, everything confirmed; says whether it did."""
        elements = wanted or [element("thing", json.loads(json.dumps(self.draft)))]
        confirm: set[str] = set()
        for _ in range(3):
            try:
                with self.connection.begin_nested():
                    publish(self.connection, elements, by="ann", confirm=confirm)
            except Unconfirmed as error:
                confirm.update(error.names)
            except DefinitionError:
                body = next(e for e in self.catalog.elements if e.name == "thing").body
                self.draft = json.loads(json.dumps(published_form(body)))
                return False
            else:
                break
        self.states[self.catalog.version] = self.values()
        return True

    def check_tables(self) -> None:
        inspector = sa.inspect(self.connection)
        columns = {str(column["name"]) for column in inspector.get_columns(self.table.name)}
        indexes = {str(index["name"]) for index in inspector.get_indexes(self.table.name)}
        assert columns == {column.name for column in self.table.c}
        assert indexes == {str(index.name) for index in self.table.indexes}


def laws(world: World, steps: list[tuple[str, str, str]]) -> None:
    for step in steps:
        before, version = world.values(), world.catalog.version
        world.edit(*step)
        world.check_tables()
        if step[0] == "write":
            continue
        after = world.values()
        known = {one.id: one for one in world.catalog.objects["thing"].own_fields}
        for identity, found in before.items():
            field = known.get(identity)
            # A field that came back may take values over; a choice may have lost an option.
            if version == world.catalog.version or field is None or not field.options:
                kept = after[identity]
                lost = [a for a, b in zip(found, kept, strict=True) if a is not None and b is None]
                assert lost == []
    world.publish()
    newest = dict(world.states)
    for version in sorted(newest):
        if not world.publish(elements_at(world.connection, version)):
            continue
        world.check_tables()
        wanted = [e for e in elements_at(world.connection, version) if e.name == "thing"]
        properties: JsonObject = dict(wanted[0].body["properties"])  # type: ignore[call-overload]
        names = {n for n, one in properties.items() if one["crm"].get("retired") is not True}
        assert names == {one.name for one in world.catalog.objects["thing"].own_fields}


@pytest.mark.parametrize("examples", [25])
def test_edits_in_any_order(
    dialect: str, request: pytest.FixtureRequest, tmp_path: Path, examples: int
) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(edits, max_size=14))
    def run(steps: list[tuple[str, str, str]]) -> None:
        with (
            database(dialect, request, tmp_path) as url,
            engine_for(url) as engine,
            engine.begin() as connection,
        ):
            laws(World(connection), steps)

    run()


def test_the_way_back_brings_the_data_back(
    dialect: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Retired, renamed, converted: each version gone back to has its values again."""
    steps: list[Any] = [
        ("write", "one", "7"),
        ("convert", "one", "integer"),
        ("publish", "", ""),
        ("rename", "one", "two"),
        ("publish", "", ""),
        ("add", "one", "date"),
        ("retire", "two", ""),
        ("publish", "", ""),
    ]
    with (
        database(dialect, request, tmp_path) as url,
        engine_for(url) as engine,
        engine.begin() as connection,
    ):
        world = World(connection)
        for step in steps:
            world.edit(*step)
        for version in (1, 2, 3, 4):
            assert world.publish(elements_at(connection, version))
            field = world.catalog.objects["thing"].fields["two" if version == 3 else "one"]
            expected = [None] * ROWS if version == 4 else ["7", None] * (ROWS // 2)
            assert world.values()[field.id] == expected
