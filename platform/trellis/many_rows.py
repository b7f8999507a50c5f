"""Many rows in one statement: PostgreSQL reads them at once, as a table made of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from trellis.db import insert_into

Rows = Sequence[Mapping[str, object]]


def as_table(table: sa.Table, names: Sequence[str], rows: Rows) -> sa.TableValuedAlias:
    """Gives rows with the columns of a table for a statement of PostgreSQL."""
    document = json.dumps([{name: row[name] for name in names} for row in rows], default=iso)
    kinds = (sa.column(name, table.c[name].type) for name in names)
    given = sa.func.json_to_recordset(sa.cast(sa.literal(document, sa.Text()), postgresql.JSON()))
    return given.table_valued(*kinds).render_derived(with_types=True)


def iso(value: datetime) -> str:
    """Gives an instant as JSON has it."""
    return value.isoformat()


def update_many(connection: sa.Connection, table: sa.Table, rows: Rows) -> None:
    """Writes rows by `id`, those that differ; all of them name the same columns.

    JSON cannot be compared: rows that hold any are written in any case.
    """
    if not rows:
        return
    names = [name for name in rows[0] if name != "id"]
    if connection.dialect.name == "postgresql":
        given = as_table(table, ["id", *names], rows)
        new = {name: given.c[name] for name in names}
        same = table.c.id == given.c.id
        update = sa.update(table).where(same, differ(table, new)).values(new)
        connection.execute(update)
        return
    bound = {name: sa.bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
    same = table.c.id == sa.bindparam("key")
    update = sa.update(table).where(same, differ(table, bound)).values(bound)
    connection.execute(
        update, [{"key": row["id"], **{f"new_{name}": row[name] for name in names}} for row in rows]
    )


def differ(table: sa.Table, new: Mapping[str, sa.ColumnElement[Any]]) -> sa.ColumnElement[bool]:
    """Gives the condition that one of some columns has another value than a new one."""
    if any(isinstance(table.c[name].type, sa.JSON) for name in new):
        return sa.true()
    return sa.or_(*(table.c[name].is_distinct_from(value) for name, value in new.items()))


def upsert_many(
    connection: sa.Connection, table: sa.Table, rows: Rows, changing: Sequence[str]
) -> None:
    """Adds rows; where one has their `id` already only `changing` are written, if they differ."""
    if not rows:
        return
    statement = insert_into(connection, table)
    new = {name: statement.excluded[name] for name in changing}
    kept = statement.on_conflict_do_update(
        index_elements=["id"], set_=new, where=differ(table, new)
    )
    if connection.dialect.name == "postgresql":
        names = list(rows[0])
        kept = kept.from_select(names, sa.select(as_table(table, names, rows)))
        connection.execute(kept)
        return
    connection.execute(kept, [dict(row) for row in rows])
