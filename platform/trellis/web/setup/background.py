"""Work in the background in setup: what waits, what failed, trying it again, and pausing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from trellis import current
from trellis.automation.quarantine import quarantined
from trellis.background import (
    GIVEN_UP,
    STATES,
    Piece,
    cancel,
    overview,
    pieces,
    retry,
    set_paused,
)
from trellis.declared import declares
from trellis.errors import Conflict
from trellis.unit import Unit
from trellis.web.addresses import record_address, with_query
from trellis.web.doors import flash_problems, make_blueprint
from trellis.web.people import name_of, names_of
from trellis.web.setup.documents import changes
from trellis.web.words import gettext, ngettext
from trellis.work import reading, writing_now

ADDRESS = "/setup/background"
blueprint = make_blueprint("setup_background", ADDRESS)

PAGE = 50
USUAL = "effects"
HUES = {
    "done": "green",
    "waiting": "blue",
    "running": "sky",
    "held": "amber",
    "dead": "red",
    "failed": "red",
    "unknown": "amber",
}
USUAL_HUE = "gray"


@dataclass(frozen=True, slots=True)
class Tab:
    """A kind of work: how much waits and how much failed."""

    name: str
    title: str
    href: str
    waiting: int
    wrong: int
    paused_since: datetime | None
    paused_by: str


@dataclass(frozen=True, slots=True)
class Line:
    """One piece of work as the page shows it."""

    id: str
    what: str
    href: str | None
    record: str
    state: str
    hue: str
    attempts: int
    at: datetime
    due_at: datetime
    is_waiting: bool
    error: str
    may_retry: bool
    done: int | None
    total: int | None
    may_cancel: bool


@blueprint.get("")
@declares("", "administer")
def first() -> str:
    """Shows the kind that most happens by."""
    return show(USUAL)


@blueprint.get("/<work>")
@declares("", "administer")
def show(work: str) -> str:
    """Shows the newest pieces of one kind, in one state only when asked so."""
    unit, language = reading(), current.language()
    chosen, after = request.args.get("state", ""), request.args.get("after")
    state = chosen if chosen in STATES else None
    found, following = pieces(unit, work, language, state=state, after=after, limit=PAGE)
    kinds = overview(unit)
    kind, counts = next((one.work, one.counts) for one in kinds if one.work.name == work)
    here = f"{ADDRESS}/{work}"
    names = record_names(unit, found)
    people = names_of(unit, {one.paused_by for one in kinds if one.paused_by})
    return render_template(
        "setup/background.html",
        tabs=[
            Tab(
                name=one.work.name,
                title=one.work.title.in_language(language),
                href=f"{ADDRESS}/{one.work.name}",
                waiting=one.counts.get("waiting", 0),
                wrong=sum(one.counts.get(state, 0) for state in (*GIVEN_UP, "unknown")),
                paused_since=one.paused_since,
                paused_by=name_of(people, one.paused_by or ""),
            )
            for one in kinds
        ],
        here=work,
        lines=[line(unit, one, names) for one in found],
        states={name: STATES[name].in_language(language) for name in kind.states},
        chosen=chosen,
        given_up=sum(count for name, count in counts.items() if name in GIVEN_UP),
        older=with_query(here, {"state": chosen, "after": following}) if following else None,
        wild=quarantined(unit.connection) if work == USUAL else {},
        changes=changes(unit),
    )


def record_names(unit: Unit, found: Sequence[Piece]) -> dict[tuple[str, str], str]:
    """Gives the names of the records that pieces are about, as the reader sees them."""
    wanted: dict[str, set[str]] = {}
    for one in found:
        if one.object in unit.catalog.objects and one.record_id:
            wanted.setdefault(str(one.object), set()).add(one.record_id)
    names = {}
    for object_name, ids in wanted.items():
        if unit.principal.access(object_name).exists:
            for record_id, name in unit.records().names(object_name, ids).items():
                names[object_name, record_id] = name
    return names


def line(unit: Unit, one: Piece, names: dict[tuple[str, str], str]) -> Line:
    """Gives one piece as the page shows it."""
    key = (str(one.object), str(one.record_id))
    definition = unit.catalog.objects.get(one.object or "")
    label = definition.label(current.language()) if definition else one.object or ""
    return Line(
        id=one.id,
        what=one.title,
        href=record_address(*key) if key in names else None,
        record=names.get(key) or label,
        state=STATES[one.state].in_language(current.language()),
        hue=HUES.get(one.state, USUAL_HUE),
        attempts=one.attempts,
        at=one.created_at,
        due_at=one.due_at,
        is_waiting=one.state == "waiting",
        error=one.error or "",
        may_retry=one.may_retry,
        done=one.done,
        total=one.total,
        may_cancel=one.may_cancel,
    )


@blueprint.post("/<work>/retry")
@declares("", "administer")
def try_again(work: str) -> Response:
    """Has one piece tried again, or all that were given up."""
    try:
        with writing_now() as unit:
            count = retry(unit, work, request.form.get("id") or None)
    except Conflict as conflict:
        flash_problems(conflict)
    else:
        flash(ngettext("%(num)s is tried again", "%(num)s are tried again", count), "success")
    return redirect(f"{ADDRESS}/{work}")


@blueprint.post("/<work>/cancel")
@declares("", "administer")
def end(work: str) -> Response:
    """Ends one piece before its time."""
    try:
        with writing_now() as unit:
            cancel(unit, work, request.form.get("id", ""))
    except Conflict as conflict:
        flash_problems(conflict)
    else:
        flash(gettext("Cancelled: what was done until now stays"), "success")
    return redirect(f"{ADDRESS}/{work}")


@blueprint.post("/<work>/pause")
@declares("", "administer")
def pause(work: str) -> Response:
    """Pauses work of one kind."""
    with writing_now() as unit:
        set_paused(unit, work, is_paused=True)
    flash(gettext("Paused: nothing of it is begun any more"), "success")
    return redirect(f"{ADDRESS}/{work}")


@blueprint.post("/<work>/resume")
@declares("", "administer")
def resume(work: str) -> Response:
    """Lets work of one kind go on."""
    with writing_now() as unit:
        set_paused(unit, work, is_paused=False)
    flash(gettext("It goes on"), "success")
    return redirect(f"{ADDRESS}/{work}")
