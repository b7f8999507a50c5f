"""Drafts: what authors have changed of the definitions and not published, step by step.

Every change is a step that can be undone and done again, also after a restart. Changes made at
the same instant by one author are one action, undone together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from metadata.elements import LOCAL, Element, by_key
from metadata.json_text import mapping
from metadata.store import META_DRAFT, META_DRAFT_STEP, read_body, write_body
from metadata.stored import as_written, crm_of, is_retired, with_crm

MAX_ACTIONS: Final = 200
"""How far an author can go back."""
DELETED: Final = "null"

Body = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Draft:
    """What an author has changed and not published; `body` is None for a deletion.

    `base` is the version that was in force when the author began with the element.
    """

    kind: str
    name: str
    body: Body | None
    base: int | None = None


@dataclass(frozen=True, slots=True)
class Steps:
    """How many actions of an author can be undone, and how many done again."""

    undo: int
    redo: int


def drafts(connection: sa.Connection, author: str) -> list[Draft]:
    """Gives what an author has changed and not published, the oldest first."""
    chosen = sa.select(META_DRAFT).where(META_DRAFT.c.author == author)
    rows = connection.execute(chosen.order_by(META_DRAFT.c.updated_at, META_DRAFT.c.name))
    return [
        Draft(row.kind, row.name, None if row.deleted else read_body(row.body), row.base)
        for row in rows
    ]


def save_draft(
    connection: sa.Connection,
    author: str,
    kind: str,
    name: str,
    body: Body | None,
    *,
    at: datetime | None = None,
    base: int | None = None,
) -> None:
    """Keeps what an author made of an element; body None means that it is to be deleted.

    `base` is the version in force; an element that is drafted already keeps its own.
    """
    take_step(
        connection, author, [(kind, name, DELETED if body is None else write_body(body))], at, base
    )


def discard_drafts(
    connection: sa.Connection,
    author: str,
    kind: str | None = None,
    name: str | None = None,
    *,
    at: datetime | None = None,
) -> None:
    """Forgets an author's drafts: all, those of a kind, or one. That can be undone, too."""
    gone = [
        (draft.kind, draft.name, None)
        for draft in drafts(connection, author)
        if kind in {None, draft.kind} and name in {None, draft.name}
    ]
    take_step(connection, author, gone, at, None)


def forget_drafts(connection: sa.Connection, author: str) -> None:
    """Forgets an author's drafts and steps for good: they were published."""
    for table in (META_DRAFT, META_DRAFT_STEP):
        connection.execute(table.delete().where(table.c.author == author))


def take_step(
    connection: sa.Connection,
    author: str,
    changes: Sequence[tuple[str, str, str | None]],
    at: datetime | None,
    base: int | None,
) -> None:
    """Makes changes (kind, name, what then stands in the draft) and notes them."""
    at = at or datetime.now(UTC)
    step = META_DRAFT_STEP.c
    connection.execute(META_DRAFT_STEP.delete().where(step.author == author, step.undone))
    newest = connection.execute(
        sa.select(step.number, step.action, step.at)
        .where(step.author == author)
        .order_by(step.number.desc())
        .limit(1)
    ).first()
    number = newest.number if newest else 0
    action = 1 if newest is None else newest.action + (newest.at != at)
    for kind, name, after in changes:
        before, began = state_of(connection, author, kind, name)
        if before == after:
            continue
        number += 1
        began = base if before is None else began
        put(connection, author, (kind, name, after), at, began)
        row = {"author": author, "number": number, "action": action, "at": at, "kind": kind}
        told = {"name": name, "before": before, "after": after, "base": began, "undone": False}
        connection.execute(META_DRAFT_STEP.insert().values({**row, **told}))
    old = sa.and_(step.author == author, step.action <= action - MAX_ACTIONS)
    connection.execute(META_DRAFT_STEP.delete().where(old))


def state_of(
    connection: sa.Connection, author: str, kind: str, name: str
) -> tuple[str | None, int | None]:
    """Gives what stands in an author's draft of an element, and since which version."""
    row = connection.execute(sa.select(META_DRAFT).where(*about(author, kind, name))).first()
    if row is None:
        return None, None
    return DELETED if row.deleted else row.body, row.base


