"""The order of a list, the same on both databases: empties lowest, the id last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from metadata.problems import Problem
from metadata.query.paths import Paths, ResolvedPath, Source
from rule_engine.types import Kind

MAX_SORT_KEYS = 5
SORTABLE = frozenset(
    {
        *(Kind.TEXT, Kind.NUMBER, Kind.PERCENT, Kind.MONEY, Kind.BOOLEAN),
        *(Kind.DATE, Kind.INSTANT, Kind.TIME, Kind.CHOICE, Kind.REFERENCE),
        Kind.CLOCK_LENGTH,
    }
)


@dataclass(frozen=True, slots=True)
class SortPath:
    """One key of an order as it was asked for."""

    path: ResolvedPath
    descending: bool


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of an order as a column.

    `kind` is that of the column's values: of a choice the place of its option, a number.
    `nullable` tells whether there is a block of empties.
    """

    expression: sa.ColumnElement[Any]
    kind: Kind
    descending: bool
    nullable: bool = True

    @property
    def clause(self) -> sa.ColumnElement[Any]:
        """Gives the key for ORDER BY."""
        return directed(self.expression, self.descending, self.nullable)


def directed(
    expression: sa.ColumnElement[Any], descending: bool, nullable: bool
) -> sa.ColumnElement[Any]:
    """Gives an expression with its direction; empties are lower than all values."""
    if descending:
        clause = expression.desc()
        return clause.nulls_last() if nullable else clause
    clause = expression.asc()
    return clause.nulls_first() if nullable else clause


def resolve_sort(
    paths: Paths, object_name: str, sort: Sequence[str]
) -> tuple[tuple[SortPath, ...], list[Problem]]:
    """Gives the keys of `-amount, account.name`, and everything that is wrong with them."""
    found: list[SortPath] = []
    problems: list[Problem] = []
    if len(sort) > MAX_SORT_KEYS:
        problems.append(Problem("sort", "too_many_sort_keys", {"limit": MAX_SORT_KEYS}))
    for text in sort[:MAX_SORT_KEYS]:
        path = paths.resolve(object_name, text.removeprefix("-"), "sort", whole=True)
        if isinstance(path, Problem):
            problems.append(path)
        elif path.field.type.is_sealed:
            problems.append(Problem("sort", "sealed_sort", {"name": path.text}))
        elif path.field.type.rule_type(path.field).kind not in SORTABLE:
            problems.append(Problem("sort", "not_sortable", {"name": path.text}))
        else:
            found.append(SortPath(by_name(paths, path), text.startswith("-")))
    return tuple(found), problems


def by_name(paths: Paths, path: ResolvedPath) -> ResolvedPath:
    """Gives for a reference the name of the record it leads to, where that may be read."""
    target = path.field.target
    if target is None or target not in paths.catalog.objects:
        return path
    name = paths.known(target, whole=True).get(paths.catalog.objects[target].name_field)
    if name is None or name.target is not None or name.type.is_sealed:
        return path
    return replace(path, hops=(*path.hops, path.field), field=name)


def sort_keys(source: Source, sort: Sequence[SortPath]) -> tuple[SortKey, ...]:
    """Gives the columns of an order, with the joins they need; a key after the id is useless."""
    keys: list[SortKey] = []
    for item in sort:
        if item.path.field.name == "id" and not item.path.hops:
            keys.append(SortKey(source.root.c.id, Kind.TEXT, item.descending, nullable=False))
            break
        keys.append(sort_key(source, item))
    return tuple(keys)


def sort_key(source: Source, item: SortPath) -> SortKey:
    """Gives what a path is ordered by: folded text, the place of an option, or the value."""
    path, field = item.path, item.path.field
    kind = field.type.rule_type(field).kind
    if kind is not Kind.CHOICE or not field.options:
        column = source.column(path, field.type.sort_part)
        return SortKey(column, Kind.TEXT if kind is Kind.CHOICE else kind, item.descending)
    chosen = source.column(path)
    places = [(chosen == option.value, place) for place, option in enumerate(field.options)]
    unknown = (chosen.is_not(None), len(places))
    return SortKey(sa.case(*places, unknown, else_=sa.null()), Kind.NUMBER, item.descending)
