"""What is wrong with layouts."""

from __future__ import annotations

from collections.abc import Iterator

from metadata.catalog import Catalog
from metadata.checks.roles import unknown_object
from metadata.checks.views import unknown_roles
from metadata.conditions import expression_problems
from metadata.field_paths import path_problems
from metadata.json_text import nearest, pointer
from metadata.layouts import LayoutDefinition, RelatedList
from metadata.problems import Problem


def layout_problems(name: str, catalog: Catalog) -> Iterator[Problem]:
    """Gives what is wrong with a layout, known as `<object>/<name>`."""
    object_name, _, layout_name = name.partition("/")
    if object_name not in catalog.objects:
        yield unknown_object(object_name, "", catalog)
        return
    layout = catalog.layouts_by_object[object_name][layout_name]
    yield from path_problems(catalog.objects, object_name, named_fields(layout))
    conditions = [
        *((("sections", index), one.visible_when) for index, one in enumerate(layout.sections)),
        *((("tabs", index), one.visible_when) for index, one in enumerate(layout.tabs)),
    ]
    for part, condition in conditions:
        if condition is not None:
            at = pointer((*part, "visible_when"))
            yield from expression_problems(condition, catalog.schema, object_name, at)
    known = [one.name for one in catalog.objects[object_name].record_types]
    for index, record_type in enumerate(layout.record_types):
        if record_type not in known:
            place = pointer(("record_types", index))
            values = {"value": record_type, "nearest": nearest(record_type, known), "known": known}
            yield Problem(place, "not_known", values)
    for row, tab in enumerate(layout.tabs):
        for column, link in enumerate(tab.related):
            yield from unknown_link(
                layout, link, pointer(("tabs", row, "related", column)), catalog
            )
    for index, related in enumerate(layout.related):
        yield from related_problems(layout, related, pointer(("related", index)), catalog)
    yield from unknown_roles(layout.roles, catalog)


def named_fields(layout: LayoutDefinition) -> Iterator[tuple[str, str]]:
    """Gives the fields a layout names, each with its place."""
    for index, name in enumerate(layout.header):
        yield pointer(("header", index)), name
    groups = {
        "sections": [section.fields for section in layout.sections],
        "tabs": [tab.fields for tab in layout.tabs],
    }
    for part, lists in groups.items():
        for row, names in enumerate(lists):
            for column, name in enumerate(names):
                yield pointer((part, row, "fields", column)), name


def related_problems(
    layout: LayoutDefinition, related: RelatedList, place: str, catalog: Catalog
) -> Iterator[Problem]:
    """Gives what is wrong with one related list."""
    link = catalog.children(layout.object).get(related.name)
    if link is None:
        yield from unknown_link(layout, related.name, f"{place}/name", catalog)
        return
    paths = [(f"{place}/columns/{index}", path) for index, path in enumerate(related.columns)]
    paths += [
        (f"{place}/sort/{index}", path.removeprefix("-")) for index, path in enumerate(related.sort)
    ]
    yield from path_problems(catalog.objects, link.target, paths)
    if related.filter is not None:
        yield from expression_problems(
            related.filter, catalog.schema, link.target, f"{place}/filter"
        )


def unknown_link(
    layout: LayoutDefinition, name: str, place: str, catalog: Catalog
) -> Iterator[Problem]:
    """Finds a name that is no way back to the object."""
    known = catalog.children(layout.object)
    if name not in known:
        hint = nearest(name, known)
        values = {
            "name": name,
            "object": layout.object,
            "nearest": hint,
            "known": None if hint else list(known),
        }
        yield Problem(place, "unknown_link", values)
