"""Computed fields as SQL: what a stored one keeps, and what stands for a virtual one's columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import sqlalchemy as sa

from metadata.computed.definitions import Computed
from metadata.fields.base import FieldDefinition
from rule_engine import core
from rule_engine.backends.sql import compile_stored_sql
from rule_engine.errors import NotTranslatableError
from rule_engine.types import SqlSchema

Parts = dict[str, sa.ColumnElement[Any]]


class Carrying(SqlSchema, Protocol):
    """A SqlSchema whose derived tables can carry virtual fields as columns."""

    def needing(self, node: core.Node, object_name: str) -> SqlSchema:
        """Gives the same with derived tables that carry the virtual fields a node looks at.

        So each is written once for each table, not once for each time that it is looked at.
        """


def kept_parts(one: Computed, tables: Carrying, table: sa.FromClause) -> Parts:
    """Gives a computed field's columns by part, worked out for each row of a table.

    Raises NotTranslatableError.
    """
    carrying = tables.needing(one.node, one.object)
    return compile_stored_sql(one.node, carrying, table, one.field.type.kept_form(one.field))


def virtual_part(
    object_name: str,
    field: FieldDefinition,
    node: core.Node | None,
    part: str,
    tables: Carrying,
    table: sa.FromClause,
) -> sa.ColumnElement[Any]:
    """Gives what stands for a column of a virtual field; NULL for one that cannot be computed.

    Raises KeyError for a part that values of the type do not have.
    """
    if part not in field.type.parts:
        raise KeyError(part)
    if node is None:
        return nothing(field, part)
    try:
        carrying = tables.needing(node, object_name)
        made = compile_stored_sql(node, carrying, table, field.type.kept_form(field))
    except NotTranslatableError:
        return nothing(field, part)
    # Beside a row that is not there (an outer join) even a count is nothing.
    there = sa.case((table.c.id.is_not(None), made[part]))
    return sa.type_coerce(there, made[part].type)


def nothing(field: FieldDefinition, part: str) -> sa.ColumnElement[Any]:
    """Gives an empty column of a field's part."""
    kind = sa.Text() if part else field.type.storage(field)
    return sa.type_coerce(sa.cast(sa.null(), kind), kind)


def looked_up(
    whole: sa.Table, table: sa.FromClause, make: Callable[[sa.FromClause], sa.ColumnElement[Any]]
) -> sa.ColumnElement[Any]:
    """Gives what `make` gives for the same record in an object's whole table.

    For a derived table that lacks rows or columns which a value is computed from.
    """
    base = whole.alias()
    element = make(base)
    row = sa.select(element).where(base.c.id == table.c.id).correlate(table)
    return sa.type_coerce(row.scalar_subquery(), element.type)


def is_whole(table: sa.FromClause) -> bool:
    """Says whether a table holds all rows and columns: it is no derived one."""
    while isinstance(table, sa.sql.selectable.AliasedReturnsRows):
        table = table.element  # type: ignore[assignment]  # of an alias it is a FROM clause
    return isinstance(table, sa.Table)
