"""Tables from object definitions.

References carry no foreign keys in the database. Deletion is soft: a constraint would never fire;
what happens to the records that point at a deleted one (restrict, set_null, cascade) is decided
row by row by `records.delete`, with rights and history; and SQLite's rebuild of a parent table
with `ON DELETE CASCADE` was seen to delete the children.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from metadata.exclusions import Exclusion
from metadata.fields.base import FieldDefinition, physical_name
from metadata.objects import ObjectDefinition

MAX_IDENTIFIER = 63
"""PostgreSQL cuts longer names."""

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Text in the order of code points, as SQLite has it, whatever the database's locale."""

REQUIRED_COLUMNS = frozenset({"id", "version", "created_at", "updated_at"})
OWNER_COLUMNS = ("owner", "owner_team")
QUEUE_COLUMN = "owner_queue"


class EmptiesFirst(sa.ColumnElement[Any]):
    """A column in an index that has its empties first on both databases.

    SQLite does so by itself and refuses the words in an index.
    """

    inherit_cache = True
    __visit_name__ = "empties_first"

    def __init__(self, column: sa.Column[Any]) -> None:
        self.column = column
        self.type = column.type


@compiles(EmptiesFirst)
def write_plain(element: EmptiesFirst, compiler: SQLCompiler, **options: Any) -> str:
    """Writes the column alone."""
    return compiler.process(element.column, **options)


@compiles(EmptiesFirst, "postgresql")
def write_nulls_first(element: EmptiesFirst, compiler: SQLCompiler, **options: Any) -> str:
    """Writes the column with PostgreSQL's words."""
    return f"{compiler.process(element.column, **options)} NULLS FIRST"


def table_for(definition: ObjectDefinition, metadata: sa.MetaData) -> sa.Table:
    """Gives the table of an object; columns of retired fields stay in it."""
    columns = [column for field in all_fields(definition) for column in columns_of(field)]
    table = sa.Table(table_name(definition), metadata, *columns)
    add_indexes(definition, table)
    return table


def table_name(definition: ObjectDefinition) -> str:
    """Gives the physical name of an object's table, which a rename leaves alone."""
    fixed = definition.parameters.get("table")
    return fixed if isinstance(fixed, str) else f"o_{definition.name}"


def all_fields(definition: ObjectDefinition) -> Iterator[FieldDefinition]:
    """Gives the fields that have columns: system fields first, then own and retired ones."""
    yield from (field for field in definition.fields.values() if field.system)
    yield from definition.own_fields
    yield from definition.retired_fields.values()


def columns_of(field: FieldDefinition) -> list[sa.Column[Any]]:
    """Gives a field's columns.

    Only what the system fills is NOT NULL: an own field may become required, optional or retired
    without touching the table. A virtual field has none. Names are always quoted: databases have
    more words of their own than SQLAlchemy knows.
    """
    if field.virtual:
        return []
    return [
        sa.Column(
            column.name,
            TEXT if isinstance(column.type, sa.Text) else column.type,
            primary_key=field.system and column.name == "id",
            nullable=not (field.system and column.name in REQUIRED_COLUMNS),
            quote=not field.system or None,
        )
        for column in field.type.columns(field, field.column)
    ]


def add_indexes(definition: ObjectDefinition, table: sa.Table) -> None:
    """Gives a table its indexes, named by element ids so that a rename keeps them."""
    for name in OWNER_COLUMNS:
        if name in table.c:
            sa.Index(index_name("ix", definition.id, name), table.c[name], table.c.id)
    if QUEUE_COLUMN in table.c:
        add_queue_index(definition, table)
    for field in (*definition.own_fields, *definition.retired_fields.values()):
        if field.virtual:
            continue
        if field.unique:
            add_unique_index(index_name("ux", field.id), [unique_column(field, table)])
        if field.index or field.type.targets(field) or field.name == definition.name_field:
            add_sort_index(field, table)
    for group in definition.unique:
        members = [definition.fields[name] for name in group]
        name = index_name("ux", definition.id, *(member.id for member in members))
        add_unique_index(name, [unique_column(member, table) for member in members])
    for exclusion in definition.exclusions:
        add_rival_index(definition, exclusion, table)


def add_queue_index(definition: ObjectDefinition, table: sa.Table) -> None:
    """Adds the index over the few rows that wait in a queue; all others cost it nothing."""
    column = table.c[QUEUE_COLUMN]
    waiting = column.is_not(None)
    name = index_name("ix", definition.id, QUEUE_COLUMN)
    sa.Index(name, column, table.c.id, sqlite_where=waiting, postgresql_where=waiting)


def add_rival_index(definition: ObjectDefinition, exclusion: Exclusion, table: sa.Table) -> None:
    """Adds the index by which a save finds the records that could be in its way."""
    names = [name for name in exclusion.fields if name != exclusion.end]
    if any(name not in definition.fields or definition.fields[name].virtual for name in names):
        return
    members = [definition.fields[name] for name in names]
    key = index_name("ix", definition.id, *(member.id for member in members))
    if members and key not in {index.name for index in table.indexes}:
        sa.Index(key, *(table.c[member.column] for member in members))


def add_sort_index(field: FieldDefinition, table: sa.Table) -> None:
    """Adds the index that serves filters, order and paging by one field, or one for each."""
    order, looked_at = field.type.sort_part, field.type.filter_part
    by_order = table.c[physical_name(field.column, order)]
    if looked_at is None:
        sa.Index(index_name("ix", field.id), EmptiesFirst(by_order), table.c.id)
        return
    by_value = table.c[physical_name(field.column, looked_at)]
    sa.Index(index_name("ix", field.id), EmptiesFirst(by_value), table.c.id)
    sa.Index(index_name("ix", field.id, order), EmptiesFirst(by_order), table.c.id)


def unique_column(field: FieldDefinition, table: sa.Table) -> sa.Column[Any]:
    """Gives the column that tells whether two values of a field are the same."""
    return table.c[physical_name(field.column, field.type.unique_part)]


def add_unique_index(name: str, columns: Iterable[sa.Column[Any]]) -> None:
    """Adds a unique index over the living rows: a deleted record frees its values."""
    chosen = list(columns)
    living = chosen[0].table.c.deleted_at.is_(None)
    sa.Index(name, *chosen, unique=True, sqlite_where=living, postgresql_where=living)


def index_name(prefix: str, *element_ids: str) -> str:
    """Gives a name that is unique in the database and short enough for it."""
    plain = "_".join((prefix, *(part.replace("-", "") for part in element_ids)))
    if len(plain) <= MAX_IDENTIFIER:
        return plain
    return f"{prefix}_{sha256(plain.encode()).hexdigest()[:32]}"
