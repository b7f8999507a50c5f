"""Checking a package against what is installed, without installing it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from metadata.catalog import Catalog, build_catalog
from metadata.checks import check_elements
from metadata.checks.computed import virtual_warnings
from metadata.checks.rules import unreadable_tests
from metadata.checks.translations import missing_translations, unsaid_texts
from metadata.elements import LOCAL, Element, is_of_tests
from metadata.fields.base import FieldDefinition
from metadata.json_text import mapping, nearest, pointer
from metadata.packages.demo import demo_problems
from metadata.packages.fitting_tests import with_fitting_tests
from metadata.packages.read import Package, extended, placed
from metadata.packages.requirements import (
    Offers,
    dependent_problems,
    requirement_problems,
    retired_packages,
)
from metadata.packages.texts import MANIFEST
from metadata.problems import Problem, sentence

PLAIN_OPTION: Final = re.compile(r"[a-z0-9_]{1,40}", re.ASCII)
LANGUAGES: Final = ("zh",)
"""Languages in which a package should speak besides English."""


def check_package(
    package: Package, installed: Catalog, offers: Offers | None = None
) -> list[Problem]:
    """Gives everything that keeps a package from being installed; a test of it that fails does not.

    `offers` are packages that could be installed, by name. Paths are `file:pointer`, problems in
    the order of files.
    """
    problems = [
        *package.problems,
        *(
            placed(MANIFEST, problem)
            for problem in (
                *requirement_problems(package.manifest, installed.packages, offers or {}),
                *dependent_problems(package.manifest, installed.elements),
            )
        ),
        *collisions(package, installed),
        *unknown_targets(package, installed),
    ]
    elements = with_package(package, installed.elements)
    flaws = check_elements([one for one in elements if not is_of_tests(one)])
    for one in filter(is_of_tests, package.elements):
        flaws[one.key] = unreadable_tests(one)
    unread = unread_objects(package) | broken_roles(flaws)
    for key, found in flaws.items():
        problems.extend(
            placed(file, problem)
            for problem in found
            if (file := file_of(package, key, problem)) is not None
            if problem.values.get("name", problem.values.get("value")) not in unread
        )
    if not problems:
        catalog = build_catalog(0, elements)
        problems.extend(demo_problems(package.demo, catalog))
    return sorted(problems, key=lambda problem: problem.path.partition(":")[0])


def unread_objects(package: Package) -> set[str]:
    """Gives the objects whose files cannot be read: that they are missing elsewhere follows."""
    files = {problem.path.partition(":")[0] for problem in package.problems}
    there = {element.name for element in package.elements if element.kind == "object"}
    names = {file.removeprefix("objects/").removesuffix(".json") for file in files}
    return names - there


def broken_roles(flaws: Mapping[tuple[str, str], Sequence[Problem]]) -> set[str]:
    """Gives the roles with problems of their own: that they are missing elsewhere follows."""
    return {name for (kind, name), found in flaws.items() if kind == "role" and found}


def package_warnings(package: Package, installed: Catalog) -> list[Problem]:
    """Gives what is worth knowing of a package without problems, such as missing translations."""
    elements = with_package(package, installed.elements)
    catalog = build_catalog(0, elements)
    warnings = [*package.warnings, *odd_options(package, catalog), *unstored(package, catalog)]
    warnings += with_fitting_tests(installed.elements, elements, package.elements)[1]
    for language in LANGUAGES:
        file = f"translations/{language}.json"
        name = package.manifest.name
        found = [
            *missing_translations(elements, name, language, catalog),
            *unsaid_texts(elements, name, language, catalog),
        ]
        warnings.extend(placed(file, problem) for problem in found)
    return warnings


def odd_options(package: Package, catalog: Catalog) -> Iterator[Problem]:
    """Finds API values of options that are not plain; imported schemas may have them."""
    for definition in catalog.objects.values():
        for field in definition.own_fields:
            if field.package == package.manifest.name:
                yield from odd_values(package, definition.name, field)


def unstored(package: Package, catalog: Catalog) -> Iterator[Problem]:
    """Finds computed fields that are said to be stored and cannot be."""
    for object_name, problem in virtual_warnings(catalog):
        file = file_of(package, ("object", object_name), problem)
        if file is not None:
            yield placed(file, problem)


def odd_values(package: Package, object_name: str, field: FieldDefinition) -> Iterator[Problem]:
    """Finds the API values of one field's options that are not plain."""
    place = pointer(("properties", field.name, "enum"))
    for option in field.options:
        if not PLAIN_OPTION.fullmatch(option.value):
            problem = Problem(place, "option_value", {"value": option.value})
            file = file_of(package, ("object", object_name), problem)
            yield placed(file or MANIFEST, problem)


def with_package(package: Package, installed: tuple[Element, ...]) -> list[Element]:
    """Gives the elements that there would be with the package in its new version."""
    name = package.manifest.name
    keys = {element.key for element in package.elements}
    kept = [e for e in installed if e.package != name and e.key not in keys]
    return [*(extend(element, package) for element in kept), *package.elements]


def extend(element: Element, package: Package) -> Element:
    """Gives an element with what the package adds to it, if it is an object that it extends."""
    extension = package.extensions.get(element.name) if element.kind == "object" else None
    if extension is None:
        return element
    return replace(element, body=extended(element.body, extension, package.manifest.name))


def collisions(package: Package, installed: Catalog) -> Iterator[Problem]:
    """Finds elements that another package already has under the same name.

    What an administrator made under the name is merged with the package's.
    """
    owners = {element.key: element.package for element in installed.elements}
    for element in package.elements:
        owner = owners.get(element.key, LOCAL)
        if owner not in {package.manifest.name, LOCAL}:
            yield taken(package.places[element.key], element.name, owner, installed)


def unknown_targets(package: Package, installed: Catalog) -> Iterator[Problem]:
    """Finds extensions of objects that are not there, and fields that another package has."""
    for target, extension in package.extensions.items():
        file = package.places["extension", target]
        definition = installed.objects.get(target)
        if definition is None:
            known = list(installed.objects)
            values = {"name": target, "nearest": nearest(target, known), "known": known}
            yield Problem(file, "unknown_object", values)
            continue
        fields = {**definition.retired_fields, **definition.fields}
        for name in mapping(extension.get("properties")):
            owner = fields[name].package if name in fields else LOCAL
            if owner not in {package.manifest.name, LOCAL}:
                place = f"{file}:/properties/{name}"
                yield taken(place, f"{target}.{name}", owner, installed)


def taken(place: str, name: str, owner: str, installed: Catalog) -> Problem:
    """Words a name that belongs to another package, installed or not any more."""
    is_waiting = owner in retired_packages(installed.elements)
    code = "taken_by_uninstalled" if is_waiting else "taken_by_package"
    return Problem(place, code, {"name": name, "owner": owner})


def file_of(package: Package, key: tuple[str, str], problem: Problem) -> str | None:
    """Gives the package's file that a problem belongs to; None when it is another package's."""
    if key in package.places:
        return package.places[key]
    if key[0] == "object" and key[1] in package.extensions:
        parts = problem.path.split("/")
        added: Mapping[str, object] = mapping(package.extensions[key[1]].get("properties"))
        if len(parts) > 2 and parts[1] == "properties" and parts[2] in added:
            return package.places["extension", key[1]]
    return None


def line_of(problem: Problem, language: str = "en") -> str:
    """Writes a problem as one line: `file:path: what is wrong; what would be right`."""
    place = problem.path
    if problem.line is not None:
        place = f"{place}:{problem.line}:{problem.column}"
    return f"{place}: {sentence(problem, language)}" if place else sentence(problem, language)
