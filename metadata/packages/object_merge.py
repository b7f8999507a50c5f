"""Merging one object, or what a package adds to another's: header and fields, part by part."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from metadata.elements import LOCAL
from metadata.json_text import mapping, strings, text
from metadata.packages.naming import Sides, align, renamed
from metadata.packages.three_way import ABSENT, Merge
from metadata.stored import Document, as_written, crm_of, is_retired, with_crm

PROPERTIES = "properties"
REQUIRED = "required"
ADDED_KEYS = (PROPERTIES, REQUIRED)
"""What a package can add to another's object."""


@dataclass(frozen=True, slots=True)
class Share:
    """What of an object is a package's business: its fields, and local ones among them.

    `stored` is the object in force, None when it is not there; `owner` whose object it is. With
    `added` only the fields that the package adds to it are looked at, not the rest of it.
    """

    package: str
    owner: str
    stored: Document | None
    added: bool = False

    def owner_of(self, described: object) -> str:
        """Gives the package that a stored field belongs to."""
        return text(crm_of(mapping(described)).get("package")) or self.owner

    def is_shared(self, name: str, described: object, known: Collection[str]) -> bool:
        """Says whether a stored field takes part: the package's own in use, and local ones in its
        object or under a name that the package uses too."""
        owner = self.owner_of(described)
        if is_retired(mapping(described)):
            return False
        is_local = owner == LOCAL and (not self.added or name in known)
        return owner == self.package or is_local

    def ours(self, known: Collection[str]) -> dict[str, object]:
        """Gives the object as its author would write it, with the fields that take part."""
        body = self.stored or {}
        fields = {
            name: as_field(mapping(one), is_ours=name in known or self.owner_of(one) != LOCAL)
            for name, one in mapping(body.get(PROPERTIES)).items()
            if self.is_shared(name, one, known)
        }
        return whole(self.head(), fields, demanded(body, fields))

    def head(self) -> dict[str, object]:
        """Gives the object without fields, as an author would write it."""
        return {} if self.added else without_fields(as_written(self.stored or {}))


def as_field(described: Document, *, is_ours: bool) -> dict[str, object]:
    """Gives a field as its author wrote it; one that stays local says so."""
    return as_written(with_crm(described, package=None if is_ours else LOCAL))


def without_fields(body: Document) -> dict[str, object]:
    """Gives an object's document without its fields."""
    return {key: value for key, value in body.items() if key not in ADDED_KEYS}


def demanded(body: Document, fields: Collection[str]) -> list[str]:
    """Gives the required fields among some."""
    return [name for name in strings(body.get(REQUIRED)) if name in fields]


def whole(head: Document, fields: Document, required: Collection[str]) -> dict[str, object]:
    """Gives an object's document."""
    body = {**head, PROPERTIES: dict(fields)}
    return {**body, REQUIRED: list(required)} if required else body


def written_object(body: Document, *, added: bool = False) -> dict[str, object]:
    """Gives an object of a file in the form in which it is compared with a stored one."""
    fields = {name: as_written(mapping(one)) for name, one in fields_of(body).items()}
    head = {} if added else without_fields(as_written(body))
    return whole(head, fields, demanded(body, fields))


def fields_of(body: Document) -> Mapping[str, object]:
    """Gives an object's fields."""
    return mapping(body.get(PROPERTIES))


def merge_object(
    merge: Merge, share: Share, base: Document | None, theirs: Document | None
) -> dict[str, object] | None:
    """Gives an object's document with a package's new version in it; None when it is gone.

    Fields of others stay as and where they are; ids stay with what they belong to.
    """
    was, new = (
        None if side is None else written_object(side, added=share.added) for side in (base, theirs)
    )
    known = {*fields_of(was or {}), *fields_of(new or {})}
    ours = share.ours(known) if share.stored is not None else None
    names = align(field_names(share, was, new, known), merge, (PROPERTIES,))
    merged = merge.merge(
        with_names(was, names.base), with_names(ours, names.ours), with_names(new, names.theirs)
    )
    if not isinstance(merged, Mapping):
        return None
    return restored(share, merged, names.ours, known)


def field_names(
    share: Share, base: Document | None, theirs: Document | None, known: Collection[str]
) -> Sides:
    """Gives what tells which fields were renamed."""
    stored = mapping((share.stored or {}).get(PROPERTIES))
    mine = {
        name: text(crm_of(mapping(one)).get("column")) or name
        for name, one in stored.items()
        if share.owner_of(one) == share.package and not is_retired(mapping(one))
    }
    return Sides(former_names(base), mine, former_names(theirs), frozenset(stored.keys() - mine))


def former_names(body: Document | None) -> dict[str, str]:
    """Gives each field with the name that it says it had."""
    return {
        name: text(crm_of(mapping(one)).get("renamed_from")) or ""
        for name, one in fields_of(body or {}).items()
    }


def with_names(body: Document | None, names: Mapping[str, str]) -> object:
    """Gives an object with fields under their merged names; ABSENT for none."""
    if body is None or not names:
        return ABSENT if body is None else dict(body)
    required = [names.get(name, name) for name in strings(body.get(REQUIRED))]
    return whole(without_fields(body), renamed(fields_of(body), names), required)


def restored(
    share: Share, merged: Document, names: Mapping[str, str], known: Collection[str]
) -> dict[str, object]:
    """Gives a merged object with what did not take part: others' fields, ids, marks of owners."""
    stored = mapping((share.stored or {}).get(PROPERTIES))
    fields = {
        name: marked(share, mapping(one), origin(stored, name, names))
        for name, one in fields_of(merged).items()
    }
    others = {
        name: one
        for name, one in stored.items()
        if name not in fields and not share.is_shared(name, one, known)
        if share.owner_of(one) != share.package
    }
    wanted = {*strings(merged.get(REQUIRED)), *demanded(share.stored or {}, others)}
    before = strings((share.stored or {}).get(REQUIRED))
    required = [
        name for name in dict.fromkeys((*before, *strings(merged.get(REQUIRED)))) if name in wanted
    ]
    if not share.added:
        return whole(without_fields(merged), {**fields, **others}, required)
    body = {**(share.stored or {}), PROPERTIES: in_place(stored, fields, others, names)}
    rest = {key: value for key, value in body.items() if key != REQUIRED}
    return {**body, REQUIRED: required} if required else rest


def origin(stored: Document, name: str, names: Mapping[str, str]) -> Document:
    """Gives the stored field that a merged one continues."""
    was = next((old for old, new in names.items() if new == name), name)
    return mapping(stored.get(was))


def marked(share: Share, field: Document, stored: Document) -> dict[str, object]:
    """Gives a merged field with the id it had and, in another's object, with its owner."""
    owner = text(crm_of(field).get("package")) or (share.package if share.added else None)
    return with_crm(field, package=owner, id=crm_of(stored).get("id"))


def in_place(
    stored: Document, fields: Document, others: Document, names: Mapping[str, str]
) -> dict[str, object]:
    """Gives another's object's fields in the order they had, new ones at the end."""
    kept: dict[str, object] = {}
    for name in stored:
        now = names.get(name, name)
        if now in fields:
            kept[now] = fields[now]
        elif name in others:
            kept[name] = others[name]
    return {**kept, **{name: one for name, one in fields.items() if name not in kept}}
