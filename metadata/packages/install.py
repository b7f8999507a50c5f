"""Installing packages: their elements become part of the definitions in force, all in one step."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from metadata.catalog import Catalog, build_catalog
from metadata.elements import Element, by_key
from metadata.locks import take_definitions
from metadata.migrate import publish
from metadata.packages.check import check_package, line_of
from metadata.packages.files import keep_files, load_bases
from metadata.packages.fitting_tests import with_fitting_tests
from metadata.packages.places import element_file
from metadata.packages.read import Package
from metadata.packages.requirements import Offers, removal_problems
from metadata.packages.three_way import SIDES, Conflict
from metadata.packages.uninstall import displaced, without_package
from metadata.packages.upgrade import prepare
from metadata.problems import PackageError, Problem
from metadata.store import load_elements

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What installing some packages together would make of the definitions.

    `problems` keep them from being installed; then `elements` are as they were. `conflicts` and
    `edits` are those of all packages, `left_out` the tests of packages that would fail.
    """

    packages: tuple[Package, ...]
    elements: tuple[Element, ...]
    problems: tuple[Problem, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    edits: tuple[str, ...] = ()
    left_out: tuple[Problem, ...] = ()

    @property
    def message(self) -> str:
        """Gives what the list of versions says about it."""
        manifests = (package.manifest for package in self.packages)
        listed = [f"{manifest.name} {manifest.version}" for manifest in manifests]
        return ", ".join([*listed, *(f'− test "{one.values["test"]}"' for one in self.left_out)])


def prepare_all(
    packages: Sequence[Package],
    current: Sequence[Element],
    bases: Mapping[str, Package],
    resolutions: Mapping[str, str] | None = None,
    offers: Offers | None = None,
) -> Prepared:
    """Checks packages one after the other, each among those before it, and merges them.

    `bases` are packages as they were installed last, `offers` those that could be installed too.
    The first one with problems ends it.
    """
    elements = tuple(current)
    conflicts: list[Conflict] = []
    edits: list[str] = []
    for package in packages:
        problems = check_package(package, build_catalog(0, elements), offers)
        problems += lost_edits(package, elements, bases.get(package.manifest.name))
        if problems:
            return Prepared(tuple(packages), tuple(current), tuple(problems))
        found = prepare(package, elements, bases.get(package.manifest.name), resolutions)
        elements = found.elements
        conflicts.extend(found.conflicts)
        edits.extend(found.edits)
    unknown = unknown_choices(conflicts, resolutions or {})
    versions = {**bases, **{package.manifest.name: package for package in packages}}
    shipped = [one for package in versions.values() for one in package.elements]
    elements, left_out = with_fitting_tests(current, elements, shipped)
    return Prepared(tuple(packages), elements, unknown, tuple(conflicts), tuple(edits), left_out)


def lost_edits(
    package: Package, current: Sequence[Element], base: Package | None
) -> Iterator[Problem]:
    """Finds what was made of an uninstalled package's elements and would be lost, since something
    else has their names by now."""
    name = package.manifest.name
    shipped = by_key(base.elements) if base is not None else {}
    for one in displaced(current, name):
        if one.key not in shipped or shipped[one.key].body != one.body:
            values = {"kind": one.kind, "name": one.name, "package": name}
            yield Problem(element_file(*one.key), "kept_name_taken", values)


def unknown_choices(
    conflicts: Sequence[Conflict], resolutions: Mapping[str, str]
) -> tuple[Problem, ...]:
    """Finds choices for what is no conflict, and choices that are none."""
    places = {conflict.place for conflict in conflicts}
    return tuple(
        Problem(place, "unknown_conflict", {"known": sorted(places)})
        if place not in places
        else Problem(place, "not_known", {"value": choice, "known": SIDES})
        for place, choice in resolutions.items()
        if place not in places or choice not in SIDES
    )


def install(
    connection: sa.Connection,
    package: Package,
    *,
    by: str,
    confirm: Collection[str] = (),
    resolutions: Mapping[str, str] | None = None,
) -> int:
    """Installs, upgrades or brings back one package and gives the version then in force.

    The same package again changes nothing. Raises PackageError with everything that is wrong with
    the package, and what `publish` raises: an upgrade that retires fields wants confirmation.
    """
    take_definitions(connection)
    current = load_elements(connection)
    bases = load_bases(connection, current)
    prepared = prepare_all([package], current, bases, resolutions)
    version = publish_prepared(connection, prepared, by=by, confirm=confirm)
    for conflict in prepared.conflicts:
        name = package.manifest.name
        logger.warning("%s: %s kept at %s, which both changed", name, conflict.kept, conflict.place)
    for one in prepared.left_out:
        logger.warning("%s", line_of(one))
    return version


def publish_prepared(
    connection: sa.Connection,
    prepared: Prepared,
    *,
    by: str,
    confirm: Collection[str] = (),
    expected_version: int | None = None,
    at: datetime | None = None,
    known: Catalog | None = None,
) -> int:
    """Publishes what was prepared in this transaction and keeps the packages' files.

    `known` is the catalog that the caller has; if it is the one in force it saves time.
    """
    if prepared.problems:
        raise PackageError(prepared.problems)
    for package in prepared.packages:
        keep_files(connection, package.files)
    return publish(
        connection,
        prepared.elements,
        by=by,
        message=prepared.message,
        confirm=confirm,
        expected_version=expected_version,
        at=at,
        known=known,
    )


def uninstall(
    connection: sa.Connection,
    name: str,
    *,
    by: str,
    confirm: Collection[str] = (),
    expected_version: int | None = None,
    at: datetime | None = None,
) -> int:
    """Takes a package out of use and gives the version then in force; its data is kept.

    The package's name in `confirm` stands for everything that goes out of use. Raises PackageError
    when it is not installed or others need it, and what `publish` raises.
    """
    take_definitions(connection)
    current = load_elements(connection)
    if problems := removal_problems(name, current):
        raise PackageError(problems)
    removal = without_package(current, name)
    lost = (*removal.objects, *removal.fields)
    return publish(
        connection,
        removal.elements,
        by=by,
        message=f"− {name}",
        confirm=lost if name in confirm else confirm,
        expected_version=expected_version,
        at=at,
    )
