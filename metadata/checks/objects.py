"""What is wrong with objects among other objects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from metadata.catalog import Catalog
from metadata.checks.computed import computed_problems
from metadata.checks.conditions import condition_problems
from metadata.checks.duplicates import duplicate_problems
from metadata.elements import Element
from metadata.field_paths import path_problems
from metadata.json_text import pointer
from metadata.links import find_links
from metadata.objects import ObjectDefinition
from metadata.parse import parse_object
from metadata.problems import Problem
from metadata.relations import relation_problems


def whole_object_problems(element: Element, catalog: Catalog) -> Iterator[Problem]:
    """Gives what is wrong inside an object, and with the paths and conditions it names."""
    definition, problems = parse_object(element.name, element.body, package=element.package)
    yield from problems
    if definition is None or definition.retired:
        return
    searched = (
        (pointer(("crm", "search", index)), path) for index, path in enumerate(definition.search)
    )
    yield from path_problems(catalog.objects, definition.name, searched)
    yield from condition_problems(definition, catalog)
    yield from duplicate_problems(definition, catalog)
    yield from computed_problems(definition, catalog)
    yield from retired_name_problems(definition)
    yield from relation_problems(definition, catalog.objects)


def retired_name_problems(definition: ObjectDefinition) -> Iterator[Problem]:
    """Finds required fields that are out of use."""
    for name in definition.retired_fields:
        if definition.retired_fields[name].required:
            yield Problem("/required", "required_retired", {"name": name})


def link_problems(catalog: Catalog) -> Iterator[tuple[tuple[str, str], Problem]]:
    """Gives what stands in the way of references, with the object that has the reference."""
    _, problems = find_links(catalog.objects)
    for problem in problems:
        _, object_name, rest = problem.path.split("/", 2)
        yield ("object", object_name), replace(problem, path=f"/{rest}")
