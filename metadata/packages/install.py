"""Installing a package: its elements become part of the definitions in force.

An upgrade compares two ways, with a digest of what was installed last: what nobody touched since
becomes the package's new version, what somebody edited stays as edited and is listed in `kept`.
Fields and elements of others are never touched.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

import sqlalchemy as sa

from metadata.catalog import build_catalog
from metadata.elements import Element, by_key
from metadata.json_text import mapping, strings, text
from metadata.merge import DIGESTS, Document, as_written, crm_of, is_retired, with_crm
from metadata.migrate import publish
from metadata.packages.check import check_package
from metadata.packages.read import Package
from metadata.problems import PackageError
from metadata.store import load_elements

DIGEST_CHARACTERS: Final = 16


@dataclass(frozen=True, slots=True)
class Installation:
    """The definitions with a package in them. `kept` names what was edited and stays so."""

    elements: tuple[Element, ...]
    kept: tuple[str, ...]


def install(
    connection: sa.Connection, package: Package, *, by: str, confirm: Collection[str] = ()
) -> int:
    """Installs or upgrades a package and gives the version then in force.

    The same package again changes nothing. Raises PackageError with everything that is wrong with
    the package, and what `publish` raises: an upgrade that retires fields wants confirmation.
    """
    current = load_elements(connection)
    problems = check_package(package, build_catalog(0, current))
    if problems:
        raise PackageError(problems)
    manifest = package.manifest
    wanted = prepare(package, current).elements
    message = f"{manifest.name} {manifest.version}"
    return publish(connection, wanted, by=by, message=message, confirm=confirm)


def prepare(package: Package, current: Sequence[Element]) -> Installation:
    """Gives the definitions as they would be with the package in its new version."""
    name = package.manifest.name
    stored = by_key(current)
    upgrade = Upgrade(name, installed_digests(stored.get(("package", name))))
    ours = [upgrade.settle(element, stored) for element in package.elements if is_content(element)]
    taken = {element.id for element in ours}
    others = [
        upgrade.extend(element, package.extensions.get(element.name, {}))
        for element in current
        if is_content(element) or element.name != name
        if element.id not in taken and (element.package != name or upgrade.edited(element))
    ]
    manifest = Element("", "package", name, name, with_digests(package))
    return Installation((*others, *ours, manifest), tuple(dict.fromkeys(upgrade.kept)))


def is_content(element: Element) -> bool:
    """Says whether an element is anything but a package's manifest."""
    return element.kind != "package"


