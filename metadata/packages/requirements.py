"""What packages need of each other: what is missing, where it can be had, and who would break."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from metadata.elements import Element
from metadata.json_text import mapping, nearest, pointer
from metadata.packages.manifest import (
    PRODUCT,
    PRODUCT_VERSION,
    Manifest,
    is_older,
    parse_manifest,
    satisfies,
)
from metadata.packages.read import Package, placed
from metadata.packages.texts import MANIFEST
from metadata.problems import PackageError, Problem, sentence

ALWAYS = frozenset({"system"})
"""Packages without which nothing works."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a package comes from, in words for its reader; `code` names them."""

    code: str
    values: Mapping[str, object]

    def in_language(self, language: str) -> str:
        """Gives it in a language."""
        return sentence(Problem("", self.code, self.values), language)


@dataclass(frozen=True, slots=True)
class Offer:
    """A package that could be installed."""

    name: str
    version: str
    title: str
    folder: Path
    origin: Origin


Offers = Mapping[str, Offer]


def installed_manifests(elements: Iterable[Element]) -> dict[str, Manifest]:
    """Gives the manifests of installed packages by name, without those taken out of use."""
    return {
        element.name: parse_manifest(element.body)
        for element in elements
        if element.kind == "package" and not is_retired_package(element)
    }


def is_retired_package(element: Element) -> bool:
    """Says whether a package was uninstalled; its data waits for it to come back."""
    return element.kind == "package" and element.body.get("retired") is True


def requirement_problems(
    manifest: Manifest, installed: Mapping[str, str], offers: Offers
) -> Iterator[Problem]:
    """Gives the packages that are missing or have the wrong version, and where they can be had."""
    known = {**installed, PRODUCT: PRODUCT_VERSION}
    for name, conditions in manifest.requires.items():
        place = pointer(("requires", name))
        if satisfies("0", conditions) is None:
            yield Problem(place, "wrong_condition", {"value": conditions})
            continue
        fits = fitting(name, conditions, offers)
        values = {
            "name": name,
            "wanted": conditions,
            "available": f"{name} {fits.version}" if fits else None,
            "origin": fits.origin if fits else None,
        }
        if name not in known:
            yield Problem(place, "package_missing", values)
        elif not satisfies(known[name], conditions):
            yield Problem(place, "package_version", {**values, "found": known[name]})


def fitting(name: str, conditions: str, offers: Offers) -> Offer | None:
    """Gives the known package that meets the conditions."""
    offer = offers.get(name)
    return offer if offer is not None and satisfies(offer.version, conditions) else None


def dependents(
    name: str, version: str | None, elements: Iterable[Element]
) -> Iterator[tuple[Manifest, str]]:
    """Gives the installed packages that need another one than this version; None: any at all.

    Each comes with its condition.
    """
    for manifest in installed_manifests(elements).values():
        conditions = manifest.requires.get(name)
        if conditions is None or manifest.name == name:
            continue
        if version is None or not satisfies(version, conditions):
            yield manifest, conditions


def dependent_problems(manifest: Manifest, elements: Sequence[Element]) -> Iterator[Problem]:
    """Finds installed packages that could not work with this version of a package."""
    for dependent, conditions in dependents(manifest.name, manifest.version, elements):
        values = {
            "name": manifest.name,
            "version": manifest.version,
            "dependent": f"{dependent.name} {dependent.version}",
            "wanted": conditions,
        }
        yield Problem("/version", "needed_by", values)


def removal_problems(name: str, elements: Sequence[Element]) -> list[Problem]:
    """Finds why a package cannot be uninstalled: it is not there, or others need it."""
    installed = installed_manifests(elements)
    if name not in installed:
        values = {"name": name, "nearest": nearest(name, installed)}
        return [Problem("", "package_not_installed", values)]
    if name in ALWAYS:
        return [Problem("", "package_required", {"name": name})]
    return [
        Problem(
            "", "needed_by_any", {"name": name, "dependent": manifest.name, "wanted": conditions}
        )
        for manifest, conditions in dependents(name, None, elements)
    ]


def with_requirements(
    packages: Sequence[Package],
    installed: Mapping[str, str],
    offers: Offers,
    read: Callable[[Path], Package],
) -> list[Package]:
    """Gives packages with the known ones that they need and that are missing, in an order in
    which they can be installed. What is known nowhere is left to the check.

    Raises PackageError when packages need each other in a circle.
    """
    given = {package.manifest.name: package for package in packages}
    ordered: dict[str, Package] = {}

    def visit(package: Package, path: tuple[str, ...]) -> None:
        name = package.manifest.name
        if name in ordered:
            return
        if name in path:
            circle = " → ".join((*path[path.index(name) :], name))
            problem = Problem(pointer(["requires"]), "requires_circle", {"circle": circle})
            raise PackageError([placed(MANIFEST, problem)])
        for needed, conditions in package.manifest.requires.items():
            found = given.get(needed)
            offer = fitting(needed, conditions, offers)
            if found is None and offer is not None and is_wanting(needed, conditions, installed):
                found = read(offer.folder)
            if found is not None:
                visit(found, (*path, name))
        ordered[name] = package

    for package in packages:
        visit(package, ())
    return list(ordered.values())


def is_wanting(name: str, conditions: str, installed: Mapping[str, str]) -> bool:
    """Says whether what is installed does not do."""
    return name not in installed or not satisfies(installed[name], conditions)


def older_than_installed(package: Package, installed: Mapping[str, str]) -> bool:
    """Says whether installing a package would go back to an older version of it."""
    there = installed.get(package.manifest.name)
    return there is not None and is_older(package.manifest.version, there)


def retired_packages(elements: Iterable[Element]) -> dict[str, str]:
    """Gives name → version of packages that were uninstalled and whose data is kept."""
    return {
        element.name: str(mapping(element.body).get("version"))
        for element in elements
        if is_retired_package(element)
    }
