"""An object's stored document, from the one in force and the one that is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from metadata.elements import Element
from metadata.json_text import mapping, pointer, text
from metadata.operations import Operation
from metadata.problems import Problem

Document = Mapping[str, object]
Guess = Callable[[str, Document], str | None]

#: What the store keeps among an object's or a field's `crm` keywords; authors need not write it.
KEPT = frozenset({"id", "column", "table", "retired"})

#: What an installation keeps in a stored manifest: digests of the parts as they were installed.
DIGESTS = "installed"


@dataclass(slots=True)
class Merged:
    """A document with all that the store keeps in it, and how it came about."""

    document: dict[str, object]
    operations: list[Operation] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def crm_of(document: Document) -> Mapping[str, object]:
    """Gives the `crm` part of an object or a property."""
    return mapping(document.get("crm"))


def is_retired(document: Document) -> bool:
    """Says whether an object or a property is out of use."""
    return crm_of(document).get("retired") is True


def with_crm(document: Document, **keywords: object) -> dict[str, object]:
    """Gives a document with other `crm` keywords; None takes one away."""
    crm = {**crm_of(document), **keywords}
    kept = {name: value for name, value in crm.items() if value is not None}
    return {**document, "crm": kept}


def as_written(document: Document) -> dict[str, object]:
    """Gives a document without what the store keeps in it."""
    crm = {name: value for name, value in crm_of(document).items() if name not in KEPT}
    rest = {name: value for name, value in document.items() if name != "crm"}
    return {**rest, "crm": crm} if crm else rest


def physical_table(element: Element) -> str:
    """Gives the name of an object's table."""
    return text(crm_of(element.body).get("table")) or f"o_{element.name}"


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """Gives a physical name that is not in use: the wanted one, else with a number."""
    used = set(taken)
    numbered = (f"{wanted}_{number}" for number in range(2, len(used) + 3))
    return next(name for name in (wanted, *numbered) if name not in used)


def new_document(element: Element, tables: Iterable[str]) -> Merged:
    """Gives the document of an object that is not there yet."""
    table = free_name(f"o_{element.name}", tables)
    document = with_crm(
        element.body, id=element.id, table=None if table == f"o_{element.name}" else table
    )
    merged = Merged(document)
    merged.operations.append(Operation("create_object", element.name, "", element.id))
    fields = settle_properties({}, element.body, element.name, Merged({}))
    merged.document["properties"] = fields
    return merged


def merge_document(before: Element, after: Element) -> Merged:
    """Gives the document of an object that is there, with everything it had."""
    table = physical_table(before)
    named = None if table == f"o_{after.name}" else table
    merged = Merged(with_crm(after.body, id=before.id, table=named))
    merged.operations.extend(object_operations(before, after))
    merged.document["properties"] = settle_properties(
        mapping(before.body.get("properties")), after.body, after.name, merged
    )
    return merged


def object_operations(before: Element, after: Element) -> Iterator[Operation]:
    """Gives what changes about an object besides its fields."""
    identity = (after.name, "", before.id)
    if is_retired(after.body) and not is_retired(before.body):
        yield Operation("retire_object", *identity)
    if is_retired(before.body) and not is_retired(after.body):
        yield Operation("restore_object", *identity)
    if before.name != after.name:
        yield Operation("rename_object", *identity, {"was": before.name})
    keys = changed_keys(without_properties(before.body), without_properties(after.body))
    if before.package != after.package:
        keys.append("package")
    if keys:
        yield Operation("change_object", *identity, {"keys": keys})


def without_properties(document: Document) -> dict[str, object]:
    """Gives an object's document as written, without its fields."""
    written = as_written(document)
    return {name: value for name, value in written.items() if name != "properties"}


