"""People in setup: looking as somebody else, and letting somebody depart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from trellis import current
from trellis.declared import declares
from trellis.departing.depart import depart, owned_by
from trellis.departing.successors import MANAGER, RULES
from trellis.errors import Missing, RecordError
from trellis.jobs.running import Job, list_jobs
from trellis.records.successors import TRANSFER
from trellis.records.webhooks import acting_as
from trellis.security.preview import demand_administrator, start_as_role, start_as_user
from trellis.security.standing import Standing
from trellis.unit import Unit
from trellis.web.addresses import record_address
from trellis.web.doors import make_blueprint, words
from trellis.web.setup.documents import changes
from trellis.web.words import gettext
from trellis.work import reading, writing_now

blueprint = make_blueprint("setup_people", "/setup/people")

PAGE = 50
SHOWN_JOBS = 5


@dataclass(frozen=True, slots=True)
class Person:
    """One line of the list."""

    id: str
    name: str
    username: str
    roles: tuple[str, ...]
    active: bool
    is_self: bool


@dataclass(frozen=True, slots=True)
class Leaving:
    """The page of somebody who departs: what she owns, the webhooks that act as her (label, title
    and address of each), whom she manages, and what was typed."""

    person: Person
    owned: tuple[tuple[str, int], ...]
    webhooks: tuple[tuple[str, str, str], ...]
    reports: tuple[str, ...]
    rules: tuple[tuple[str, str], ...]
    given: Mapping[str, str]
    problems: tuple[str, ...]


@blueprint.get("")
@declares("user", "administer")
def people() -> str:
    """Shows users and roles."""
    unit = reading()
    demand_administrator(unit)
    found = unit.records().list(
        "user",
        fields=["name", "username", "roles", "active"],
        sort=["-active", "name"],
        search=request.args.get("search") or None,
        after=request.args.get("after") or None,
        limit=PAGE,
    )
    language = current.language()
    return render_template(
        "setup/people.html",
        people=[person_of(unit, record) for record in found.items],
        next=found.next,
        roles=[(role.name, role.label(language)) for role in unit.catalog.roles.values()],
        jobs=[told(unit, job) for job in list_jobs(unit, [TRANSFER], SHOWN_JOBS)],
        search=request.args.get("search", ""),
        changes=changes(unit),
    )


def person_of(unit: Unit, record: Mapping[str, object]) -> Person:
    """Gives a user as a line."""
    names = [name.strip() for name in str(record["roles"] or "").split(",") if name.strip()]
    roles = unit.catalog.roles
    language = current.language()
    return Person(
        id=str(record["id"]),
        name=str(record["name"]),
        username=str(record["username"]),
        roles=tuple(roles[name].label(language) if name in roles else name for name in names),
        active=record["active"] is True,
        is_self=record["id"] == unit.user_id,
    )


def told(unit: Unit, job: Job) -> dict[str, object]:
    """Gives a handing over as the page shows it."""
    problems = [words(problem) for problem in job.problems]
    return {
        "name": job.params["name"],
        "state": job.state,
        "done": job.done,
        "total": job.total,
        "at": job.created_at,
        "problems": problems,
    }


@blueprint.post("/<user_id>/preview")
@declares("user", "administer")
def preview_user(user_id: str) -> Response:
    """Begins to look as a user."""
    with writing_now() as unit:
        start_as_user(unit, user_id)
    return redirect("/")


@blueprint.post("/roles/<name>/preview")
@declares("user", "administer")
def preview_role(name: str) -> Response:
    """Begins to look as a role."""
    with writing_now() as unit:
        start_as_role(unit, name)
    return redirect("/")


@blueprint.route("/<user_id>/depart", methods=["GET", "POST"])
@declares("user", "administer")
def leave(user_id: str) -> str | Response | tuple[str, int]:
    """Shows what somebody would leave behind, and has her depart."""
    unit = reading()
    demand_administrator(unit)
    given = {name: request.form.get(name, "") for name in ("rule", "to")}
    given["rule"] = given["rule"] or MANAGER
    if request.method == "GET":
        return render_template("setup/depart.html", page=leaving(unit, user_id, given))
    try:
        with writing_now() as writer:
            found = depart(writer, user_id, given["rule"], given["to"] or None, channel="page")
    except Missing:
        raise
    except RecordError as error:
        problems = tuple(words(problem) for problem in error.problems)
        page = leaving(reading(), user_id, given, problems)
        return render_template("setup/depart.html", page=page), 422
    number = sum(found.owned.values())
    said = gettext("Locked out. %(number)s records are being handed over.", number=number)
    flash(said, "success")
    return redirect("/setup/people")


def leaving(
    unit: Unit, user_id: str, given: Mapping[str, str], problems: tuple[str, ...] = ()
) -> Leaving:
    """Collects the page of somebody who departs; raises Missing for nobody."""
    record = unit.records().get("user", user_id, ["name", "username", "roles", "active"])
    if record is None:
        raise Missing
    language = current.language()
    titles = {
        "manager": gettext("The manager"),
        "user": gettext("A user"),
        "team": gettext("A team, in turn"),
        "queue": gettext("A queue"),
    }
    owned = (
        (unit.catalog.objects[name].plural(language), number)
        for name, number in owned_by(unit, user_id)
    )
    webhooks = (
        (
            unit.catalog.objects[name].label(language),
            str(one["title"]),
            record_address(name, str(one["id"])),
        )
        for name, records in acting_as(unit, user_id).items()
        for one in records
    )
    return Leaving(
        person=person_of(unit, record),
        owned=tuple(owned),
        webhooks=tuple(webhooks),
        reports=tuple(
            one.name
            for one in Standing(unit.connection, unit.catalog, unit.moment.today).reports(user_id)
        ),
        rules=tuple((rule, titles[rule]) for rule in RULES),
        given=given,
        problems=problems,
    )