class Upgrade:
    """Decides for each part whether the package's version or the edited one stays.

    `before` holds digests of the parts as they were installed last.
    """

    def __init__(self, package: str, before: Mapping[str, object]) -> None:
        self.package = package
        self.before = before
        self.kept: list[str] = []

    def settle(self, wanted: Element, stored: Mapping[tuple[str, str], Element]) -> Element:
        """Gives an element of the package: new, upgraded, or as it was edited."""
        was = text(crm_of(wanted.body).get("renamed_from"))
        there = stored.get(wanted.key) or stored.get((wanted.kind, was or ""))
        if there is None:
            return wanted
        if wanted.kind == "object":
            body = self.object_body(wanted, there)
            return replace(wanted, id=there.id, body=body)
        return there if self.edited(there) else replace(wanted, id=there.id)

    def edited(self, stored: Element) -> bool:
        """Says whether an element other than an object was edited since, and notes it."""
        place = place_of(stored)
        return stored.kind != "object" and self.changed(place, stored.body)

    def changed(self, place: str, document: Document) -> bool:
        """Says whether a part is not what was installed there, and notes it."""
        was = self.before.get(place)
        if was is None or (was == digest(document) and not is_retired(document)):
            return False
        self.kept.append(place)
        return True

    def object_body(self, wanted: Element, stored: Element) -> dict[str, object]:
        """Gives an object's document: header and each field decided by itself, others' kept."""
        place = place_of(wanted)
        head, old_head = header(wanted.body, self.package), header(stored.body, self.package)
        properties = mapping(stored.body.get("properties"))
        foreign = {name: one for name, one in properties.items() if not self.owns(mapping(one))}
        if self.changed(place_of(stored), old_head):
            head = old_head
        required = [*strings(head.get("required")), *required_among(stored.body, foreign)]
        ours = self.properties(place, mapping(wanted.body.get("properties")), properties)
        body = {**head, "properties": {**ours, **foreign}}
        return {**body, "required": required} if required else body

    def extend(self, element: Element, extension: Document) -> Element:
        """Gives another's object with the fields that the package adds to it now."""
        stored = mapping(element.body.get("properties"))
        added = mapping(extension.get("properties"))
        mine = {
            name
            for name, one in stored.items()
            if crm_of(mapping(one)).get("package") == self.package
        }
        if element.kind != "object" or not (added or mine):
            return element
        kept = {name: one for name, one in stored.items() if name not in mine}
        ours = self.properties(place_of(element), added, stored)
        marked = {name: with_crm(mapping(one), package=self.package) for name, one in ours.items()}
        own = [name for name in strings(element.body.get("required")) if name not in mine]
        required = [*own, *strings(extension.get("required"))]
        body = {**element.body, "properties": {**kept, **marked}, "required": required}
        return replace(element, body=body if required else without(body, "required"))

    def properties(self, place: str, wanted: Document, stored: Document) -> dict[str, object]:
        """Gives the package's fields of one object, each upgraded or as it was edited."""
        settled: dict[str, object] = {}
        for name, described in wanted.items():
            was = text(crm_of(mapping(described)).get("renamed_from")) or ""
            old = name if name in stored else was
            edited = old in stored and self.changed(f"{place}.{old}", mapping(stored[old]))
            settled[name] = stored[old] if edited else described
        return settled

    def owns(self, document: Document) -> bool:
        """Says whether a field of the package's own object is the package's."""
        return crm_of(document).get("package") in {None, self.package}


def place_of(element: Element) -> str:
    """Gives the name of an element among digests, as in `view/lead/mine`."""
    return f"{element.kind}/{element.name}"


def header(document: Document, package: str) -> dict[str, object]:
    """Gives an object's document without its fields, and demands only of the package's own."""
    properties = mapping(document.get("properties"))
    own = {
        name: one
        for name, one in properties.items()
        if crm_of(mapping(one)).get("package") in {None, package}
    }
    head = without(document, "properties", "required")
    required = required_among(document, own)
    return {**head, "required": required} if required else head


def required_among(document: Document, properties: Document) -> list[str]:
    """Gives the required fields that are among some properties."""
    return [name for name in strings(document.get("required")) if name in properties]


def without(document: Document, *keys: str) -> dict[str, object]:
    """Gives a document without some keys."""
    return {key: value for key, value in document.items() if key not in keys}


def digest(document: Document) -> str:
    """Gives what two documents share when an author would write them alike."""
    bare = as_written(with_crm(document, package=None))
    return sha256(json.dumps(bare, sort_keys=True).encode()).hexdigest()[:DIGEST_CHARACTERS]


def with_digests(package: Package) -> dict[str, object]:
    """Gives the manifest together with the digests of everything that is installed."""
    found: dict[str, str] = {}
    for element in filter(is_content, package.elements):
        place = place_of(element)
        if element.kind == "object":
            found[place] = digest(header(element.body, element.package))
            found |= property_digests(place, element.body)
        else:
            found[place] = digest(element.body)
    for target, extension in package.extensions.items():
        found |= property_digests(f"object/{target}", extension)
    return {**package.manifest.document, DIGESTS: found}


def property_digests(place: str, document: Document) -> dict[str, str]:
    """Gives the digests of an object's fields."""
    properties = mapping(document.get("properties"))
    return {f"{place}.{name}": digest(mapping(one)) for name, one in properties.items()}


def installed_digests(stored: Element | None) -> Mapping[str, object]:
    """Gives the digests of what was installed last; nothing for a new package."""
    return mapping(stored.body.get(DIGESTS)) if stored is not None else {}
