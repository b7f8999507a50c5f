"""Publishing: definitions, tables and history move to the next version in one transaction.

Nothing here begins or commits: the caller's transaction holds all of it. On SQLite that takes an
engine with `isolation_level=None` and `BEGIN IMMEDIATE`; the driver's own mode would leave half of
the tables behind after an exception.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex, CreateTable, DropIndex

from metadata.alter import add_column
from metadata.catalog import Catalog, build_catalog
from metadata.changes.rows import Converted, change_rows, conversion_problems, option_problems
from metadata.columns import to_columns
from metadata.computed.filling import fill, to_fill
from metadata.computed.outside import outside
from metadata.conflicts import conflicts
from metadata.converted import fill_lacking
from metadata.diff import plan
from metadata.elements import Element
from metadata.exchange import DatedRates
from metadata.fields.base import UTC as UTC_ZONE
from metadata.fields.base import FieldDefinition
from metadata.locks import naming, take_definitions
from metadata.preflight import TablePair, pair_tables, preflight
from metadata.problems import DefinitionError
from metadata.role_trial import refused_conditions
from metadata.steps import is_built_later, note_step
from metadata.store import (
    Entry,
    keep_program,
    load_elements,
    lock_versions,
    replace_elements,
    write_history,
)


class PublishConflict(Exception):  # noqa: N818  # says what is the case
    """Somebody published in between. `current` is the version now in force."""

    def __init__(self, current: int) -> None:
        self.current = current
        super().__init__(f"version {current} is in force now")


class Unconfirmed(Exception):  # noqa: N818  # says what is the case
    """The plan takes things out of use that were not confirmed. `names` lists these."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        super().__init__(f"to be confirmed: {', '.join(self.names)}")


def publish(
    connection: sa.Connection,
    elements: Sequence[Element],
    *,
    by: str,
    message: str = "",
    confirm: Collection[str] = (),
    expected_version: int | None = None,
    at: datetime | None = None,
    known: Catalog | None = None,
    zone: ZoneInfo = UTC_ZONE,
) -> int:
    """Makes `elements` the definitions in force and gives the new version.

    `elements` is the whole wanted state; nothing to do gives the version in force. `known` is the
    catalog that the caller has; if it is the one in force it saves time. `zone` is where days
    begin when values convert. Raises PublishConflict
    when `expected_version` is not the one in force, Unconfirmed, and DefinitionError with
    everything that stands in the way; then nothing is changed. Raises Busy when others hold what
    is to be changed: then the transaction is lost and may be tried again.
    """
    take_definitions(connection)
    versions = lock_versions(connection)
    if expected_version is not None and expected_version != versions.catalog:
        raise PublishConflict(versions.catalog)
    before = known if known is not None and known.version == versions.catalog else None
    current = list(before.elements) if before is not None else load_elements(connection)
    planned = plan(current, elements, before)
    if planned.problems:
        raise DefinitionError(planned.problems)
    if not planned.operations:
        return versions.catalog
    unconfirmed = [name for name in planned.destructive if name not in confirm]
    if unconfirmed:
        raise Unconfirmed(unconfirmed)
    entry = Entry(
        version=versions.catalog + 1,
        at=at or datetime.now(UTC),
        by=by,
        message=message,
        operations=tuple(operation.to_json() for operation in planned.operations),
    )
    before = before or build_catalog(versions.catalog, current)
    after = build_catalog(entry.version, planned.elements, previous=before)
    change_tables(connection, before, after, confirm=confirm, zone=zone)
    replace_elements(connection, current, planned.elements, entry.version)
    write_history(connection, entry, expected=versions)
    keep_program(connection, after)
    return entry.version


