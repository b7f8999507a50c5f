"""Pages of absences: one's own below the profile, and anybody's in the setup of people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from flask import abort, flash, redirect, render_template, request
from werkzeug.wrappers import Response

from metadata.problems import Problem, sentence
from trellis import current
from trellis.declared import declares
from trellis.errors import Missing, Refused
from trellis.records.absences import Away, absences_of, end_absence, enter_absence
from trellis.security.preview import demand_administrator
from trellis.unit import Unit
from trellis.web.doors import make_blueprint
from trellis.web.people import name_of, names_of
from trellis.web.words import gettext
from trellis.work import reading, writing_now

blueprint = make_blueprint("absences")

OWN = "/profile/absences"
FIELDS = ("from", "until", "substitute", "why")


@dataclass(frozen=True, slots=True)
class AbsenceLine:
    """One absence in words."""

    away: Away
    substitute: str


@dataclass(frozen=True, slots=True)
class AbsencesPage:
    """A user's absences, and the form for one more; `stands_in` are those of others for whom the
    reader stands in, with their names."""

    name: str
    address: str
    back: str
    is_own: bool
    lines: tuple[AbsenceLine, ...]
    stands_in: tuple[tuple[str, Away], ...]
    given: Mapping[str, str]
    substitute_name: str
    problems: Mapping[str, tuple[str, ...]]


@blueprint.route(OWN, methods=["GET", "POST"])
@declares("", "")
def own() -> str | Response | tuple[str, int]:
    """Shows one's own absences, and notes one more."""
    return shown(reading().user_id or abort(401), OWN)


@blueprint.route("/setup/people/<user_id>/absences", methods=["GET", "POST"])
@declares("user", "administer")
def of_person(user_id: str) -> str | Response | tuple[str, int]:
    """Shows anybody's absences to an administrator, and notes one more."""
    demand_administrator(reading())
    return shown(user_id, f"/setup/people/{user_id}/absences")


@blueprint.post(f"{OWN}/<absence_id>/end")
@declares("", "")
def end_own(absence_id: str) -> Response:
    """Takes one's own absence back."""
    return ended(reading().user_id or abort(401), absence_id, OWN)


@blueprint.post("/setup/people/<user_id>/absences/<absence_id>/end")
@declares("user", "administer")
def end_of_person(user_id: str, absence_id: str) -> Response:
    """Takes anybody's absence back."""
    demand_administrator(reading())
    return ended(user_id, absence_id, f"/setup/people/{user_id}/absences")


def shown(user_id: str, address: str) -> str | Response | tuple[str, int]:
    """Shows the page; a form that was sent is carried out before."""
    given = {name: request.form.get(name, "").strip() for name in FIELDS}
    if request.method == "GET":
        return render_template("absences.html", page=page_of(reading(), user_id, address, given))
    try:
        first, last = day_in(given, "from"), day_in(given, "until")
        with writing_now() as unit:
            enter_absence(
                unit, user_id, first, last, substitute=given["substitute"], why=given["why"]
            )
    except Refused as error:
        page = page_of(reading(), user_id, address, given, error)
        return render_template("absences.html", page=page), 422
    flash(gettext("The absence is noted"), "success")
    return redirect(address)


def ended(user_id: str, absence_id: str, address: str) -> Response:
    """Takes an absence back; one that is gone already is none that anybody misses."""
    try:
        with writing_now() as unit:
            end_absence(unit, user_id, absence_id)
    except Missing:
        return redirect(address)
    flash(gettext("The absence is taken back"), "success")
    return redirect(address)


def day_in(given: Mapping[str, str], name: str) -> date | None:
    """Gives a day that was typed. Raises Refused for a text that is none."""
    try:
        return date.fromisoformat(given[name]) if given[name] else None
    except ValueError as error:
        raise Refused([Problem(f"/{name}", "date", {"value": given[name][:40]})]) from error


def page_of(
    unit: Unit,
    user_id: str,
    address: str,
    given: Mapping[str, str],
    error: Refused | None = None,
) -> AbsencesPage:
    """Collects the page. Raises Missing for nobody."""
    found = absences_of(unit)
    is_own = address == OWN
    named = {user_id, given["substitute"], *(one.user for one in found)}
    people = names_of(unit, {*named, *(one.substitute or "" for one in found)})
    if user_id not in people and not is_own:
        raise Missing([Problem("", "missing_record", {"object": "user", "id": user_id})])
    mine = [one for one in found if one.user == user_id]
    others = [one for one in found if one.substitute == user_id]
    problems: dict[str, tuple[str, ...]] = {}
    for problem in error.problems if error else ():
        place = problem.path.strip("/")
        problems[place] = (*problems.get(place, ()), sentence(problem, current.language()))
    return AbsencesPage(
        name=name_of(people, user_id),
        address=address,
        back="/profile" if is_own else "/setup/people",
        is_own=is_own,
        lines=tuple(
            AbsenceLine(one, name_of(people, one.substitute) if one.substitute else "")
            for one in mine
        ),
        stands_in=tuple((name_of(people, one.user), one) for one in others),
        given=given,
        substitute_name=people.get(given["substitute"], ""),
        problems=problems,
    )
