"""Writing rows: values into columns, and the database's refusals back into problems."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import sqlalchemy as sa
import sqlalchemy.exc

from metadata.catalog import Translated
from metadata.columns import indexes_of, to_columns
from metadata.encryption import cipher_of
from metadata.fields.base import physical_name
from metadata.objects import ObjectDefinition
from metadata.prepared import Prepared, Write
from metadata.problems import Problem
from trellis.errors import Refused
from trellis.unit import Unit

Values = Mapping[str, object]

THIS_ID: Final = "id$is"
THIS_VERSION: Final = "version$is"


def insert_row(
    unit: Unit,
    definition: ObjectDefinition,
    values: Mapping[str, object],
    beside: Sequence[Write] = (),
) -> None:
    """Adds a record, with what is written `beside` it. Raises Refused when a unique field's value
    is taken."""
    table = unit.catalog.tables[definition.name]
    refuse_taken(unit, definition, str(values["id"]), values)
    columns = to_columns(unit.connection, definition, str(values["id"]), values, unit.rates())
    statement = prepared(unit, definition, "insert", columns, lambda: sa.insert(table))
    with telling_taken(unit, definition):
        statement.write(unit.connection, columns, beside)


def update_row(
    unit: Unit,
    definition: ObjectDefinition,
    record_id: str,
    version: int,
    values: Mapping[str, object],
    beside: Sequence[Write] = (),
) -> bool:
    """Changes a record if it still has that version; says whether it had.

    What goes `beside` it may be written even if not: then roll back.
    """
    refuse_taken(unit, definition, record_id, values)
    columns = to_columns(unit.connection, definition, record_id, values, unit.rates())
    statement = update_statement(unit, definition, columns)
    known = {THIS_ID: record_id, THIS_VERSION: version}
    with telling_taken(unit, definition):
        return statement.write(unit.connection, {**columns, **known}, beside) == 1


def insert_rows(
    unit: Unit, definition: ObjectDefinition, records: Sequence[Mapping[str, object]]
) -> None:
    """Adds records. Raises Refused when a unique field's value is taken."""
    rates, table = unit.rates(), unit.catalog.tables[definition.name]
    rows = []
    for record in records:
        record_id = str(record["id"])
        refuse_taken(unit, definition, record_id, record)
        rows.append(to_columns(unit.connection, definition, record_id, record, rates))
    statement = prepared(unit, definition, "insert", rows[0], lambda: sa.insert(table))
    with telling_taken(unit, definition):
        statement.write_many(unit.connection, rows)


def update_rows(
    unit: Unit, definition: ObjectDefinition, changes: Sequence[tuple[str, int, Values]]
) -> bool:
    """Changes the same columns of records that still have their versions (id, version, values).

    Says whether all had. Raises Refused when a unique field's value is taken.
    """
    rates, rows = unit.rates(), []
    for record_id, version, values in changes:
        refuse_taken(unit, definition, record_id, values)
        columns = to_columns(unit.connection, definition, record_id, values, rates)
        rows.append({**columns, THIS_ID: record_id, THIS_VERSION: version})
    statement = update_statement(unit, definition, rows[0].keys() - {THIS_ID, THIS_VERSION})
    with telling_taken(unit, definition):
        return statement.write_many(unit.connection, rows) == len(rows)


def update_statement(unit: Unit, definition: ObjectDefinition, columns: Iterable[str]) -> Prepared:
    """Gives the statement that changes some columns of a record with a version."""
    table = unit.catalog.tables[definition.name]
    return prepared(
        unit,
        definition,
        "update",
        columns,
        lambda: sa.update(table).where(
            table.c.id == sa.bindparam(THIS_ID), table.c.version == sa.bindparam(THIS_VERSION)
        ),
    )


def prepared(
    unit: Unit,
    definition: ObjectDefinition,
    kind: str,
    columns: Iterable[str],
    make: Callable[[], sa.Insert | sa.Update],
) -> Prepared:
    """Gives a statement that writes some columns, compiled once."""
    names = tuple(sorted(columns))
    key = (kind, unit.connection.dialect.name, definition.name, names)
    return unit.catalog.queries.get(key, Prepared, lambda: Prepared(make(), names))


def refuse_taken(
    unit: Unit, definition: ObjectDefinition, record_id: str, values: Mapping[str, object]
) -> None:
    """Raises Refused for a unique encrypted value that another row holds under an older key.

    The database's own index only knows the blind indexes of one key each: while keys are
    rotated, both are asked for.
    """
    table, problems = unit.catalog.tables[definition.name], []
    for name, value in values.items():
        field = definition.fields[name]
        if value is None or not (field.unique and field.type.is_sealed):
            continue
        indexes = indexes_of(cipher_of(unit.connection), definition, field, value)
        if len(indexes) < 2:
            continue
        holds = table.c[physical_name(field.column, field.type.unique_part)].in_(indexes)
        others = sa.select(table.c.id).where(
            holds, table.c.deleted_at.is_(None), table.c.id != record_id
        )
        if unit.connection.execute(others.limit(1)).first() is not None:
            problems.append(Problem(f"/{name}", "unique", {"field": name}))
    if problems:
        raise Refused(problems)


@contextmanager
def telling_taken(unit: Unit, definition: ObjectDefinition) -> Iterator[None]:
    """Makes problems of the database's refusal to store a unique value twice."""
    try:
        yield
    except sqlalchemy.exc.IntegrityError as error:
        taken = taken_columns(unit.catalog.tables[definition.name], error)
        if not taken:
            raise
        raise Refused(unique_problems(definition, taken)) from error


def taken_columns(table: sa.Table, error: sqlalchemy.exc.IntegrityError) -> Sequence[str]:
    """Gives the columns whose uniqueness a write would have broken; none for other errors."""
    diagnosis = getattr(error.orig, "diag", None)
    if diagnosis is not None:
        name = diagnosis.constraint_name
        found = [index for index in table.indexes if index.unique and index.name == name]
        return [column.name for index in found for column in index.columns]
    prefix, _, listed = str(error.orig).partition("UNIQUE constraint failed: ")
    if prefix or not listed:
        return []
    return [part.strip().removeprefix(f"{table.name}.") for part in listed.split(",")]


def unique_problems(definition: ObjectDefinition, columns: Sequence[str]) -> list[Problem]:
    """Gives one problem per field that shares a taken value."""
    main = {column.split("$", 1)[0] for column in columns}
    names = [name for name, field in definition.fields.items() if field.column in main]
    return taken_problems(definition, names)


def taken_problems(definition: ObjectDefinition, names: Sequence[str]) -> list[Problem]:
    """Gives one problem per field whose value, or whose values together, another record has."""
    if len(names) == 1:
        return [Problem(f"/{names[0]}", "unique", {"field": names[0]})]
    labels = [Translated(definition.fields[name].labels) for name in names]
    values = {"fields": labels}
    return [Problem(f"/{name}", "unique_together", {"field": name, **values}) for name in names]
