"""Writing rows: values into columns, and the database's refusals back into problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
import sqlalchemy.exc

from metadata.catalog import Translated
from metadata.columns import indexes_of, to_columns
from metadata.encryption import cipher_of
from metadata.fields.base import physical_name
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from trellis.errors import Refused
from trellis.unit import Unit


def insert_row(unit: Unit, definition: ObjectDefinition, values: Mapping[str, object]) -> None:
    """Adds a record. Raises Refused when a unique field's value is taken."""
    table = unit.catalog.tables[definition.name]
    refuse_taken(unit, definition, str(values["id"]), values)
    columns = to_columns(unit.connection, definition, str(values["id"]), values, unit.rates())
    execute(unit, definition, sa.insert(table).values(columns))


def update_row(
    unit: Unit,
    definition: ObjectDefinition,
    record_id: str,
    version: int,
    values: Mapping[str, object],
) -> bool:
    """Changes a record if it still has that version; says whether it had."""
    table = unit.catalog.tables[definition.name]
    refuse_taken(unit, definition, record_id, values)
    columns = to_columns(unit.connection, definition, record_id, values, unit.rates())
    statement = (
        sa.update(table).where(table.c.id == record_id, table.c.version == version).values(columns)
    )
    return execute(unit, definition, statement) == 1


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


def execute(unit: Unit, definition: ObjectDefinition, statement: sa.Insert | sa.Update) -> int:
    """Runs a write and gives the number of rows it reached."""
    try:
        return unit.connection.execute(statement).rowcount
    except sqlalchemy.exc.IntegrityError as error:
        columns = taken_columns(unit.catalog.tables[definition.name], error)
        if not columns:
            raise
        raise Refused(unique_problems(definition, columns)) from error


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
