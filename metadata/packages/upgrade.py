"""Merging a package's new version with what was made of the installed one, element by element.

What somebody changed here stays; what the new version changes comes in; what both changed is a
conflict, with ours kept unless somebody chose otherwise. What the new version leaves out and
somebody changed stays too, and is local from then on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from metadata.elements import LOCAL, TESTS, Element, by_key
from metadata.json_text import text
from metadata.packages.files import FILES, digests_of
from metadata.packages.naming import Names, Sides, align
from metadata.packages.object_merge import PROPERTIES, Share, fields_of, merge_object
from metadata.packages.places import element_file, extension_file
from metadata.packages.read import Package
from metadata.packages.rule_texts import joined, statements_of
from metadata.packages.three_way import ABSENT, Conflict, Merge
from metadata.packages.uninstall import purged, revived
from metadata.stored import DIGESTS, Document, crm_of, is_retired, physical_table, with_crm

Key = tuple[str, str]

OF_OBJECTS = frozenset({"view", "layout"})
"""Kinds whose names begin with an object's."""


@dataclass(frozen=True, slots=True)
class Installation:
    """The definitions with a package in them.

    `edits` are the places of local changes that stay, `conflicts` those that the new version
    changes too.
    """

    elements: tuple[Element, ...]
    conflicts: tuple[Conflict, ...] = ()
    edits: tuple[str, ...] = ()


def prepare(
    package: Package,
    current: Sequence[Element],
    base: Package | None = None,
    resolutions: Mapping[str, str] | None = None,
) -> Installation:
    """Gives the definitions as they would be with the package in its new version.

    `base` is the package as it was installed last, `resolutions` maps places of conflicts to
    "ours" or "theirs".
    """
    name = package.manifest.name
    base = still_there(base, current, name) if base is not None else None
    upgrade = Upgrade(package, base, tuple(revived(current, name)), dict(resolutions or {}))
    elements = [*upgrade.own_elements(), *upgrade.others()]
    there = by_key(current).get(("package", name))
    manifest = Element(there.id if there else "", "package", name, name, stored_manifest(package))
    merges = upgrade.merges
    return Installation(
        (*elements, manifest),
        tuple(conflict for merge in merges for conflict in merge.conflicts),
        tuple(place for merge in merges for place in merge.edits),
    )


def still_there(base: Package, current: Sequence[Element], name: str) -> Package:
    """Gives the base without what was purged while the package was uninstalled."""
    objects, fields = purged(current, name)
    extensions = {
        target: {
            **extension,
            PROPERTIES: {
                field: one
                for field, one in fields_of(extension).items()
                if field not in fields.get(target, ())
            },
        }
        for target, extension in base.extensions.items()
    }
    elements = tuple(e for e in base.elements if e.kind != "object" or e.name not in objects)
    return replace(base, elements=elements, extensions=extensions)


def stored_manifest(package: Package) -> dict[str, object]:
    """Gives the manifest together with the digests of the files that are installed, and that tests
    are among them: earlier versions of Trellis left these out."""
    installed = {FILES: digests_of(package.files), TESTS: True}
    return {**package.manifest.document, DIGESTS: installed}


