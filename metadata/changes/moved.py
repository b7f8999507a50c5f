"""Drafts of elements that somebody else has changed meanwhile: merged, or named as conflicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

from metadata.drafts import Draft, published_form
from metadata.elements import Element, by_key
from metadata.packages.three_way import Merge
from metadata.store import META_CHANGE, META_DRAFT, META_HISTORY, elements_at
from metadata.stored import is_retired


@dataclass(frozen=True, slots=True)
class Moved:
    """An element that a draft and somebody else changed in the same parts."""

    kind: str
    name: str
    version: int
    by: str
    parts: tuple[str, ...]


@dataclass(slots=True)
class Current:
    """Drafts as they are on top of what is in force."""

    drafts: list[Draft] = field(default_factory=list)
    moved: list[Moved] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Change:
    """An element that a version changed, and who published that."""

    kind: str
    name: str
    version: int
    by: str


def changes_since(connection: sa.Connection, version: int) -> list[Change]:
    """Gives what was published after a version, the oldest first."""
    columns = (META_CHANGE.c.kind, META_CHANGE.c.name, META_CHANGE.c.version, META_HISTORY.c.by)
    joined = META_CHANGE.join(META_HISTORY, META_CHANGE.c.version == META_HISTORY.c.version)
    chosen = sa.select(*columns).select_from(joined).where(META_CHANGE.c.version > version)
    rows = connection.execute(chosen.order_by(META_CHANGE.c.version, META_CHANGE.c.name))
    return [Change(row.kind, row.name, row.version, row.by) for row in rows]


def on_top(
    connection: sa.Connection, elements: Sequence[Element], drafts: Sequence[Draft], version: int
) -> Current:
    """Gives an author's drafts merged with what others have published since they were begun."""
    current = Current()
    known = by_key(elements)
    older = [draft.base for draft in drafts if draft.base is not None and draft.base < version]
    since = changes_since(connection, min(older)) if older else []
    bases: dict[int, Mapping[tuple[str, str], Element]] = {}
    for draft in drafts:
        begun = version if draft.base is None else draft.base
        others = [
            one
            for one in since
            if (one.kind, one.name) == (draft.kind, draft.name) and one.version > begun
        ]
        if not others:
            current.drafts.append(draft)
            continue
        if begun not in bases:
            bases[begun] = by_key(elements_at(connection, begun))
        key = (draft.kind, draft.name)
        merge_one(current, draft, bases[begun].get(key), known.get(key), others[-1])
    return current


def merge_one(
    current: Current, draft: Draft, base: Element | None, now: Element | None, other: Change
) -> None:
    """Merges one draft with the element in force."""
    began, theirs = authored(base), authored(now)
    if began == theirs or draft.body == theirs:
        current.drafts.append(draft)
        return
    if draft.body is None or theirs is None or began is None:
        moved = Moved(draft.kind, draft.name, other.version, other.by, ("/",))
        current.drafts.append(draft)
        current.moved.append(moved)
        return
    merge = Merge(draft.name)
    merged = merge.merge(began, draft.body, theirs)
    if merge.conflicts:
        places = tuple(one.place.partition(":")[2] or "/" for one in merge.conflicts)
        current.moved.append(Moved(draft.kind, draft.name, other.version, other.by, places))
    body = merged if isinstance(merged, Mapping) else draft.body
    current.drafts.append(replace(draft, body=body))


def authored(element: Element | None) -> Mapping[str, object] | None:
    """Gives a document as its author writes it; None for what is not in use."""
    if element is None or is_retired(element.body):
        return None
    return published_form(element.body) if element.kind == "object" else element.body


def keep_drafts(connection: sa.Connection, author: str, version: int) -> None:
    """Takes an author's drafts as they are, whatever others have published since."""
    mine = META_DRAFT.c.author == author
    connection.execute(META_DRAFT.update().where(mine).values(base=version))
