"""Records that break a new `unique_when` or `no_overlap`, found when it is published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from metadata.catalog import Catalog
from metadata.exclusions import Exclusion
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from metadata.query.tables import SystemTables, alive
from rule_engine.backends.sql import compile_node_sql, parameters
from rule_engine.types import Environment

Rows = sa.Select[*tuple[Any, ...]]


def conflicts(
    connection: sa.Connection, before: Catalog, after: Catalog, world: Environment
) -> Iterator[Problem]:
    """Gives a problem for each new demand that records do not meet.

    The tables are those of `after` already.
    """
    known = {made.id: made for made in (*before.objects.values(), *before.retired.values())}
    for definition in after.objects.values():
        was = known.get(definition.id)
        old = {demanded(one) for one in was.exclusions} if was is not None else None
        if old is None:
            continue  # a new object has no records
        for exclusion in definition.exclusions:
            if demanded(exclusion) not in old:
                yield from conflict(connection, after, definition, exclusion, world)


def demanded(exclusion: Exclusion) -> Exclusion:
    """Gives a demand without the place where it stands."""
    return replace(exclusion, place="")


def conflict(
    connection: sa.Connection,
    catalog: Catalog,
    definition: ObjectDefinition,
    exclusion: Exclusion,
    world: Environment,
) -> Iterator[Problem]:
    """Gives the problem of one demand, with how many records are in the way."""
    table = catalog.tables[definition.name].alias("r")
    columns = {name: table.c[definition.fields[name].column] for name in exclusion.fields}
    demands = [alive(table), *(columns[name].is_not(None) for name in exclusion.by)]
    if exclusion.when is not None:
        test = catalog.test(definition.name, exclusion.when)
        tables = SystemTables(catalog, connection.dialect.name)
        demands.append(compile_node_sql(test.node, tables, table))
    by = [columns[name] for name in exclusion.by]
    one = sa.literal_column("1", sa.Integer).label("one")
    rows: Rows = sa.select(one).select_from(table).where(*demands)
    if exclusion.start is None or exclusion.end is None:
        found = rows.group_by(*by).having(sa.func.count() > 1)
    else:
        found = overlapping(rows, by, columns[exclusion.start], columns[exclusion.end])
    counted = sa.select(sa.func.count()).select_from(found.subquery("found"))
    number = connection.scalar(counted, parameters(counted, world))
    if number:
        yield problem_of(definition, exclusion, number)


def overlapping(
    rows: Rows,
    by: Sequence[sa.ColumnElement[Any]],
    start: sa.ColumnElement[Any],
    end: sa.ColumnElement[Any],
) -> Rows:
    """Gives the rows whose interval begins before an earlier one of the same group has ended."""

    def so_far(most: sa.FunctionElement[Any]) -> sa.ColumnElement[Any]:
        return most.over(partition_by=by or None, order_by=[start, end], rows=(None, -1))

    is_open = sa.case((end.is_(None), 1), else_=0)
    seen = rows.where(start.is_not(None)).add_columns(
        start.label("start"),
        so_far(sa.func.max(end)).label("ended"),
        so_far(sa.func.max(is_open)).label("open"),
    )
    inner = seen.subquery("seen")
    late = sa.or_(inner.c.open == 1, inner.c.ended > inner.c.start)
    return sa.select(inner.c.one).where(late)


def problem_of(definition: ObjectDefinition, exclusion: Exclusion, number: int) -> Problem:
    """Words a demand that records do not meet."""
    place = f"/objects/{definition.name}{exclusion.place}"
    values = {"object": definition.name, "fields": list(exclusion.by)}
    if exclusion.start is None:
        return Problem(place, "unique_but_repeated", {**values, "values": number})
    return Problem(place, "overlap_exists", {**values, "rows": number})
