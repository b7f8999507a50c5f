"""The first page: what waits, what is new, where somebody left off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from flask import redirect, render_template, request
from werkzeug.wrappers import Response

from metadata.objects import ObjectDefinition
from trellis import current
from trellis.approvals import pending_for
from trellis.declared import declares
from trellis.records.history import record_history
from trellis.security.redirects import safe_path
from trellis.unit import Unit
from trellis.web.addresses import APPROVALS, record_address
from trellis.web.approvals import RequestCard, cards
from trellis.web.doors import make_blueprint
from trellis.web.formatting import greeting, long_day, now
from trellis.web.notifications import INBOX, Notice, notices, object_by_id, rows_of
from trellis.web.shell import THEMES, Item, create_item, is_main, readable_objects
from trellis.work import reading

blueprint = make_blueprint("home")

WAITING, UNREAD, RECENT, LOOKED_AT, CREATE = 5, 5, 8, 200, 6
YEAR_SECONDS = 31_536_000


@dataclass(frozen=True, slots=True)
class RecentRecord:
    """A record that who asks has worked on."""

    object: ObjectDefinition
    title: str
    href: str
    at: datetime


@dataclass(frozen=True, slots=True)
class HomePage:
    """What the template shows."""

    greeting: str
    today: str
    approvals: tuple[RequestCard, ...]
    approvals_more: bool
    notices: tuple[Notice, ...]
    recent: tuple[RecentRecord, ...]
    create: tuple[Item, ...]
    approvals_href: str = APPROVALS
    inbox_href: str = INBOX


@blueprint.get("/")
@declares("", "")
def home() -> str:
    """Shows the first page."""
    unit = reading()
    account = current.account()
    waiting = cards(unit, pending_for(unit)[: WAITING + 1])
    rows, _older = rows_of(unit, limit=UNREAD, unread=True)
    page = HomePage(
        greeting=greeting(account.name if account else ""),
        today=long_day(now().date()),
        approvals=tuple(waiting[:WAITING]),
        approvals_more=len(waiting) > WAITING,
        notices=tuple(notices(unit, rows)),
        recent=tuple(recent(unit)),
        create=tuple(creatable()),
    )
    return render_template("home.html", page=page)


def creatable() -> list[Item]:
    """Gives what who asks may make, the first ones of the navigation."""
    principal = current.principal()
    made = [d for d in readable_objects() if is_main(d) and principal.access(d.name).create]
    return [create_item(definition) for definition in made[:CREATE]]


def recent(unit: Unit) -> list[RecentRecord]:
    """Gives the records that who asks has saved last, each once, as far as they are to be seen."""
    table = record_history
    statement = (
        sa.select(table.c.object, table.c.record_id, table.c.at)
        .where(table.c.by == unit.principal.name)
        .order_by(table.c.id.desc())
        .limit(LOOKED_AT)
    )
    latest: dict[tuple[str, str], datetime] = {}
    for key, record_id, at in unit.connection.execute(statement):
        latest.setdefault((key, record_id), at)
    chosen = dict(list(latest.items())[:RECENT])
    return [found for found in named(unit, chosen) if found is not None]


def named(unit: Unit, chosen: Mapping[tuple[str, str], datetime]) -> list[RecentRecord | None]:
    """Gives records with their names; None for what is gone or hidden."""
    names: dict[str, Mapping[str, str]] = {}
    for key in {key for key, _record in chosen}:
        definition = object_by_id(unit, key)
        if definition is not None and unit.principal.access(definition.name).may("read"):
            ids = [record for other, record in chosen if other == key]
            names[key] = unit.records().names(definition.name, ids)
    return [
        RecentRecord(definition, names[key][record], record_address(definition.name, record), at)
        if (definition := object_by_id(unit, key)) and record in names.get(key, {})
        else None
        for (key, record), at in chosen.items()
    ]


@blueprint.post("/theme")
@declares("", "")
def theme() -> Response:
    """Remembers light or dark in the browser; `system` forgets it."""
    response = redirect(safe_path(request.form.get("next")))
    chosen = request.form.get("theme")
    if chosen in THEMES:
        secure = request.is_secure
        response.set_cookie(
            "theme", str(chosen), max_age=YEAR_SECONDS, samesite="Lax", secure=secure
        )
    else:
        response.delete_cookie("theme")
    return response
