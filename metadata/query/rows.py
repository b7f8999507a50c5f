"""Statements for records that are known by id, or by the record they point at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from metadata.fields.base import FOLD
from metadata.prepared import Prepared
from metadata.query.filter import compile_filter
from metadata.query.paths import ResolvedPath, Source
from metadata.query.search import SearchPlan, best_first, holds
from metadata.query.selection import Selection, whole_record
from metadata.query.tables import Bound, PermittedTables, alive, many, one_of
from metadata.system_fields import ROW_POSITION
from rule_engine.core import Node

RECORD_ID = "record_id"
IDS = "ids"


@dataclass(frozen=True, slots=True)
class RowQuery:
    """A statement with the parameters for owners and teams, and how its rows are read."""

    statement: Prepared
    bound: Mapping[str, Bound]
    selection: Selection


def one_row(tables: PermittedTables, object_name: str, fields: Sequence[ResolvedPath]) -> RowQuery:
    """Gives the query for the record `record_id`."""
    source = Source(tables, object_name)
    wanted = source.root.c.id == sa.bindparam(RECORD_ID, type_=sa.Text())
    return rows_where(source, fields, wanted)


def rows_among(
    tables: PermittedTables,
    object_name: str,
    fields: Sequence[ResolvedPath],
    reference: ResolvedPath | None = None,
) -> RowQuery:
    """Gives the query for the records with one of `ids`, or whose reference leads to one."""
    source = Source(tables, object_name)
    column = source.root.c.id if reference is None else source.column(reference)
    wanted = one_of(column, many(IDS, tables.dialect), tables.dialect)
    return rows_where(source, fields, wanted)


def rows_of_each(
    tables: PermittedTables,
    object_name: str,
    fields: Sequence[ResolvedPath],
    reference: ResolvedPath,
    limit: int,
) -> RowQuery:
    """Gives the query for the first records, in their order, that point at each of `ids`."""
    source = Source(tables, object_name)
    column = source.column(reference)
    selection = Selection(source, fields)
    rules = tables.conditions(source.root, object_name)
    wanted = one_of(column, many(IDS, tables.dialect), tables.dialect)
    order: list[sa.ColumnElement[Any]] = [source.root.c.id]
    if ROW_POSITION in source.root.c:
        order.insert(0, source.root.c[ROW_POSITION].asc().nulls_last())
    place = sa.func.row_number().over(partition_by=column, order_by=order).label("place")
    ranked = sa.select(*selection.columns, place).select_from(source.clause).where(wanted, *rules)
    each = ranked.subquery("each")
    chosen = sa.select(*(each.c[one.name] for one in selection.columns))
    statement = chosen.where(each.c.place <= limit).order_by(each.c.place)
    return RowQuery(Prepared(statement), tables.bound, selection)


def rows_where(
    source: Source, fields: Sequence[ResolvedPath], wanted: sa.ColumnElement[bool]
) -> RowQuery:
    """Gives the query for the readable rows that fulfil a condition, by creation."""
    selection = Selection(source, fields)
    rules = source.tables.conditions(source.root, source.object)
    statement = sa.select(*selection.columns).select_from(source.clause).where(wanted, *rules)
    return RowQuery(Prepared(statement.order_by(source.root.c.id)), source.tables.bound, selection)


def row_for_change(
    tables: PermittedTables,
    object_name: str,
    action: str,
    *,
    deleted: bool,
    many: bool = False,
) -> RowQuery:
    """Gives the query for the readable record `record_id`, whole and locked; for those of `ids`
    with `many`, locked in the order of their ids.

    The last column says whether the action reaches it.
    """
    source = Source(tables, object_name)
    root = source.root
    selection = Selection(source, whole_record(tables.catalog.objects[object_name]))
    allowed = tables.reach(root, object_name, action)
    readable = tables.reach(root, object_name, "read")
    statement = (
        sa.select(*selection.columns, (sa.true() if allowed is None else allowed).label("may"))
        .where(one_or_many(root, tables.dialect, many=many))
        .where(~alive(root) if deleted else alive(root))
        .with_for_update(of=root)
    )
    if many:
        statement = statement.order_by(root.c.id)
    found = statement if readable is None else statement.where(readable)
    return RowQuery(Prepared(found), tables.bound, selection)


def one_or_many(root: sa.FromClause, dialect: str, *, many: bool) -> sa.ColumnElement[bool]:
    """Gives the condition of being the record `record_id`, or one of `ids`."""
    if many:
        return one_of(root.c.id, ids_parameter(dialect), dialect)
    equal: sa.ColumnElement[bool] = root.c.id == sa.bindparam(RECORD_ID, type_=sa.Text())
    return equal


def ids_parameter(dialect: str) -> sa.BindParameter[Any]:
    """Gives the parameter `ids`."""
    return many(IDS, dialect)


def rows_ever(tables: PermittedTables, object_name: str) -> RowQuery:
    """Gives the query for those of `ids` that may be read, whether deleted or not."""
    source = Source(tables, object_name)
    readable = tables.reach(source.root, object_name, "read")
    wanted = one_of(source.root.c.id, many(IDS, tables.dialect), tables.dialect)
    selection = Selection(source, ())
    statement = sa.select(*selection.columns).select_from(source.clause).where(wanted)
    found = statement if readable is None else statement.where(readable)
    return RowQuery(Prepared(found), tables.bound, selection)


def row_in_reach(tables: PermittedTables, object_name: str, action: str) -> RowQuery:
    """Gives the query for the id of `record_id` where both reading and the action reach it."""
    source = Source(tables, object_name)
    rules = [
        *tables.conditions(source.root, object_name),
        *tables.conditions(source.root, object_name, action),
    ]
    return rows_where(source, (), sa.and_(source.root.c.id == sa.bindparam(RECORD_ID), *rules))


def rows_in_reach(tables: PermittedTables, object_name: str, action: str) -> RowQuery:
    """Gives the query for those of `ids` that both reading and the action reach."""
    source = Source(tables, object_name)
    wanted = one_of(source.root.c.id, many(IDS, tables.dialect), tables.dialect)
    rules = tables.conditions(source.root, object_name, action)
    return rows_where(source, (), sa.and_(wanted, *rules))


def rows_named(
    tables: PermittedTables,
    plan: SearchPlan,
    terms: int | None,
    limit: int,
    condition: Node | None = None,
) -> RowQuery:
    """Gives the query for records whose name has so many terms, the best first; for None of all
    that have a name, by it."""
    object_name, name = plan.own.object, (plan.name,) if plan.name is not None else ()
    source = Source(tables, object_name)
    selection = Selection(source, name)
    has_name = [source.column(path, FOLD).is_not(None) for path in name]
    wanted = has_name if terms is None else [holds(source, plan, terms)]
    keys = best_first(source, plan)[1 if terms is None else 0 :]
    statement = (
        sa.select(*selection.columns)
        .select_from(source.clause)
        .where(*tables.conditions(source.root, object_name), *wanted)
        .order_by(*(key.clause for key in keys))
        .limit(limit)
    )
    if condition is not None:
        statement = statement.where(compile_filter(condition, tables, source.root, source.object))
    return RowQuery(Prepared(statement), tables.bound, selection)
