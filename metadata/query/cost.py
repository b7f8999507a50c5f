"""What a question costs in points, before it is asked: one that costs too much is refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from metadata.catalog import Catalog
from metadata.problems import Problem
from metadata.query.order import SortPath
from metadata.query.paths import ResolvedPath
from rule_engine import core

MAX_POINTS: Final = 200
JOIN: Final = 1
SORT_KEY: Final = 2
TOTAL: Final = 10
"""A look at other records for each record: `count(lines)`, a computed field without a column."""
SEARCH: Final = 5
COUNT: Final = 5
NODES_PER_POINT: Final = 10


def cost_problems(costs: Mapping[str, int]) -> list[Problem]:
    """Gives the problem of a question that costs too much, at the parameter that costs most."""
    points = sum(costs.values())
    if points <= MAX_POINTS:
        return []
    most = max(costs, key=lambda parameter: costs[parameter])
    values = {"points": points, "limit": MAX_POINTS, "most": costs[most], "parameter": most}
    return [Problem(most, "too_costly", values)]


def costs_of(
    catalog: Catalog,
    fields: Iterable[ResolvedPath],
    sort: Sequence[SortPath],
    condition: core.Node | None,
    *,
    searches: bool,
    counts: bool,
) -> dict[str, int]:
    """Gives the points of each parameter of a question."""
    return {
        "filter": 0 if condition is None else node_points(catalog, condition),
        "sort": sum(SORT_KEY + path_points(item.path) for item in sort),
        "fields": sum(map(path_points, fields)),
        "search": SEARCH if searches else 0,
        "count": COUNT if counts else 0,
    }


def path_points(path: ResolvedPath) -> int:
    """Gives the points of a field behind references."""
    return len(path.hops) * JOIN + (TOTAL if path.field.virtual and path.field.computed else 0)


def node_points(catalog: Catalog, condition: core.Node) -> int:
    """Gives the points of a condition."""
    points = nodes = 0
    for node in core.walk(condition):
        nodes += 1
        match node:
            case core.Aggregate():
                points += TOTAL + len(node.hops) * JOIN
            case core.Path():
                points += len(node.hops) * JOIN
                points += TOTAL if is_virtual(catalog, node) else 0
    return points + nodes // NODES_PER_POINT


def is_virtual(catalog: Catalog, node: core.Path) -> bool:
    """Says whether a path leads to a field that is worked out for each record."""
    computed = catalog.computed.fields.get((node.object, node.field))
    return computed is not None and computed.field.virtual
