"""Approvals: bringing in others, deciding on many at once, and who would be asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from flask import abort, flash, redirect, render_template, request
from werkzeug.wrappers import Response

from rule_engine.services.approval_state import Place
from trellis import current
from trellis.approvals.many import MAX_AT_ONCE, Asked, decide_each
from trellis.approvals.route import Route, routes
from trellis.approvals.signers import add_signer, forward
from trellis.declared import ANY_OBJECT, declares
from trellis.errors import Conflict, NotAllowed, Refused
from trellis.web.addresses import APPROVALS, record_address
from trellis.web.approvals import (
    VERDICTS,
    blueprint,
    here,
    page_asked_for,
    verdict_sent,
)
from trellis.web.doors import flash_problems, object_for, words
from trellis.web.people import names_of
from trellis.web.reasons import Reasons
from trellis.web.why import StepCard, planned_card
from trellis.web.words import gettext, ngettext
from trellis.work import reading, writing_now

__all__ = ["blueprint"]

PLACES: Final[Mapping[str, Place]] = {"before": "before", "after": "after"}


@dataclass(frozen=True, slots=True)
class RouteCard:
    """The way one approval would take; with `problems` it would not be entered."""

    label: str
    steps: tuple[StepCard, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoutePage:
    """Who would be asked about a record. `first` is the way that a submit takes."""

    title: str
    address: str
    first: RouteCard | None
    refused: tuple[RouteCard, ...]


@blueprint.post(f"{APPROVALS}/<request_id>/others")
@declares("", "approve")
def bring_in(request_id: str) -> Response:
    """Adds a signer to a request, or forwards it."""
    how, to = request.form.get("how", ""), request.form.get("to", "").strip()
    reason = request.form.get("reason", "")
    try:
        with writing_now() as unit:
            if how == "forward":
                forward(unit, request_id, to, reason)
            elif how in PLACES:
                add_signer(unit, request_id, to, PLACES[how], reason)
            else:
                abort(400)
    except (Refused, Conflict, NotAllowed) as error:
        flash_problems(error)
        return redirect(f"{here()}#request-{request_id}")
    flash(gettext("Forwarded") if how == "forward" else gettext("The signer is added"), "success")
    return redirect(here())


@blueprint.post(f"{APPROVALS}/decide")
@declares("", "approve")
def decide_chosen() -> Response:
    """Decides on the requests that were ticked, each for itself, and says what became of each."""
    verdict, comment = verdict_sent(), request.form.get("comment", "")
    ticked = request.form.getlist("request")[:MAX_AT_ONCE]
    asked = [read_ticked(text) for text in ticked]
    if not asked:
        flash(gettext("Tick the requests to decide on first."), "danger")
        return redirect(here())
    titles = {one.request.id: one.record_name for one in page_asked_for(reading()).items}
    told = decide_each(writing_now, asked, verdict, comment)
    number = sum(one.error is None for one in told)
    if number and verdict == VERDICTS["approve"]:
        flash(ngettext("%(num)d request approved", "%(num)d requests approved", number), "success")
    elif number:
        flash(ngettext("%(num)d request rejected", "%(num)d requests rejected", number), "success")
    for one in told:
        if one.error is not None:
            reasons = " ".join(map(words, one.error.problems))
            flash(f"{titles.get(one.id, gettext('A request'))}: {reasons}", "danger")
    return redirect(here())


def read_ticked(text: str) -> Asked:
    """Gives the request that a box stands for: its id and the revision that was seen."""
    key, _, revision = text.partition(":")
    return Asked(key, int(revision) if revision.isdecimal() and len(revision) < 10 else None)


@blueprint.get("/o/<object_name>/<record_id>/route")
@declares(ANY_OBJECT, "read")
def foresee(object_name: str, record_id: str) -> str:
    """Shows who would be asked if the record were submitted now."""
    definition, access = object_for(object_name)
    unit = reading()
    found = routes(unit, object_name, record_id)
    asked = (
        one for way in found for step in way.steps for one in (*step.approvers, *step.stands_in)
    )
    people = names_of(unit, asked)
    reasons = Reasons(definition, access, current.language())

    def made(way: Route) -> RouteCard:
        return RouteCard(
            label=unit.catalog.message(way.label, current.language()),
            steps=tuple(planned_card(unit, step, people, reasons) for step in way.steps),
            problems=tuple(map(words, way.problems)),
        )

    open_ways = [way for way in found if not way.problems]
    page = RoutePage(
        title=unit.records().names(object_name, [record_id]).get(record_id, ""),
        address=record_address(object_name, record_id),
        first=made(open_ways[0]) if open_ways else None,
        refused=tuple(made(way) for way in found if way.problems),
    )
    return render_template("approval_route.html", page=page, object=definition)
