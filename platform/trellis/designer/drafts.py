"""Drafts: what an administrator has changed of the definitions and not published yet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from metadata.changes.folder import is_name
from metadata.documents import document_problems
from metadata.drafts import (
    Draft,
    Steps,
    discard_drafts,
    drafts,
    published_form,
    redo,
    save_draft,
    steps,
    undo,
)
from metadata.elements import LOCAL, Element, by_key
from metadata.json_text import pointer
from metadata.parse import parse_object
from metadata.problems import Problem
from metadata.stored import is_retired
from trellis.errors import Conflict, Missing, NotAllowed, Refused
from trellis.unit import Unit

Document = Mapping[str, object]

KINDS = ("object", "role", "view", "layout", "rules", "translations")
# Kinds whose names begin with a package's.
OF_PACKAGE = frozenset({"rules", "translations"})
DIGEST_CHARACTERS: Final = 16


@dataclass(frozen=True, slots=True)
class Drafted:
    """An element as its author sees it: from the draft where it is changed, else in force.

    `is_changed` says whether the draft holds it; `body` is None when it is to be deleted.
    """

    kind: str
    name: str
    package: str
    is_changed: bool
    body: Document | None


def author_of(unit: Unit) -> str:
    """Gives whose draft it is. Raises NotAllowed for who may not administer."""
    if not unit.principal.may_administer:
        raise NotAllowed([Problem("", "administer_needed")])
    return unit.principal.name


def list_drafted(unit: Unit, kind: str) -> list[Drafted]:
    """Gives all elements of a kind, by name, as they would be after publishing."""
    changes = {
        draft.name: draft
        for draft in drafts(unit.connection, author_of(unit))
        if draft.kind == kind
    }
    known = {element.name: element for element in in_use(unit) if element.kind == kind}
    return [
        drafted(kind, name, known.get(name), changes.get(name))
        for name in sorted({*known, *changes})
    ]


def find_drafted(unit: Unit, kind: str, name: str) -> Drafted:
    """Gives one element as its author sees it. Raises Missing when it is not there (any more)."""
    found = next((one for one in list_drafted(unit, kind) if one.name == name), None)
    if found is None or found.body is None:
        raise Missing([Problem("", "unknown_element", {"kind": kind, "name": name})])
    return found


def drafted(kind: str, name: str, element: Element | None, draft: Draft | None) -> Drafted:
    """Puts together what is in force and what an author made of it."""
    package = LOCAL if element is None else element.package
    if draft is not None:
        return Drafted(kind, name, package, True, draft.body)
    body = None if element is None else element.body
    if body is not None and kind == "object":
        body = published_form(body)
    return Drafted(kind, name, package, False, body)


def in_use(unit: Unit) -> list[Element]:
    """Gives the elements in force that are not retired."""
    return [element for element in unit.catalog.elements if not is_retired(element.body)]


def put_element(unit: Unit, kind: str, name: str, body: Document) -> Drafted:
    """Keeps what an author wants an element to be. Raises Refused with all that is wrong with it.

    What it means for other definitions is looked at when the change is planned.
    """
    author = author_of(unit)
    element = by_key(unit.catalog.elements).get((kind, name))
    package = LOCAL if element is None else element.package
    problems = [*name_problems(kind, name), *document_problems(kind, body)]
    if kind == "object" and not problems:
        problems = parse_object(name, body, package=package)[1]
    if problems:
        raise Refused(problems)
    keep(unit, author, kind, name, body)
    return Drafted(kind, name, package, True, body)


def full_name(kind: str, name: str) -> str:
    """Gives an element's name; rules and translations without a package are local ones."""
    return f"{LOCAL}/{name}" if kind in OF_PACKAGE and "/" not in name else name


def name_problems(kind: str, name: str) -> Iterator[Problem]:
    """Finds a name that elements of a kind cannot have."""
    if not is_name(kind, name):
        yield Problem("", "bad_name", {"name": name})


def delete_element(unit: Unit, kind: str, name: str) -> None:
    """Marks an element for deletion; one that only the draft has is forgotten."""
    author = author_of(unit)
    find_drafted(unit, kind, name)
    if any(element.key == (kind, name) for element in in_use(unit)):
        keep(unit, author, kind, name, None)
    else:
        discard_drafts(unit.connection, author, kind, name, at=unit.moment.now)


def discard(unit: Unit, kind: str | None = None, name: str | None = None) -> None:
    """Forgets the author's draft, or the part of it about one element."""
    discard_drafts(unit.connection, author_of(unit), kind, name, at=unit.moment.now)


def keep(unit: Unit, author: str, kind: str, name: str, body: Document | None) -> None:
    """Keeps what an author made of an element, as one more step."""
    version = unit.catalog.version
    save_draft(unit.connection, author, kind, name, body, at=unit.moment.now, base=version)


def steps_of(unit: Unit) -> Steps:
    """Gives how far the author can go back and forth."""
    return steps(unit.connection, author_of(unit))


def step_back(unit: Unit) -> list[str]:
    """Takes back the author's last action; gives what it was about. Raises Conflict for none."""
    found = undo(unit.connection, author_of(unit), unit.moment.now)
    if not found:
        raise Conflict([Problem("", "nothing_to_undo")])
    return found


def step_forth(unit: Unit) -> list[str]:
    """Does again what was taken back last. Raises Conflict when there is nothing."""
    found = redo(unit.connection, author_of(unit), unit.moment.now)
    if not found:
        raise Conflict([Problem("", "nothing_to_redo")])
    return found


def digest_of(body: object) -> str:
    """Gives what stands for a document as somebody saw it."""
    return sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:DIGEST_CHARACTERS]


def expect(found: Drafted, seen: str | None) -> None:
    """Raises Conflict when an element is not what its author saw; None means not to ask."""
    if seen is not None and seen != digest_of(found.body):
        raise Conflict([Problem("", "draft_seen")])


def place_of(kind: str, name: str) -> str:
    """Gives the JSON Pointer of an element among all definitions."""
    folder = kind if kind in {"rules", "translations"} else f"{kind}s"
    return pointer((folder, *name.split("/")))
