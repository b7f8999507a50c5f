"""What changes between two states of the definitions, as operations by stable element ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import uuid4

import sqlalchemy as sa

from metadata.catalog import Catalog
from metadata.changes.options import option_operations
from metadata.changes.renames import Edit, Pair, follow_renames
from metadata.checks import check_elements
from metadata.ddl import table_for
from metadata.elements import Element, by_key
from metadata.json_text import text
from metadata.merge import merge_document, new_document
from metadata.objects import ObjectDefinition
from metadata.operations import Operation
from metadata.parse import parse_object
from metadata.problems import Problem
from metadata.stored import DIGESTS, crm_of, is_retired, physical_table, with_crm

FOLDERS = {
    **{"package": "packages", "object": "objects", "role": "roles", "view": "views"},
    **{"layout": "layouts", "rules": "rules", "translations": "translations"},
    "retirement": "retirements",
}
"""Where elements of a kind stand in a problem's path."""


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
    tables: set[str] = field(default_factory=set)


def plan(old: Sequence[Element], new: Sequence[Element], known: Catalog | None = None) -> Plan:
    """Gives what leads from the elements in force to the wanted ones.

    `known` is the catalog of the elements in force where there is one: it saves time.

    Elements are matched by id, then by kind and name, then by `renamed_from`; a new element's id
    may be "". What is in force and not wanted is retired (objects and fields, which keep their
    data) or removed.
    """
    change = Change()
    change.tables |= {physical_table(element) for element in old if element.kind == "object"}
    pairs = match(old, new)
    rewriting = follow_renames(old, pairs, known)
    former = {
        after.name: before.name
        for before, after in pairs
        if before is not None and before.kind == "object" and before.name != after.name
    }
    for (before, drafted), (_, after) in zip(pairs, rewriting.pairs, strict=True):
        if after.kind == "object":
            settle_object(change, before, after, former)
        else:
            settle(change, before, after, drafted)
        note_edits(change, rewriting.edits.get(after.key, ()))
    for (kind, name), found in rewriting.problems:
        change.problems.append(replace(found, path=f"/{FOLDERS[kind]}/{name}{found.path}"))
    matched = {before.id for before, _ in pairs if before is not None}
    for element in old:
        if element.id not in matched:
            take_away(change, element)
    elements = sorted(change.elements, key=lambda element: element.key)
    if change.operations:
        change.problems.extend(state_problems(elements, known))
    destructive = [made.place for made in change.operations if made.is_destructive]
    return Plan(
        tuple(change.operations),
        tuple(change.problems),
        tuple(elements),
        tuple(dict.fromkeys(destructive)),
    )


def state_problems(elements: Sequence[Element], known: Catalog | None) -> Iterator[Problem]:
    """Finds what is wrong with the definitions as they would be, each at its element's address."""
    authored = [as_authored(one) for one in elements]
    for (kind, name), found in check_elements(authored, known).items():
        for problem in found:
            yield replace(problem, path=f"/{FOLDERS[kind]}/{name}{problem.path}")


def as_authored(element: Element) -> Element:
    """Gives an element without what an installation keeps in a package's manifest."""
    if element.kind != "package":
        return element
    body = {key: one for key, one in element.body.items() if key not in {DIGESTS, "retired"}}
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
    """Gives the object, view or layout in force that an element says it was until now."""
    if element.key in known:
        return None
    if element.kind == "object":
        return known.get(("object", text(crm_of(element.body).get("renamed_from")) or ""))
    owner, slash, _ = element.name.partition("/")
    was = text(element.body.get("renamed_from"))
    return known.get((element.kind, f"{owner}{slash}{was}")) if was else None


def settle(change: Change, before: Element | None, after: Element, drafted: Element) -> None:
    """Plans an element whose body is taken as it is; `drafted` is the one before rewriting."""
    detail: dict[str, object] = {"kind": after.kind, "name": after.name}
    made = replace(after, id=before.id if before else after.id or str(uuid4()))
    was, now = (one is not None and one.body.get("retired") is not True for one in (before, after))
    if now and not was:
        change.operations.append(Operation("add_element", "", "", made.id, detail))
    elif was and not now:
        change.operations.append(Operation("remove_element", "", "", made.id, detail))
    else:
        note_change(change, before, drafted, detail)
    change.elements.append(made)


def note_change(
    change: Change, before: Element | None, drafted: Element, detail: dict[str, object]
) -> None:
    """Plans another name and another document of an element that is there."""
    if before is None:
        return
    if before.name != drafted.name:
        told = {**detail, "was": before.name}
        change.operations.append(Operation("rename_element", "", "", before.id, told))
    if (before.body, before.package) != (drafted.body, drafted.package):
        change.operations.append(Operation("change_element", "", "", before.id, detail))


def note_edits(change: Change, edits: Sequence[Edit]) -> None:
    """Plans what follows new names in the element that was settled last."""
    if edits:
        made = change.elements[-1]
        changes = [edit.to_json() for edit in edits]
        detail = {"kind": made.kind, "name": made.name, "places": len(edits), "changes": changes}
        change.operations.append(Operation("rewrite_element", "", "", made.id, detail))


def take_away(change: Change, element: Element) -> None:
    """Plans what becomes of an element that is no longer wanted."""
    if element.kind != "object":
        detail = {"kind": element.kind, "name": element.name}
        change.operations.append(Operation("remove_element", "", "", element.id, detail))
        return
    if not is_retired(element.body):
        change.operations.append(Operation("retire_object", element.name, "", element.id))
    change.elements.append(replace(element, body=with_crm(element.body, retired=True)))


def settle_object(
    change: Change, before: Element | None, after: Element, former: Mapping[str, str]
) -> None:
    """Plans an object: its fields, its indexes, and whether its data can follow.

    `former` are the names that objects had until now, by those of now.
    """
    if before is None:
        after = replace(after, id=str(uuid4()))
        merged = new_document(after, change.tables)
    else:
        merged = merge_document(before, after, former)
    made = replace(after, id=before.id if before else after.id, body=merged.document)
    change.tables.add(physical_table(made))
    change.operations.extend(merged.operations)
    change.elements.append(made)
    if before is not None and (before.name, before.body) == (made.name, made.body):
        return
    wanted, problems = parse_object(made.name, made.body, package=made.package)
    place = f"/objects/{made.name}"
    change.problems.extend(replace(one, path=place + one.path) for one in merged.problems)
    if before is None or wanted is None or problems or merged.problems:
        return
    current, _ = parse_object(before.name, before.body, package=before.package)
    if current is not None:
        change.operations.extend(option_operations(current, wanted))
        change.operations.extend(index_operations(current, wanted))


def index_operations(current: ObjectDefinition, wanted: ObjectDefinition) -> Iterator[Operation]:
    """Gives the indexes that come and go with fields that are there already."""
    before = {str(index.name): index for index in table_for(current, sa.MetaData()).indexes}
    after = {str(index.name): index for index in table_for(wanted, sa.MetaData()).indexes}
    for kind, from_here, not_here in (("add_index", after, before), ("drop_index", before, after)):
        for name in sorted(from_here.keys() - not_here.keys()):
            detail = {"index": name, "unique": bool(from_here[name].unique)}
            yield Operation(kind, wanted.name, "", wanted.id, detail)