def about(author: str, kind: str, name: str) -> tuple[sa.ColumnElement[bool], ...]:
    """Gives the conditions that find one draft."""
    draft = META_DRAFT.c
    return draft.author == author, draft.kind == kind, draft.name == name


def put(
    connection: sa.Connection,
    author: str,
    change: tuple[str, str, str | None],
    at: datetime,
    base: int | None,
) -> None:
    """Makes one change of a draft."""
    kind, name, state = change
    connection.execute(META_DRAFT.delete().where(*about(author, kind, name)))
    if state is None:
        return
    row: dict[str, Any] = {"author": author, "kind": kind, "name": name, "updated_at": at}
    row |= {"deleted": state == DELETED, "body": None if state == DELETED else state, "base": base}
    connection.execute(META_DRAFT.insert().values(row))


def steps(connection: sa.Connection, author: str) -> Steps:
    """Gives how far an author can go back and forth."""
    step = META_DRAFT_STEP.c

    def count(undone: bool) -> int:
        chosen = sa.select(sa.func.count(sa.distinct(step.action)))
        return int(
            connection.scalar(chosen.where(step.author == author, step.undone == undone)) or 0
        )

    return Steps(count(False), count(True))


def undo(connection: sa.Connection, author: str, at: datetime | None = None) -> list[str]:
    """Takes back an author's last action; gives what it was about, as `kind/name`."""
    return move(connection, author, at or datetime.now(UTC), is_back=True)


def redo(connection: sa.Connection, author: str, at: datetime | None = None) -> list[str]:
    """Does again what was undone last; gives what it was about, as `kind/name`."""
    return move(connection, author, at or datetime.now(UTC), is_back=False)


def move(connection: sa.Connection, author: str, at: datetime, *, is_back: bool) -> list[str]:
    """Goes one action back or forth."""
    step = META_DRAFT_STEP.c
    mine = sa.and_(step.author == author, step.undone == (not is_back))
    end = sa.func.max(step.action) if is_back else sa.func.min(step.action)
    action = connection.scalar(sa.select(end).where(mine))
    if action is None:
        return []
    order = step.number.desc() if is_back else step.number
    chosen = sa.select(META_DRAFT_STEP).where(mine, step.action == action).order_by(order)
    rows = connection.execute(chosen).all()
    for row in rows:
        state = row.before if is_back else row.after
        put(connection, author, (row.kind, row.name, state), at, row.base)
    moved = META_DRAFT_STEP.update().where(mine, step.action == action)
    connection.execute(moved.values(undone=is_back))
    return [f"{row.kind}/{row.name}" for row in rows]


def with_drafts(elements: Sequence[Element], changes: Iterable[Draft]) -> list[Element]:
    """Gives the elements as they would be with an author's drafts published."""
    found = by_key(elements)
    for draft in changes:
        key = (draft.kind, draft.name)
        known = found.get(key)
        if draft.body is None:
            found.pop(key, None)
        elif known is None:
            found[key] = Element("", draft.kind, draft.name, LOCAL, draft.body)
        else:
            found[key] = replace(known, body=draft_body(known, draft.body))
    return list(found.values())


def draft_body(known: Element, body: Mapping[str, object]) -> Mapping[str, object]:
    """Gives a drafted document; fields added to a package's object belong to this installation."""
    if known.kind != "object" or known.package == LOCAL:
        return body
    there = mapping(known.body.get("properties"))
    known_ids = {crm_of(mapping(one)).get("id") for one in there.values()} - {None}

    def is_there(name: str, one: object) -> bool:
        crm = crm_of(mapping(one))
        return name in there or crm.get("renamed_from") in there or crm.get("id") in known_ids

    properties = {
        name: one if is_there(name, one) or owner_of(one) else with_crm(mapping(one), package=LOCAL)
        for name, one in mapping(body.get("properties")).items()
    }
    return {**body, "properties": properties}


def owner_of(document: object) -> object:
    """Gives the package that a field says it belongs to."""
    return crm_of(mapping(document)).get("package")


def published_form(body: Body) -> Body:
    """Gives an object's definition as an author writes it, without what is retired."""
    properties = {
        name: as_written(mapping(document))
        for name, document in mapping(body.get("properties")).items()
        if not is_retired(mapping(document))
    }
    return {**as_written(body), "properties": properties}
