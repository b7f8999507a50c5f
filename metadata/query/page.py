"""The statement of one page, and of its count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from metadata.query.answers import COUNT_CAP
from metadata.query.cursor import order_by
from metadata.query.order import SortKey
from metadata.query.paths import Source

Conditions = Sequence[sa.ColumnElement[bool]]


def page_statement(
    source: Source,
    columns: Sequence[sa.Label[Any]],
    keys: Sequence[SortKey],
    where: Conditions,
    pieces: Conditions,
    limit: int,
) -> sa.Select[Any]:
    """Gives the rows of the pieces one after the other, each in order, and the sort values last.

    No piece means the first page.
    """
    sorted_by = [key.expression.label(f"s{place}") for place, key in enumerate(keys)]
    chosen = [*columns, *sorted_by]
    order = order_by(keys, source.root.c.id)
    whole = sa.select(*chosen).select_from(source.clause).where(*where).order_by(*order)
    if len(pieces) <= 1:
        return whole.where(*pieces).limit(limit)
    members = [
        whole.add_columns(sa.literal_column(str(place), sa.Integer).label("piece"))
        .where(piece)
        .limit(limit)
        .subquery()
        for place, piece in enumerate(pieces)
    ]
    union = sa.union_all(*(sa.select(member) for member in members)).subquery("u")
    again = [
        replace(key, expression=union.c[label.name])
        for key, label in zip(keys, sorted_by, strict=True)
    ]
    return (
        sa.select(*(union.c[column.name] for column in chosen))
        .order_by(union.c.piece, *order_by(again, union.c[columns[0].name]))
        .limit(limit)
    )


def count_statement(clause: sa.FromClause, where: Conditions, *, capped: bool) -> sa.Select[int]:
    """Gives the number of rows; a capped one stops counting at 1,001."""
    if not capped:
        return sa.select(sa.func.count()).select_from(clause).where(*where)
    one = sa.literal_column("1", sa.Integer).label("one")
    some = sa.select(one).select_from(clause).where(*where)
    return sa.select(sa.func.count()).select_from(some.limit(COUNT_CAP).subquery())
