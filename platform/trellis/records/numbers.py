"""Automatic numbers: drawn in the transaction that creates a record, so that none is missing.

A counter's row stays locked until the transaction ends: who comes second waits, and takes the
same number when the first is rolled back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sqlalchemy as sa

from metadata.objects import ObjectDefinition
from trellis.db import SYSTEM_TABLES, insert_into
from trellis.unit import Unit

record_number = sa.Table(
    "record_number",
    SYSTEM_TABLES,
    sa.Column("field", sa.Text, primary_key=True),
    sa.Column("period", sa.Text, primary_key=True),
    sa.Column("last", sa.BigInteger, nullable=False),
)


def give_numbers(
    unit: Unit, definition: ObjectDefinition, record: Mapping[str, object]
) -> dict[str, object]:
    """Gives the numbers of a new record that has none yet.

    One that an import brought is kept, and never drawn again. Fields take their turn in the order
    of their ids, so that two transactions cannot wait for each other.
    """
    drawn: dict[str, object] = {}
    for field in definition.automatic_fields:
        given = record.get(field.name)
        if given is None:
            following = follower(unit.connection, field.id)
            drawn[field.name] = field.type.draw(field, unit.moment.today, following)
        elif (known := field.type.counted(given, field)) is not None:
            count(unit.connection, field.id, *known)
    return drawn


def follower(connection: sa.Connection, field_id: str) -> Callable[[str], int]:
    """Gives what draws a field's next number in a period."""
    return lambda period: count(connection, field_id, period)


def count(connection: sa.Connection, field_id: str, period: str, least: int | None = None) -> int:
    """Moves a counter on by one, or to `least` where it is lower; gives where it stands."""
    row = {"field": field_id, "period": period, "last": 1 if least is None else least}
    last = record_number.c.last
    moved = last + 1 if least is None else sa.case((last < least, least), else_=last)
    statement = (
        insert_into(connection, record_number)
        .values(row)
        .on_conflict_do_update(index_elements=["field", "period"], set_={"last": moved})
        .returning(last)
    )
    return int(connection.execute(statement).scalar_one())