@dataclass(slots=True)
class Upgrade:
    """A package's new version on its way into the definitions in force."""

    package: Package
    base: Package | None
    current: tuple[Element, ...]
    choices: Mapping[str, str]
    merges: list[Merge] = field(default_factory=list)
    handled: set[Key] = field(default_factory=set)

    @property
    def name(self) -> str:
        """Gives the package's name."""
        return self.package.manifest.name

    def merge_of(self, file: str) -> Merge:
        """Begins to merge one file."""
        merge = Merge(file, self.choices)
        self.merges.append(merge)
        return merge

    def own_elements(self) -> Iterator[Element]:
        """Gives the package's elements, merged with what was made of them."""
        names = self.object_names()
        was = keyed(self.base.elements if self.base else (), names.base)
        new = keyed(self.package.elements, names.theirs)
        ours = {
            element_key(element, names.ours): element
            for element in self.current
            if element.kind != "package" and element.package in {self.name, LOCAL}
        }
        mine = [key for key, element in ours.items() if element.package == self.name]
        for key in dict.fromkeys((*new, *was, *mine)):
            there = ours.get(key)
            if there is not None:
                self.handled.add(there.key)
                if key not in new and is_retired(there.body):
                    yield there
                    continue
            body = self.merged(key, was.get(key), there, new.get(key))
            if body is not None:
                owner = self.name if key in new else LOCAL
                yield Element(there.id if there else "", *key, owner, body)

    def merged(
        self, key: Key, was: Element | None, there: Element | None, new: Element | None
    ) -> Document | None:
        """Gives an element's merged document; None when it is gone."""
        kind, name = key
        place = self.package.places.get(new.key) if new is not None else None
        merge = self.merge_of(place or element_file(kind, name))
        base, ours, theirs = (None if one is None else one.body for one in (was, there, new))
        if kind == "object":
            return self.merged_object(merge, base, there, theirs)
        found = merge.merge(*parts_of(kind, base, ours, theirs))
        return body_of(kind, found) if isinstance(found, Mapping) else None

    def merged_object(
        self,
        merge: Merge,
        base: Document | None,
        there: Element | None,
        theirs: Document | None,
    ) -> Document | None:
        """Gives an object's merged document; one that was taken out of use here stays so."""
        owner = there.package if there else self.name
        stored = there.body if there is not None else None
        if stored is not None and is_retired(stored):
            if base is not None and merge.merge(base, ABSENT, theirs or ABSENT) is ABSENT:
                return stored
            stored = with_crm(stored, retired=None)
            merge = Merge(merge.file)
        return merge_object(merge, Share(self.name, owner, stored), base, theirs)

    def others(self) -> Iterator[Element]:
        """Gives all other elements, objects with what the package adds to them."""
        for element in self.current:
            if element.key in self.handled or element.key == ("package", self.name):
                continue
            yield self.extended(element) if element.kind == "object" else element

    def extended(self, element: Element) -> Element:
        """Gives another's object with the fields that the package adds to it now."""
        base = self.base.extensions.get(element.name) if self.base else None
        theirs = self.package.extensions.get(element.name)
        share = Share(self.name, element.package, element.body, added=True)
        mine = any(share.owner_of(one) == self.name for one in fields_of(element.body).values())
        if base is None and theirs is None and not mine:
            return element
        merge = self.merge_of(extension_file(element.name))
        body = merge_object(merge, share, base or {}, theirs or {})
        return replace(element, body=body) if body is not None else element

    def object_names(self) -> Names:
        """Finds which objects were renamed, here or by the new version."""
        ours = {
            element.name: physical_table(element).removeprefix("o_")
            for element in self.current
            if element.kind == "object" and element.package == self.name
        }
        others = {e.name for e in self.current if e.kind == "object"} - ours.keys()
        base = former_objects(self.base.elements if self.base else ())
        sides = Sides(base, ours, former_objects(self.package.elements), frozenset(others))
        names = align(sides, merge := Merge("objects", self.choices), ())
        self.merges.append(merge)
        return names


def former_objects(elements: Iterable[Element]) -> dict[str, str]:
    """Gives each object with the name that it says it had."""
    return {
        element.name: text(crm_of(element.body).get("renamed_from")) or ""
        for element in elements
        if element.kind == "object"
    }


def keyed(elements: Iterable[Element], names: Mapping[str, str]) -> dict[Key, Element]:
    """Gives a package's elements by kind and merged name, without its manifest."""
    return {
        element_key(element, names): element for element in elements if element.kind != "package"
    }


def element_key(element: Element, names: Mapping[str, str]) -> Key:
    """Gives kind and merged name; those of views and layouts follow their objects'."""
    if element.kind == "object":
        return element.kind, names.get(element.name, element.name)
    if element.kind in OF_OBJECTS:
        target, _, own = element.name.partition("/")
        return element.kind, f"{names.get(target, target)}/{own}"
    return element.key


def parts_of(
    kind: str, base: Document | None, ours: Document | None, theirs: Document | None
) -> tuple[object, object, object]:
    """Gives documents as they are merged: rule texts by their statements, if all have them."""
    if kind == "rules":
        sides = [in_statements(side) for side in (base, ours, theirs)]
        if None not in sides:
            return sides[0], sides[1], sides[2]
    return or_absent(base), or_absent(ours), or_absent(theirs)


def in_statements(side: Document | None) -> object:
    """Gives a rule text by its statements; None when it does not come apart."""
    return ABSENT if side is None else statements_of(text(side.get("text")) or "")


def or_absent(side: Document | None) -> object:
    """Gives a document, or what stands for none."""
    return ABSENT if side is None else side


def body_of(kind: str, merged: Document) -> Document:
    """Gives the document of merged parts."""
    return {"text": joined(merged)} if kind == "rules" and "text" not in merged else merged
