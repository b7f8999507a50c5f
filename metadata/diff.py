"""What changes between two states of the definitions, as operations by stable element ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from metadata.checks import check_elements
from metadata.ddl import columns_of, table_for
from metadata.elements import Element, by_key
from metadata.fields.base import FieldDefinition
from metadata.json_text import text
from metadata.merge import (
    DIGESTS,
    crm_of,
    is_retired,
    merge_document,
    new_document,
    physical_table,
    with_crm,
)
from metadata.objects import ObjectDefinition
from metadata.operations import Operation
from metadata.parse import parse_object
from metadata.problems import Problem

FOLDERS = {
    **{"package": "packages", "object": "objects", "role": "roles", "view": "views"},
    **{"layout": "layouts", "rules": "rules", "translations": "translations"},
}
"""Where elements of a kind stand in a problem's path."""

Pair = tuple[Element | None, Element]


@dataclass(frozen=True, slots=True)
class Plan:
    """What publishing would do.

    `elements` is the new state, complete: with ids, physical names and what was retired.
    `destructive` lists what goes out of use, as `object` or `object.field`; publishing wants it
    confirmed. With `problems` nothing can be published.
    """

    operations: tuple[Operation, ...]
    problems: tuple[Problem, ...]
    elements: tuple[Element, ...]
    destructive: tuple[str, ...]


@dataclass(slots=True)
class Change:
    """A plan in the making."""

    operations: list[Operation] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    elements: list[Element] = field(default_factory=list)


def plan(old: Sequence[Element], new: Sequence[Element]) -> Plan:
    """Gives what leads from the elements in force to the wanted ones.

    Elements are matched by id, then by kind and name, then by `renamed_from`; a new element's id
    may be "". What is in force and not wanted is retired (objects and fields, which keep their
    data) or removed.
    """
    change = Change()
    tables = {physical_table(element) for element in old if element.kind == "object"}
    pairs = match(old, new)
    for before, after in pairs:
        if after.kind == "object":
            settle_object(change, before, after, tables)
        else:
            settle(change, before, after)
    matched = {before.id for before, _ in pairs if before is not None}
    for element in old:
        if element.id not in matched:
            take_away(change, element)
    elements = sorted(change.elements, key=lambda element: element.key)
    if change.operations:
        change.problems.extend(state_problems(elements))
    destructive = [made.place for made in change.operations if made.is_destructive]
    return Plan(
        tuple(change.operations),
        tuple(change.problems),
        tuple(elements),
        tuple(dict.fromkeys(destructive)),
    )


def state_problems(elements: Sequence[Element]) -> Iterator[Problem]:
    """Finds what is wrong with the definitions as they would be, each at its element's address."""
    for (kind, name), found in check_elements([as_authored(one) for one in elements]).items():
        for problem in found:
            yield replace(problem, path=f"/{FOLDERS[kind]}/{name}{problem.path}")


def as_authored(element: Element) -> Element:
    """Gives an element without what an installation keeps in a package's manifest."""
    if element.kind != "package":
        return element
    body = {key: value for key, value in element.body.items() if key != DIGESTS}
    return replace(element, body=body)


def match(old: Sequence[Element], new: Sequence[Element]) -> list[Pair]:
    """Gives each wanted element with the one in force that it continues.

    What is in force under the old name of something renamed is left out.
    """
    by_id = {element.id: element for element in old}
    known = by_key(old)
    renames = {element.key: was for element in new if (was := renamed_from(element, known))}
    moved = {was.id for was in renames.values()}
    pairs: list[Pair] = []
    for element in new:
        before = renames.get(element.key) or by_id.get(element.id) or known.get(element.key)
        if before is None or before.id not in moved or element.key in renames:
            pairs.append((before, element))
    return pairs


def renamed_from(element: Element, known: dict[tuple[str, str], Element]) -> Element | None:
    """Gives the object in force that an object says it was until now."""
    if element.kind != "object" or element.key in known:
        return None
    return known.get(("object", text(crm_of(element.body).get("renamed_from")) or ""))


def settle(change: Change, before: Element | None, after: Element) -> None:
    """Plans an element whose body is taken as it is."""
    detail = {"kind": after.kind, "name": after.name}
    made = replace(after, id=before.id if before else str(uuid4()))
    if before is None:
        change.operations.append(Operation("add_element", "", "", made.id, detail))
    elif before != made:
        change.operations.append(Operation("change_element", "", "", made.id, detail))
    change.elements.append(made)


def take_away(change: Change, element: Element) -> None:
    """Plans what becomes of an element that is no longer wanted."""
    if element.kind != "object":
        detail = {"kind": element.kind, "name": element.name}
        change.operations.append(Operation("remove_element", "", "", element.id, detail))
        return
    if not is_retired(element.body):
        change.operations.append(Operation("retire_object", element.name, "", element.id))
    change.elements.append(replace(element, body=with_crm(element.body, retired=True)))


def settle_object(change: Change, before: Element | None, after: Element, tables: set[str]) -> None:
    """Plans an object: its fields, its indexes, and whether its data can follow."""
    if before is None:
        after = replace(after, id=str(uuid4()))
        merged = new_document(after, tables)
    else:
        merged = merge_document(before, after)
    made = replace(after, id=before.id if before else after.id, body=merged.document)
    tables.add(physical_table(made))
    change.operations.extend(merged.operations)
    change.elements.append(made)
    wanted, problems = parse_object(made.name, made.body, package=made.package)
    place = f"/objects/{made.name}"
    change.problems.extend(replace(one, path=place + one.path) for one in merged.problems)
    if before is None or wanted is None or problems or merged.problems:
        return
    current, _ = parse_object(before.name, before.body, package=before.package)
    if current is not None:
        change.problems.extend(conversion_problems(current, wanted))
        change.operations.extend(index_operations(current, wanted))


def conversion_problems(current: ObjectDefinition, wanted: ObjectDefinition) -> Iterator[Problem]:
    """Finds fields whose stored values would not be values of the new type."""
    stored = {found.id: found for found in (*current.own_fields, *current.retired_fields.values())}
    for after in (*wanted.own_fields, *wanted.retired_fields.values()):
        before = stored.get(after.id)
        if before is None or storage(before) == storage(after):
            continue
        values = {
            "object": wanted.name,
            "field": after.name,
            "was": before.type.name,
            "wanted": after.type.name,
        }
        yield Problem(f"/objects/{wanted.name}/properties/{after.name}", "cannot_convert", values)


def storage(definition: FieldDefinition) -> tuple[object, ...]:
    """Gives what two types must share so that stored values mean the same in both."""
    columns = tuple((column.name, kept_as(column.type)) for column in columns_of(definition))
    return (*columns, definition.type.rule_type(definition).kind, definition.target)


def kept_as(column_type: sa.types.TypeEngine[Any]) -> tuple[str, int | None]:
    """Gives what decides how a column's values are read."""
    return repr(column_type), getattr(column_type, "scale", None)


def index_operations(current: ObjectDefinition, wanted: ObjectDefinition) -> Iterator[Operation]:
    """Gives the indexes that come and go with fields that are there already."""
    before = {str(index.name): index for index in table_for(current, sa.MetaData()).indexes}
    after = {str(index.name): index for index in table_for(wanted, sa.MetaData()).indexes}
    for kind, from_here, not_here in (("add_index", after, before), ("drop_index", before, after)):
        for name in sorted(from_here.keys() - not_here.keys()):
            detail = {"index": name, "unique": bool(from_here[name].unique)}
            yield Operation(kind, wanted.name, "", wanted.id, detail)
