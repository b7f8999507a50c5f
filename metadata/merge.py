"""An object's stored document, from the one in force and the one that is wanted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from metadata.changes.properties import Merged, settle_properties
from metadata.changes.storage import NOTHING
from metadata.elements import Element
from metadata.json_text import mapping
from metadata.operations import Operation
from metadata.stored import (
    Document,
    as_written,
    changed_keys,
    crm_of,
    free_name,
    is_retired,
    physical_table,
    with_crm,
)


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


def merge_document(before: Element, after: Element, former: Mapping[str, str] = NOTHING) -> Merged:
    """Gives the document of an object that is there, with everything it had.

    `former` are the names that objects had until now, by those of now.
    """
    table = physical_table(before)
    named = None if table == f"o_{after.name}" else table
    # Whoever had record types keeps the column that says which: without types it is retired.
    had_types = "record_types" in crm_of(before.body)
    types = crm_of(after.body).get("record_types", {} if had_types else None)
    merged = Merged(with_crm(after.body, id=before.id, table=named, record_types=types))
    merged.operations.extend(object_operations(before, after))
    merged.document["properties"] = settle_properties(
        mapping(before.body.get("properties")), after.body, after.name, merged, former
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
