"""Taking a package out of use, and bringing it back with everything that was made of it.

Its objects and the fields it added are retired: hidden, with their data. Its other elements, and
local views and layouts of its objects, are taken away and kept in its manifest; so are the parts
of translations and roles that name what goes. Nothing else is changed for it: what still mentions
the package stands in the way and is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from metadata.elements import LOCAL, Element, by_key
from metadata.json_text import mapping, sequence, strings, text
from metadata.stored import DIGESTS, Document, crm_of, is_retired, with_crm

KEPT = "kept"
PRUNED = frozenset({"translations", "role"})
"""Kinds out of which what names a retired object or field is taken."""
OF_OBJECTS = frozenset({"view", "layout"})


@dataclass(frozen=True, slots=True)
class Removal:
    """The definitions without a package. `objects` and `fields` (`object.field`) go out of use;
    `removed` are elements that are taken away, `pruned` those that lose what names them."""

    elements: tuple[Element, ...]
    objects: tuple[str, ...]
    fields: tuple[str, ...]
    removed: tuple[Element, ...]
    pruned: tuple[Element, ...]


def without_package(current: Sequence[Element], name: str) -> Removal:
    """Gives the definitions as they would be without a package; its manifest stays, retired."""
    objects = [one for one in current if one.kind == "object" and one.package == name]
    own = {one.name for one in objects if not is_retired(one.body)}
    added = {
        one.name: mine
        for one in current
        if one.kind == "object" and one.package != name
        if (mine := added_fields(one, name))
    }
    removed = [one for one in current if goes(one, name, own)]
    gone = {one.key for one in removed}
    kept: list[Element] = []
    pruned: list[tuple[Element, Element]] = []
    for one in current:
        if one.key in gone or one.key == ("package", name):
            continue
        if one.name in own and one.kind == "object":
            kept.append(replace(one, body=with_crm(one.body, retired=True)))
        elif one.kind == "object":
            kept.append(retire_fields(one, added.get(one.name, ())))
        elif one.kind in PRUNED and (less := prune(one, own, added)) != one:
            kept.append(less)
            pruned.append((one, less))
        else:
            kept.append(one)
    manifest = by_key(current)["package", name]
    state = kept_state(removed, own, added, pruned, by_key(current))
    installed = {**mapping(manifest.body.get(DIGESTS)), KEPT: state}
    body = {**manifest.body, DIGESTS: installed, "retired": True}
    return Removal(
        (*kept, replace(manifest, body=body)),
        tuple(sorted(own)),
        tuple(f"{target}.{field}" for target, names in added.items() for field in names),
        tuple(removed),
        tuple(one for one, _ in pruned),
    )


def goes(element: Element, name: str, objects: set[str]) -> bool:
    """Says whether an element is taken away with a package."""
    if element.kind in {"object", "package"}:
        return False
    on_its_object = element.kind in OF_OBJECTS and element.name.partition("/")[0] in objects
    return element.package == name or (on_its_object and element.package == LOCAL)


def added_fields(element: Element, name: str) -> list[str]:
    """Gives the fields in use that a package added to another's object."""
    return [
        field
        for field, one in mapping(element.body.get("properties")).items()
        if crm_of(mapping(one)).get("package") == name and not is_retired(mapping(one))
    ]


def retire_fields(element: Element, names: Iterable[str]) -> Element:
    """Gives an object with some fields out of use."""
    retired = set(names)
    if not retired:
        return element
    return replace(element, body=with_fields(element.body, retired, retired=True))


def with_fields(body: Document, names: set[str], *, retired: bool | None) -> dict[str, object]:
    """Gives an object's document with some fields out of use or back in use."""
    fields = {
        name: with_crm(mapping(one), retired=retired) if name in names else one
        for name, one in mapping(body.get("properties")).items()
    }
    required = [name for name in strings(body.get("required")) if name not in names]
    rest = {key: value for key, value in body.items() if key != "required"}
    made = {**rest, "properties": fields}
    return {**made, "required": required} if required else made


def prune(element: Element, objects: set[str], fields: Mapping[str, Sequence[str]]) -> Element:
    """Gives a translation or a role without what names retired objects or fields."""
    body = dict(element.body)
    for part in ("objects", "views", "layouts", "grants"):
        entries = mapping(body.get(part))
        if entries:
            body[part] = {
                target: prune_fields(mapping(entry), fields.get(target, ()))
                for target, entry in entries.items()
                if target not in objects
            }
    return replace(element, body=body)


def prune_fields(entry: Document, fields: Sequence[str]) -> Document:
    """Gives what is said of one object without some fields."""
    named = mapping(entry.get("fields"))
    if not any(field in named for field in fields):
        return entry
    return {**entry, "fields": {name: one for name, one in named.items() if name not in fields}}


