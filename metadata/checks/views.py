"""What is wrong with views."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from metadata.catalog import Catalog
from metadata.checks.roles import unknown_object
from metadata.checks.sealed import sealed_filter_problems
from metadata.conditions import expression_problems
from metadata.field_paths import FieldPath, path_problems, resolve_path
from metadata.json_text import nearest, pointer
from metadata.problems import Problem
from metadata.views import ViewDefinition
from rule_engine.types import Kind

SUMMED: Final = frozenset({Kind.NUMBER, Kind.PERCENT, Kind.MONEY})
NEEDED: Final = {
    "list": ("columns",),
    "board": ("group",),
    "calendar": ("start",),
    "timeline": ("start", "end"),
}
"""What a view of a type cannot do without."""


def view_problems(name: str, catalog: Catalog) -> Iterator[Problem]:
    """Gives what is wrong with a view, known as `<object>/<name>`."""
    object_name, _, view_name = name.partition("/")
    if object_name not in catalog.objects:
        yield unknown_object(object_name, "", catalog)
        return
    view = catalog.views_by_object[object_name][view_name]
    yield from path_problems(catalog.objects, object_name, named_paths(view))
    if view.filter is not None:
        yield from expression_problems(view.filter, catalog.schema, object_name, "/filter")
        yield from sealed_filter_problems(view.filter, catalog.schema, object_name, "/filter")
    for index, path in enumerate(view.sort):
        found = resolve_path(catalog.objects, object_name, path.removeprefix("-"), "")
        if isinstance(found, FieldPath) and found.field.type.is_sealed:
            place = pointer(("sort", index))
            yield Problem(place, "sealed_sort", {"name": path.removeprefix("-")})
    for column, measure in view.totals.items():
        yield from total_problems(view, column, measure, catalog)
    for key in NEEDED.get(view.type, ()):
        if not getattr(view, key):
            yield Problem("", "view_needs", {"type": view.type, "key": key})
    yield from unknown_roles(view.roles, catalog)


def named_paths(view: ViewDefinition) -> Iterator[tuple[str, str]]:
    """Gives the paths a view names, each with its place."""
    listed = {"columns": view.columns, "card": view.card, "sort": view.sort}
    for key, paths in listed.items():
        for index, path in enumerate(paths):
            yield pointer((key, index)), path.removeprefix("-") if key == "sort" else path
    single = {"group": view.group, "start": view.start, "end": view.end, "color": view.color}
    for key, named in single.items():
        if named is not None:
            yield pointer([key]), named


def total_problems(
    view: ViewDefinition, column: str, measure: str, catalog: Catalog
) -> Iterator[Problem]:
    """Gives what is wrong with one total."""
    place = pointer(("totals", column))
    found = resolve_path(catalog.objects, view.object, column, place)
    if isinstance(found, Problem):
        yield found
    elif measure in {"sum", "avg"} and not is_summed(found):
        yield Problem(place, "not_summed", {"name": column, "measure": measure})


def is_summed(path: FieldPath) -> bool:
    """Says whether a field's values can be added up."""
    return path.field.type.kind in SUMMED


def unknown_roles(roles: Iterable[str], catalog: Catalog) -> Iterator[Problem]:
    """Finds roles that are not there."""
    for index, role in enumerate(roles):
        if role not in catalog.roles:
            values = {
                "value": role,
                "nearest": nearest(role, catalog.roles),
                "known": sorted(catalog.roles),
            }
            yield Problem(pointer(("roles", index)), "not_known", values)
