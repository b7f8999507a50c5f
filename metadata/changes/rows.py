"""What a plan does to the rows that are there: conversions, and options that give way to others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from metadata.changes.options import OptionChange, option_changes
from metadata.conversion import Conversion, Tally, conversions_of, convert_values
from metadata.fields.base import UTC, physical_name
from metadata.json_text import pointer
from metadata.preflight import TablePair, columns_of_default, count
from metadata.problems import Problem
from rule_engine.columns import Choices

BATCH_ROWS: Final = 2000


@dataclass(frozen=True, slots=True)
class Converted:
    """A conversion that was carried out."""

    conversion: Conversion
    tally: Tally


def change_rows(
    connection: sa.Connection, pairs: Sequence[TablePair], zone: ZoneInfo = UTC
) -> list[Converted]:
    """Carries out conversions and moves options; the new columns are there, their indexes not."""
    done: list[Converted] = []
    for pair in pairs:
        for conversion in conversions_of(pair):
            tally = convert_values(connection, conversion, zone)
            fill_lost(connection, conversion)
            done.append(Converted(conversion, tally))
        for change in changes_of(pair):
            move_options(connection, pair.after, change)
    return done


def fill_lost(connection: sa.Connection, conversion: Conversion) -> None:
    """Gives rows without a converted value the default of a required field."""
    target, table = conversion.target, conversion.pair.after
    if target.required and target.default is not None and not target.computed:
        empty = table.c[target.column].is_(None)
        connection.execute(table.update().where(empty).values(columns_of_default(target)))


def changes_of(pair: TablePair) -> Iterator[OptionChange]:
    """Gives what happens to the options of an object's fields."""
    if pair.before is not None:
        yield from option_changes(pair.fields_before.values(), pair.definition)


def move_options(connection: sa.Connection, table: sa.Table, change: OptionChange) -> None:
    """Gives rows the options that take the place of those they have, all at once."""
    if not change.moved:
        return
    column = table.c[change.field.column]
    if not isinstance(column.type, Choices):
        moved = sa.case(dict(change.moved), value=column)
        chosen = column.in_(list(change.moved))
        connection.execute(table.update().where(chosen).values({column: moved}))
        return
    holding = sa.or_(*(holds(connection, column, value) for value in change.moved))
    rows = connection.execute(sa.select(table.c.id, column.label("chosen")).where(holding)).all()
    statement = (
        table.update()
        .where(table.c.id == sa.bindparam("record"))
        .values({column: sa.bindparam("chosen", type_=column.type)})
    )
    for start in range(0, len(rows), BATCH_ROWS):
        batch = rows[start : start + BATCH_ROWS]
        connection.execute(
            statement,
            [
                {
                    "record": row.id,
                    "chosen": frozenset(change.moved.get(one, one) for one in row.chosen),
                }
                for row in batch
            ],
        )


def holds(connection: sa.Connection, column: sa.Column[Any], value: str) -> sa.ColumnElement[bool]:
    """Gives the condition that a row has an option."""
    if not isinstance(column.type, Choices):
        return column == value
    if connection.dialect.name == "postgresql":
        return sa.type_coerce(column, postgresql.JSONB).contains([value])
    listed = sa.func.json_each(column).table_valued("value")
    return sa.exists(sa.select(listed.c.value).where(listed.c.value == value))


def option_problems(connection: sa.Connection, pair: TablePair) -> Iterator[Problem]:
    """Finds rows that have an option which goes away without a successor."""
    if pair.before is None or pair.definition.retired:
        return
    for change in changes_of(pair):
        if change.field.retired:
            continue
        column = pair.before.c[change.field.column]
        for option in change.removed:
            rows = count(connection, pair.before, holds(connection, column, option))
            if rows:
                values = {
                    "object": pair.definition.name,
                    "field": change.field.name,
                    "option": option,
                    "rows": rows,
                }
                place = f"/objects/{pair.definition.name}" + pointer(
                    ("properties", change.field.name)
                )
                yield Problem(place, "option_in_use", values)


def conversion_problems(
    connection: sa.Connection, converted: Sequence[Converted]
) -> Iterator[Problem]:
    """Finds converted fields whose values break what is demanded of them."""
    for one in converted:
        target, pair = one.conversion.target, one.conversion.pair
        place = f"/objects/{pair.definition.name}/properties/{target.name}"
        values: dict[str, object] = {"object": pair.definition.name, "field": target.name}
        table = pair.after
        living = table.c.deleted_at.is_(None)
        if target.retired or target.computed:
            continue
        if target.required:
            rows = count(connection, table, living & table.c[target.column].is_(None))
            if rows:
                yield Problem(place, "required_but_empty", {**values, "rows": rows})
        if target.unique:
            column = table.c[physical_name(target.column, target.type.unique_part)]
            groups = (
                sa.select(column)
                .where(living, column.is_not(None))
                .group_by(column)
                .having(sa.func.count() > 1)
            )
            repeated = sa.select(sa.func.count()).select_from(groups.subquery())
            rows = int(connection.scalar(repeated) or 0)
            if rows:
                told = {"object": pair.definition.name, "fields": [target.name], "values": rows}
                yield Problem(place, "unique_but_repeated", told)
