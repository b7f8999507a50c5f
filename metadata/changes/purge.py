"""Dropping for good what went out of use long ago: the only place where columns and tables go."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import DropIndex, DropTable
from sqlalchemy.sql.compiler import DDLCompiler

from metadata.catalog import Catalog, build_catalog
from metadata.ddl import columns_of
from metadata.elements import Element
from metadata.fields.base import FieldDefinition
from metadata.json_text import mapping
from metadata.locks import take_definitions
from metadata.migrate import Unconfirmed
from metadata.objects import ObjectDefinition
from metadata.operations import Operation, read_operation
from metadata.preflight import count
from metadata.store import (
    Entry,
    history,
    keep_program,
    load_catalog,
    lock_versions,
    replace_elements,
    write_history,
)
from metadata.stored import crm_of, with_crm


@dataclass(frozen=True, slots=True)
class Purgeable:
    """What is out of use since `at`: an object, or with `field` one of its fields.

    `rows` are the records of the object, or those with a value of the field.
    """

    object: str
    field: str
    id: str
    at: datetime
    rows: int

    @property
    def place(self) -> str:
        """Gives `object` or `object.field`."""
        return f"{self.object}.{self.field}" if self.field else self.object


def retired_since(connection: sa.Connection) -> dict[str, datetime]:
    """Gives when elements went out of use last, by id."""
    found: dict[str, datetime] = {}
    for entry in history(connection, limit=None):
        for stored in entry.operations:
            operation = read_operation(stored)
            gone = operation.element
            if operation.kind == "convert_field":
                gone = str(operation.detail.get("source"))
            if operation.kind in {"retire_object", "retire_field", "convert_field"}:
                found.setdefault(gone, entry.at)
    return found


def find_purgeable(
    connection: sa.Connection, catalog: Catalog, before: datetime
) -> list[Purgeable]:
    """Gives what went out of use before an instant, objects first."""
    since = retired_since(connection)
    found = [
        Purgeable(one.name, "", one.id, since[one.id], rows_of(connection, catalog, one, None))
        for one in catalog.retired.values()
        if one.id in since and since[one.id] < before
    ]
    for definition in catalog.objects.values():
        for field in definition.retired_fields.values():
            if field.id in since and since[field.id] < before:
                rows = rows_of(connection, catalog, definition, field)
                place = (definition.name, field.name, field.id)
                found.append(Purgeable(*place, since[field.id], rows))
    return found


def rows_of(
    connection: sa.Connection,
    catalog: Catalog,
    definition: ObjectDefinition,
    field: FieldDefinition | None,
) -> int:
    """Gives how many records there are, or have a value of a field."""
    table = catalog.tables[definition.name]
    if field is None:
        return count(connection, table, sa.true())
    columns = [table.c[column.name] for column in columns_of(field) if column.name in table.c]
    return count(connection, table, columns[0].is_not(None)) if columns else 0


def purge(
    connection: sa.Connection,
    *,
    before: datetime,
    by: str,
    at: datetime,
    confirm: Collection[str] = (),
) -> int:
    """Drops what went out of use before an instant and gives the version then in force.

    Raises Unconfirmed when something is not among the names in `confirm`.
    """
    take_definitions(connection)
    versions = lock_versions(connection)
    catalog = load_catalog(connection)
    found = find_purgeable(connection, catalog, before)
    unconfirmed = [one.place for one in found if one.place not in confirm]
    if unconfirmed:
        raise Unconfirmed(unconfirmed)
    if not found:
        return versions.catalog
    elements = list(without(catalog.elements, {one.id for one in found}))
    operations = [
        Operation(
            "purge_field" if one.field else "purge_object",
            one.object,
            one.field,
            one.id,
            {"rows": one.rows},
        )
        for one in found
    ]
    told = tuple(operation.to_json() for operation in operations)
    entry = Entry(versions.catalog + 1, at, by, "", told)
    after = build_catalog(entry.version, elements)
    for one in found:
        drop(connection, catalog, one)
    replace_elements(connection, catalog.elements, elements, entry.version)
    write_history(connection, entry, expected=versions)
    keep_program(connection, after)
    return entry.version


def without(elements: Sequence[Element], gone: Collection[str]) -> Iterator[Element]:
    """Gives elements without the objects and fields of some ids."""
    for element in elements:
        if element.kind != "object":
            yield element
        elif element.id not in gone:
            properties = {
                name: forgetful(mapping(one), gone)
                for name, one in mapping(element.body.get("properties")).items()
                if crm_of(mapping(one)).get("id") not in gone
            }
            yield replace(element, body={**element.body, "properties": properties})


def forgetful(document: Mapping[str, object], gone: Collection[str]) -> Mapping[str, object]:
    """Gives a field that no longer says it was converted from one that is gone."""
    if crm_of(document).get("converted_from") in gone:
        return with_crm(document, converted_from=None)
    return document


def drop(connection: sa.Connection, catalog: Catalog, one: Purgeable) -> None:
    """Drops a table, or the columns of a field with the indexes on them: SQLite drops no column
    that an index uses."""
    table = catalog.tables[one.object]
    if not one.field:
        connection.execute(DropTable(table, if_exists=True))
        return
    definition = catalog.objects[one.object]
    names = {column.name for column in columns_of(definition.retired_fields[one.field])}
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        if names.intersection(used_by(index)):
            connection.execute(DropIndex(index, if_exists=True))
    for name in sorted(names):
        if name in table.c:
            connection.execute(DropColumn(table.c[name]))


def used_by(index: sa.Index) -> set[str]:
    """Gives the names of the columns that an index is made of."""
    found = {str(column.name) for column in index.columns}
    for expression in index.expressions:
        column = getattr(expression, "column", None)
        if isinstance(column, sa.Column):
            found.add(str(column.name))
    return found


class DropColumn(sa.schema.ExecutableDDLElement):
    """`ALTER TABLE … DROP COLUMN …`."""

    inherit_cache = False

    def __init__(self, column: sa.Column[Any]) -> None:
        self.column = column


@compiles(DropColumn)
def write_drop_column(element: DropColumn, compiler: DDLCompiler, **_: Any) -> str:
    """Writes the statement for the column's table."""
    table = compiler.preparer.format_table(element.column.table)
    return f"ALTER TABLE {table} DROP COLUMN {compiler.preparer.format_column(element.column)}"
