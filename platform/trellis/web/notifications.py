"""The inbox: what the product has told somebody, worded in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from flask import redirect, render_template, request
from werkzeug.wrappers import Response

from metadata.objects import ObjectDefinition
from trellis import current
from trellis.channels.in_app import notification
from trellis.declared import declares
from trellis.records.read import sees
from trellis.unit import Unit
from trellis.web.activities import as_instant
from trellis.web.addresses import APPROVALS, record_address, with_query
from trellis.web.doors import make_blueprint
from trellis.wording import (
    ESCALATION,
    QUARANTINE,
    REFUSED,
    STOPPED,
    TOLD,
    UNKNOWN_YEAR,
    sentence_of,
)
from trellis.work import reading, writing_now

blueprint = make_blueprint("notifications")

INBOX = "/notifications"
SHOWN = 50

MARKS = {
    TOLD["waiting"]: ("stamp", "amber"),
    TOLD["remind"]: ("clock", "amber"),
    TOLD["overdue"]: ("clock", "red"),
    ESCALATION: ("triangle-alert", "red"),
    STOPPED: ("triangle-alert", "amber"),
    QUARANTINE: ("triangle-alert", "amber"),
    REFUSED: ("triangle-alert", "amber"),
    UNKNOWN_YEAR: ("calendar", "amber"),
    "approved": ("circle-check", "green"),
    "rejected": ("circle-x", "red"),
}
USUAL_MARK = ("bell", "blue")


@dataclass(frozen=True, slots=True)
class Notice:
    """One notification. `href` marks it as read and leads on."""

    text: str
    detail: str
    href: str
    at: datetime
    icon: str
    hue: str
    is_read: bool


@dataclass(frozen=True, slots=True)
class InboxPage:
    """What the inbox shows."""

    items: tuple[Notice, ...]
    unread: bool
    older_href: str | None
    read_all_href: str = f"{INBOX}/read"


@blueprint.get(INBOX)
@declares("", "")
def inbox() -> str:
    """Shows the notifications of who asks, newest first."""
    unit = reading()
    rows, older = rows_of(unit, before=request.args.get("before"), limit=SHOWN)
    items = tuple(notices(unit, rows))
    more = with_query(INBOX, {"before": older}) if older else None
    unread = any(not item.is_read for item in items)
    return render_template("notifications.html", page=InboxPage(items, unread, more))


@blueprint.get(f"{INBOX}/<notice_id>")
@declares("", "")
def follow(notice_id: str) -> Response:
    """Marks a notification as read and leads to what it is about."""
    table = notification
    unit = reading()
    row = (
        unit.connection.execute(
            sa.select(table).where(table.c.id == notice_id, table.c.user_id == unit.user_id)
        )
        .mappings()
        .one_or_none()
    )
    if row is None:
        return redirect(INBOX)
    if row["read_at"] is None:
        with writing_now() as writing:
            mark_read(writing, notice_id)
    return redirect(address_behind(unit, row))


def address_behind(unit: Unit, row: sa.RowMapping) -> str:
    """Gives where a notification leads: to its record, or where that is not to be seen to what
    waits for its reader, if it is about an approval."""
    definition = object_by_id(unit, row["object"])
    if definition is None or row["record_id"] is None:
        return INBOX
    if sees(unit, definition.name, str(row["record_id"])):
        return record_address(definition.name, str(row["record_id"]))
    return APPROVALS if "request" in (row["values"] or {}) else INBOX


@blueprint.post(f"{INBOX}/read")
@declares("", "")
def read_all() -> Response:
    """Marks everything as read."""
    with writing_now() as unit:
        mark_read(unit)
    return redirect(INBOX)


def mark_read(unit: Unit, notice_id: str | None = None) -> None:
    """Marks one or all notifications of who acts as read."""
    table = notification
    statement = sa.update(table).where(table.c.user_id == unit.user_id, table.c.read_at.is_(None))
    if notice_id is not None:
        statement = statement.where(table.c.id == notice_id)
    unit.connection.execute(statement.values(read_at=unit.moment.now))


def rows_of(
    unit: Unit, *, before: str | None = None, limit: int, unread: bool = False
) -> tuple[Sequence[Mapping[str, object]], str | None]:
    """Gives rows, newest first, and where older ones start."""
    table = notification
    query = sa.select(table).where(table.c.user_id == unit.user_id)
    if before:
        query = query.where(table.c.id < before)
    if unread:
        query = query.where(table.c.read_at.is_(None))
    query = query.order_by(table.c.id.desc()).limit(limit + 1)
    rows = [dict(row) for row in unit.connection.execute(query).mappings()]
    return rows[:limit], str(rows[limit - 1]["id"]) if len(rows) > limit else None


def notices(unit: Unit, rows: Sequence[Mapping[str, object]]) -> list[Notice]:
    """Gives notifications in words; records are named as the reader may see them now."""
    names = record_names(unit, rows)
    return [notice(unit, row, names) for row in rows]


def record_names(unit: Unit, rows: Sequence[Mapping[str, object]]) -> Mapping[tuple[str, str], str]:
    """Gives the names of the records by stable object id and record id; one statement an object."""
    wanted: dict[str, set[str]] = {}
    for row in rows:
        if row["object"] and row["record_id"]:
            wanted.setdefault(str(row["object"]), set()).add(str(row["record_id"]))
    found = {}
    for key, ids in wanted.items():
        definition = object_by_id(unit, key)
        if definition is None or not unit.principal.access(definition.name).exists:
            continue
        for record_id, name in unit.records().names(definition.name, ids).items():
            found[key, record_id] = name
    return found


def object_by_id(unit: Unit, key: object) -> ObjectDefinition | None:
    """Gives an object by its stable id or by its name."""
    objects = unit.catalog.objects
    return objects.get(str(key)) or next((d for d in objects.values() if d.id == key), None)


def notice(unit: Unit, row: Mapping[str, object], names: Mapping[tuple[str, str], str]) -> Notice:
    """Gives one notification in words."""
    name = names.get((str(row["object"]), str(row["record_id"])), "")
    kind = str(row["kind"])
    values = row["values"] if isinstance(row["values"], Mapping) else {}
    icon, hue = mark_of(kind)
    language = current.language()
    definition = object_by_id(unit, row["object"])
    return Notice(
        text=sentence_of(unit.catalog, language, kind, str(row["title"] or ""), values, name),
        detail=definition.label(language) if definition else "",
        href=f"{INBOX}/{row['id']}",
        at=as_instant(row["created_at"]),
        icon=icon,
        hue=hue,
        is_read=row["read_at"] is not None,
    )


def mark_of(kind: str) -> tuple[str, str]:
    """Gives icon and colour of a kind; templates of rules are known by how they end."""
    found = next(
        (mark for word, mark in MARKS.items() if kind == word or kind.endswith(f"_{word}")), None
    )
    return found or USUAL_MARK
