"""What is wrong with a set of definitions, before anything is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from metadata.catalog import Catalog, build_catalog
from metadata.checks.consequences import broken_fields
from metadata.checks.layouts import layout_problems
from metadata.checks.objects import link_problems, whole_object_problems
from metadata.checks.roles import role_problems
from metadata.checks.rules import failing_tests, rules_problems
from metadata.checks.translations import translation_problems
from metadata.checks.views import view_problems
from metadata.documents import distinct, document_problems
from metadata.elements import Element, by_key
from metadata.problems import Problem

Key = tuple[str, str]
"""Kind and name of an element."""


def check_elements(
    elements: Sequence[Element], known: Catalog | None = None
) -> dict[Key, list[Problem]]:
    """Gives everything that is wrong with a complete set of elements, by element.

    Paths are JSON Pointers into the element's document; of rules, line and column count. Elements
    without problems are left out. Those that are in force, in the catalog `known`, have the right
    shape; how they fit the others is looked at all the same.
    """
    in_force = by_key(known.elements) if known is not None else {}
    found = {
        element.key: []
        if in_force.get(element.key) == element
        else document_problems(element.kind, element.body)
        for element in elements
    }
    readable = [element for element in elements if is_readable(element, found)]
    catalog = build_catalog(0, readable, previous=known)
    for element in elements:
        if is_readable(element, found):
            found[element.key].extend(element_problems(element, catalog))
    for key, problem in (*link_problems(catalog), *rules_problems(catalog)):
        found[key].append(problem)
    if not any(found.values()):
        for key, problem in failing_tests(catalog, known):
            found[key].append(problem)
    broken = broken_fields(elements, found)
    told = {key: [one for one in flaws if not broken.explains(one)] for key, flaws in found.items()}
    return {key: distinct(problems) for key, problems in told.items() if problems}


def is_readable(element: Element, found: Mapping[Key, Sequence[Problem]]) -> bool:
    """Says whether an element can be looked at further: objects as far as they go."""
    if element.kind == "object":
        return isinstance(element.body.get("properties"), Mapping)
    return not found[element.key]


def element_problems(element: Element, catalog: Catalog) -> Iterator[Problem]:
    """Gives what is wrong with one element among the others."""
    match element.kind:
        case "object":
            yield from whole_object_problems(element, catalog)
        case "role":
            yield from role_problems(element.name, catalog)
        case "view":
            yield from view_problems(element.name, catalog)
        case "layout":
            yield from layout_problems(element.name, catalog)
        case "translations":
            yield from translation_problems(element, catalog)