def kept_state(
    removed: Sequence[Element],
    objects: Iterable[str],
    fields: Mapping[str, Sequence[str]],
    pruned: Sequence[tuple[Element, Element]],
    stored: Mapping[tuple[str, str], Element],
) -> dict[str, object]:
    """Gives what brings everything back, as it stands in the manifest."""
    required = {
        target: [
            name for name in strings(stored["object", target].body.get("required")) if name in names
        ]
        for target, names in fields.items()
    }
    return {
        "elements": [
            {"id": e.id, "kind": e.kind, "name": e.name, "package": e.package, "body": e.body}
            for e in removed
        ],
        "objects": sorted(objects),
        "fields": {target: list(names) for target, names in fields.items()},
        "required": {target: names for target, names in required.items() if names},
        "pruned": [
            {"kind": one.kind, "name": one.name, "body": missing(one.body, less.body)}
            for one, less in pruned
        ],
    }


def missing(whole: Document, less: Document) -> dict[str, object]:
    """Gives what a document has lost: objects key by key."""
    lost: dict[str, object] = {}
    for key, value in whole.items():
        if key not in less:
            lost[key] = value
        elif isinstance(value, Mapping) and value != less[key]:
            lost[key] = missing(value, mapping(less[key]))
    return lost


def purged(current: Sequence[Element], name: str) -> tuple[set[str], dict[str, set[str]]]:
    """Gives the objects of an uninstalled package that were purged since, and by object the fields
    it had added; a package that comes back brings these anew."""
    manifest = by_key(current).get(("package", name))
    if manifest is None or manifest.body.get("retired") is not True:
        return set(), {}
    kept = mapping(mapping(manifest.body.get(DIGESTS)).get(KEPT))
    there = {
        one.name: set(mapping(one.body.get("properties")))
        for one in current
        if one.kind == "object"
    }
    fields = {
        target: set(strings(names)) - there.get(target, set())
        for target, names in mapping(kept.get("fields")).items()
    }
    return set(strings(kept.get("objects"))) - there.keys(), fields


def revived(current: Sequence[Element], name: str) -> Iterator[Element]:
    """Gives the definitions with an uninstalled package back as it was; others pass unchanged."""
    manifest = by_key(current).get(("package", name))
    if manifest is None or manifest.body.get("retired") is not True:
        yield from current
        return
    kept = mapping(mapping(manifest.body.get(DIGESTS)).get(KEPT))
    objects, fields = set(strings(kept.get("objects"))), mapping(kept.get("fields"))
    required = mapping(kept.get("required"))
    lost = {
        (str(mapping(one).get("kind")), str(mapping(one).get("name"))): mapping(one).get("body")
        for one in sequence(kept.get("pruned"))
    }
    for one in current:
        if one.kind != "object":
            back = mapping(lost.get(one.key))
            yield replace(one, body=filled(one.body, back)) if back else one
        elif one.name in objects:
            yield replace(one, body=with_crm(one.body, retired=None))
        else:
            wanted = set(strings(fields.get(one.name)))
            yield revive_fields(one, wanted, strings(required.get(one.name)), name)
    there = by_key(current)
    yield from (one for one in kept_elements(kept) if one.key not in there)


def kept_elements(kept: Document) -> Iterator[Element]:
    """Gives the elements that an uninstalled package's manifest keeps."""
    for entry in map(mapping, sequence(kept.get("elements"))):
        yield Element(
            str(entry["id"]),
            str(entry["kind"]),
            str(entry["name"]),
            str(entry["package"]),
            mapping(entry["body"]),
        )


def displaced(current: Sequence[Element], name: str) -> Iterator[Element]:
    """Gives the elements that an uninstalled package cannot bring back, since others were made
    under their names meanwhile."""
    there = by_key(current)
    manifest = there.get(("package", name))
    if manifest is None or manifest.body.get("retired") is not True:
        return
    kept = mapping(mapping(manifest.body.get(DIGESTS)).get(KEPT))
    for one in kept_elements(kept):
        if one.key in there and there[one.key].body != one.body:
            yield one


def revive_fields(
    element: Element, names: set[str], required: Sequence[str], package: str
) -> Element:
    """Gives another's object with a package's fields back in use."""
    there = mapping(element.body.get("properties"))
    back = {
        name
        for name in names
        if name in there and text(crm_of(mapping(there[name])).get("package")) == package
    }
    if not back:
        return element
    demanded = [*strings(element.body.get("required")), *(n for n in required if n in back)]
    body = with_fields(element.body, back, retired=None)
    return replace(element, body={**body, "required": demanded} if demanded else body)


def filled(document: Document, lost: Document) -> dict[str, object]:
    """Gives a document with what it had lost, where nothing took its place."""
    merged = dict(document)
    for key, value in lost.items():
        if key not in merged:
            merged[key] = value
        elif isinstance(value, Mapping) and isinstance(merged[key], Mapping):
            merged[key] = filled(mapping(merged[key]), value)
    return merged
