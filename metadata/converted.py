"""Amounts that lack their worth in the base currency, and giving it to them.

An amount keeps beside it (`<column>$base`) what it was worth on the day when it was saved; a rate
that is entered later leaves that alone. Filled are only amounts without one: rows that an older
product wrote, conversions, and amounts whose currency had no rate then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from metadata.exchange import base_currency
from metadata.fields.base import BASE, FieldDefinition, physical_name
from metadata.query.tables import SystemTables
from rule_engine.backends.sql import compile_stored_sql, parameters
from rule_engine.expression import Expression
from rule_engine.types import Environment

if TYPE_CHECKING:
    from metadata.catalog import Catalog


@dataclass(frozen=True, slots=True)
class Lacking:
    """The rows of one field that lack their worth although it can be told."""

    object: str
    field: FieldDefinition
    table: sa.Table
    worth: sa.ColumnElement[Any]

    @property
    def condition(self) -> sa.ColumnElement[bool]:
        """Gives whether a row is one of them."""
        base = self.table.c[physical_name(self.field.column, BASE)]
        amount = self.table.c[self.field.column]
        return sa.and_(base.is_(None), amount.is_not(None), self.worth.is_not(None))


def lacking(
    connection: sa.Connection, catalog: Catalog, among: Collection[sa.Column[Any]] | None = None
) -> Iterator[Lacking]:
    """Gives for each field of amounts the rows without their worth.

    `among` are the columns of worths to look at; all without it.
    """
    named = None if among is None else {(column.table.name, column.name) for column in among}
    if named is not None and not named:
        return
    own = base_currency(connection)
    tables = SystemTables(catalog, connection.dialect.name)
    for definition in catalog.objects.values():
        table = catalog.tables[definition.name]
        for field in definition.own_fields:
            if field.virtual or BASE not in field.type.parts:
                continue
            if named is not None and (table.name, physical_name(field.column, BASE)) not in named:
                continue
            node = Expression.parse(field.name).resolve(catalog.schema, definition.name)
            made = compile_stored_sql(node, tables, table, field.type.kept_form(field))
            is_own = table.c[physical_name(field.column, "currency")] == own
            amount = table.c[field.column]
            worth = sa.case((is_own, amount), else_=made[BASE])
            yield Lacking(definition.name, field, table, sa.type_coerce(worth, amount.type))


def count_lacking(
    connection: sa.Connection, catalog: Catalog, environment: Environment
) -> dict[tuple[str, str], int]:
    """Gives by object and field how many rows lack a worth that can be told."""
    found: dict[tuple[str, str], int] = {}
    for one in lacking(connection, catalog):
        rows = sa.select(sa.func.count()).select_from(one.table).where(one.condition)
        count = connection.execute(rows, parameters(rows, environment)).scalar_one()
        if count:
            found[one.object, one.field.name] = count
    return found


def fill_lacking(
    connection: sa.Connection,
    catalog: Catalog,
    environment: Environment,
    among: Collection[sa.Column[Any]] | None = None,
) -> dict[tuple[str, str], int]:
    """Gives amounts the worth that they lack; gives how many had none, by object and field."""
    found: dict[tuple[str, str], int] = {}
    for one in lacking(connection, catalog, among):
        name = physical_name(one.field.column, BASE)
        update = sa.update(one.table).values({name: one.worth}).where(one.condition)
        count = connection.execute(update, parameters(update, environment)).rowcount
        if count:
            found[one.object, one.field.name] = count
    return found
