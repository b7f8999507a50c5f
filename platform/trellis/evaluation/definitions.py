"""Definitions out of files: a catalog without a database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from metadata.catalog import Catalog, build_catalog
from metadata.diff import plan
from metadata.elements import LOCAL, Element, is_of_tests
from metadata.packages.check import with_package
from metadata.packages.read import Package, read_package
from metadata.problems import DefinitionError, PackageError
from trellis.bundled import SYSTEM, known_packages
from trellis.evaluation.question import EvaluationError


def read_catalog(paths: Iterable[Path]) -> Catalog:
    """Gives the catalog of JSON files and packages, with users and teams beside them.

    A JSON file holds one object, named by `$id` or by the file, or several by name. A folder or
    zip is a package; known packages that it requires are added too. Raises EvaluationError for
    what cannot be read, DefinitionError for what is wrong.
    """
    catalog = system_catalog()
    given = list(paths)
    for path in filter(is_package, given):
        package = read_package(path)
        catalog = add_package(add_required(catalog, package), package)
    objects = [found for path in given if not is_package(path) for found in read_objects(path)]
    return add_elements(catalog, [*catalog.elements, *objects]) if objects else catalog


def system_catalog() -> Catalog:
    """Gives the catalog of a fresh instance: users and teams."""
    return add_package(build_catalog(0, ()), read_package(SYSTEM))


def is_package(path: Path) -> bool:
    """Says whether a path is meant as a package."""
    return path.is_dir() or path.suffix == ".zip"


def add_required(catalog: Catalog, package: Package) -> Catalog:
    """Gives a catalog with the known packages that a package requires."""
    known = known_packages()
    for name in package.manifest.requires:
        if name in known and name not in catalog.packages:
            required = read_package(known[name])
            catalog = add_package(add_required(catalog, required), required)
    return catalog


def add_package(catalog: Catalog, package: Package) -> Catalog:
    """Gives a catalog with a package in it, without its tests; raises PackageError when it cannot
    be read."""
    if package.problems:
        raise PackageError(package.problems)
    elements = with_package(package, catalog.elements)
    return add_elements(catalog, [one for one in elements if not is_of_tests(one)])


def add_elements(catalog: Catalog, elements: Sequence[Element]) -> Catalog:
    """Gives the catalog that publishing these elements would make.

    References may lead to objects that are not there: expressions then cannot follow them.
    """
    planned = plan(catalog.elements, elements)
    if problems := [found for found in planned.problems if found.code != "unknown_object"]:
        raise DefinitionError(problems)
    return build_catalog(catalog.version + 1, planned.elements)


def read_objects(path: Path) -> list[Element]:
    """Gives the objects of one JSON file."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise EvaluationError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise EvaluationError(f"{path}: no JSON: {error}") from error
    if not isinstance(document, dict):
        raise EvaluationError(f"{path}: a JSON object is needed")
    if "properties" in document:
        return [Element("", "object", str(document.get("$id") or path.stem), LOCAL, document)]
    return [
        Element("", "object", name, LOCAL, body)
        for name, body in document.items()
        if isinstance(body, dict)
    ]