def changed_keys(before: Document, after: Document) -> list[str]:
    """Gives the keywords whose values differ, those of `crm` by their own names."""
    left = {**crm_of(before), **{key: value for key, value in before.items() if key != "crm"}}
    right = {**crm_of(after), **{key: value for key, value in after.items() if key != "crm"}}
    return [key for key in {**left, **right} if left.get(key) != right.get(key)]


def settle_properties(
    before: Mapping[str, object], wanted: Document, object_name: str, merged: Merged
) -> dict[str, object]:
    """Gives an object's properties: each with id and column, and the retired ones at the end."""
    after = mapping(wanted.get("properties"))
    columns = {column_of(name, mapping(old)) for name, old in before.items()}
    was_named = match_properties(before, after)
    settled: dict[str, object] = {}
    for name, described in after.items():
        written, was = mapping(described), was_named.get(name)
        if was is None:
            column = free_name(name, columns)
            columns.add(column)
            settled[name] = new_property(object_name, name, written, column, merged)
        else:
            stored = (was, mapping(before[was]))
            settled[name] = kept_property(object_name, stored, (name, written), merged)
    for name in before.keys() - set(was_named.values()):
        if name in settled:
            values = {"object": object_name, "name": name}
            merged.problems.append(Problem(place_of(name), "retired_name_taken", values))
    for name, old in before.items():
        if name not in settled and name not in was_named.values():
            settled[name] = retired_property(object_name, name, mapping(old), merged)
    return settled


def match_properties(before: Mapping[str, object], after: Mapping[str, object]) -> dict[str, str]:
    """Gives for wanted properties the names they have had until now.

    They are known by id, then by name, then by what they say themselves (`renamed_from`).
    """
    ids = {text(crm_of(mapping(old)).get("id")): name for name, old in before.items()}
    matched: dict[str, str] = {}
    guesses: tuple[Guess, ...] = (
        lambda name, written: ids.get(text(crm_of(written).get("id")) or ""),
        lambda name, written: name,
        lambda name, written: text(crm_of(written).get("renamed_from")),
    )
    for guess in guesses:
        taken = set(matched.values())
        for name, described in after.items():
            was = guess(name, mapping(described))
            if name not in matched and was is not None and was in before and was not in taken:
                matched[name] = was
    return matched


def column_of(name: str, document: Document) -> str:
    """Gives the physical name of a stored property."""
    return text(crm_of(document).get("column")) or name


def place_of(name: str) -> str:
    """Gives where a property stands in its document."""
    return pointer(("properties", name))


def new_property(
    object_name: str, name: str, written: Document, column: str, merged: Merged
) -> dict[str, object]:
    """Gives a property that is not there yet, with an id and its column."""
    identity = str(uuid4())
    merged.operations.append(Operation("add_field", object_name, name, identity))
    return with_crm(written, id=identity, column=column)


def kept_property(
    object_name: str, before: tuple[str, Document], after: tuple[str, Document], merged: Merged
) -> dict[str, object]:
    """Gives a property that was there, with its id and column, whatever its name is now."""
    (was, old), (name, written) = before, after
    identity = text(crm_of(old).get("id")) or str(uuid4())
    operation = (object_name, name, identity)
    if is_retired(written) and not is_retired(old):
        merged.operations.append(Operation("retire_field", *operation))
    if is_retired(old) and not is_retired(written):
        merged.operations.append(Operation("restore_field", *operation))
    if was != name:
        merged.operations.append(Operation("rename_field", *operation, {"was": was}))
    keys = changed_keys(as_written(old), as_written(written))
    if keys:
        merged.operations.append(Operation("change_field", *operation, {"keys": keys}))
    return with_crm(written, id=identity, column=column_of(was, old))


def retired_property(
    object_name: str, name: str, old: Document, merged: Merged
) -> dict[str, object]:
    """Gives a property that is no longer wanted: out of use, its column and data kept."""
    if not is_retired(old):
        identity = text(crm_of(old).get("id")) or ""
        merged.operations.append(Operation("retire_field", object_name, name, identity))
    return with_crm(old, retired=True)