def change_tables(
    connection: sa.Connection,
    before: Catalog,
    after: Catalog,
    *,
    confirm: Collection[str] = (),
    zone: ZoneInfo = UTC_ZONE,
) -> None:
    """Brings the tables from one catalog to the next, in the one order in which that works.

    Raises DefinitionError for rows that do not fit, Unconfirmed for fields whose conversion loses
    values, and Busy.
    """
    pairs = pair_tables(before, after)
    problems = [found for pair in pairs for found in preflight(connection, pair)]
    problems += [found for pair in pairs for found in option_problems(connection, pair)]
    if problems:
        raise DefinitionError(problems)
    filled: set[tuple[str, str]] = set()
    for pair in pairs:
        with naming(pair.definition.name):
            filled.update((pair.after.name, name) for name in extend_table(connection, pair))
    refuse_losses(connection, change_rows(connection, pairs, zone), confirm)
    for pair in pairs:
        fill_defaults(connection, pair, filled)
    around = outside(zone, DatedRates(connection, after, datetime.now(zone).date()))
    fill(connection, after, to_fill(before, after), around)
    fill_lacking(connection, after, around, [c for pair in pairs for c in pair.added_columns])
    broken = [
        *conflicts(connection, before, after, around),
        *refused_conditions(connection, before, after, zone),
    ]
    if broken:
        raise DefinitionError(broken)
    for pair in pairs:
        with naming(pair.definition.name):
            add_indexes(connection, pair)


def refuse_losses(
    connection: sa.Connection, converted: Sequence[Converted], confirm: Collection[str]
) -> None:
    """Raises what stands in the way of conversions that were carried out."""
    problems = list(conversion_problems(connection, converted))
    if problems:
        raise DefinitionError(problems)
    lossy = [one.conversion.place for one in converted if one.tally.lost]
    unconfirmed = [place for place in lossy if place not in confirm]
    if unconfirmed:
        raise Unconfirmed(unconfirmed)


def extend_table(connection: sa.Connection, pair: TablePair) -> list[str]:
    """Makes an object's table, or adds its new columns; columns are never dropped here.

    Gives the columns that have their default in all rows now. Indexes that go do so first: rows
    may be about to break them.
    """
    if pair.before is None:
        connection.execute(CreateTable(pair.after))
    for index in pair.dropped_indexes:
        connection.execute(DropIndex(index, if_exists=True))
    constants = {name: value for values in pair.defaults for name, value in values.items()}
    return [
        column.name
        for column in absent(connection, pair)
        if add_column(connection, column, constants.get(column.name)) and column.name in constants
    ]


def absent(connection: sa.Connection, pair: TablePair) -> list[sa.Column[Any]]:
    """Gives the new columns that are not there: what an object had once leaves its columns behind,
    as owners do, and computed fields that are virtual for a while."""
    added = pair.added_columns
    if not added:
        return []
    known = {column["name"] for column in sa.inspect(connection).get_columns(pair.after.name)}
    return [column for column in added if column.name not in known]


def fill_defaults(
    connection: sa.Connection, pair: TablePair, filled: Collection[tuple[str, str]]
) -> None:
    """Gives the rows that are there the defaults of new required fields, where they lack them."""
    for values in pair.defaults:
        lacking = {
            name: value for name, value in values.items() if (pair.after.name, name) not in filled
        }
        if lacking:
            connection.execute(pair.after.update().values(lacking))
    for field in pair.sealed_defaults:
        seal_defaults(connection, pair, field)


def seal_defaults(connection: sa.Connection, pair: TablePair, field: FieldDefinition) -> None:
    """Gives each row its own encrypted form of a default."""
    value = field.type.coerce(field.default, field)
    table = pair.after
    for identity in connection.scalars(sa.select(table.c.id)).all():
        columns = to_columns(connection, pair.definition, str(identity), {field.name: value})
        connection.execute(table.update().where(table.c.id == identity).values(columns))


def add_indexes(connection: sa.Connection, pair: TablePair) -> None:
    """Makes an object's new indexes, those of a big table after the commit."""
    indexes = pair.added_indexes
    is_later = bool(indexes) and pair.before is not None and is_built_later(connection, pair.after)
    for index in indexes:
        if is_later:
            note_step(connection, index, pair.definition.id)
        else:
            connection.execute(CreateIndex(index))
