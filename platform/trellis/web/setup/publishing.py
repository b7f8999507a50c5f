"""Publishing in setup: the plan of a draft in words, and the versions there have been."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from metadata.operations import Operation
from trellis import current
from trellis.automation.idle import Idle
from trellis.designer.drafts import discard
from trellis.designer.publishing import (
    Planned,
    idle_rules,
    make_plan,
    publish_plan,
    versions,
)
from trellis.errors import Conflict, Refused
from trellis.web.doors import make_blueprint, words
from trellis.web.people import name_of, names_of
from trellis.web.setup.documents import changes
from trellis.web.words import gettext
from trellis.work import reading, writing_now

blueprint = make_blueprint("setup_publishing", "/setup")

Answer = str | Response | tuple[str, int]

ADDED, CHANGED, LOST = "added", "changed", "lost"


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One thing that publishing does."""

    text: str
    icon: str
    hue: str


@dataclass(frozen=True, slots=True)
class PlanProblem:
    """One thing that stands in the way."""

    place: str
    text: str


@dataclass(frozen=True, slots=True)
class PublishPage:
    """What the page shows."""

    groups: tuple[tuple[str, tuple[PlanLine, ...]], ...]
    problems: tuple[PlanProblem, ...]
    destructive: tuple[str, ...]
    token: str
    version: int
    changes: int
    idle: tuple[PlanProblem, ...] = ()
    message: str = ""
    typed: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class VersionLine:
    """One published version."""

    version: int
    at: datetime
    by: str
    message: str
    operations: int


@blueprint.get("/publish")
def plan() -> str:
    """Shows what publishing the draft would do."""
    return show()


def show(message: str = "", typed: str = "", error: str = "") -> str:
    """Gives the plan of the draft as it is now."""
    unit = reading()
    planned = make_plan(unit)
    page = PublishPage(
        groups=grouped(planned),
        problems=tuple(PlanProblem(place(p.path, p.line), words(p)) for p in planned.problems),
        destructive=planned.destructive,
        token=planned.token,
        version=planned.base_version + 1,
        changes=changes(unit),
        idle=tuple(map(idle_line, idle_rules(planned))),
        message=message,
        typed=typed,
        error=error,
    )
    return render_template("setup/publish.html", page=page)


def idle_line(idle: Idle) -> PlanProblem:
    """Gives what is not carried out yet, as people read it."""
    said = idle.finding().said.in_language(current.language())
    return PlanProblem(place(idle.source, idle.span.line), said)


def grouped(planned: Planned) -> tuple[tuple[str, tuple[PlanLine, ...]], ...]:
    """Gives the operations by what they do: added, changed, lost."""
    titles = {
        ADDED: gettext("Added"),
        CHANGED: gettext("Changed"),
        LOST: gettext("Taken out of use"),
    }
    found: dict[str, list[PlanLine]] = {kind: [] for kind in titles}
    for operation in planned.operations:
        kind = kind_of(operation)
        icon, hue = {
            ADDED: ("plus", "green"),
            CHANGED: ("pencil", "blue"),
            LOST: ("archive", "red"),
        }[kind]
        found[kind].append(PlanLine(operation.sentence(current.language()), icon, hue))
    return tuple((titles[kind], tuple(lines)) for kind, lines in found.items() if lines)


def kind_of(operation: Operation) -> str:
    """Gives what an operation does."""
    if operation.is_destructive or operation.kind.startswith(("retire", "remove", "drop")):
        return LOST
    return ADDED if operation.kind.startswith(("create", "add", "restore")) else CHANGED


def place(path: str, line: int | None) -> str:
    """Gives where a problem is, as people read it."""
    parts = [part for part in path.split("/") if part]
    text = " › ".join(parts)
    return f"{text}:{line}" if line else text


@blueprint.post("/publish")
def publish() -> Answer:
    """Publishes exactly the plan that was shown; what is lost has to be typed."""
    message, typed = request.form.get("message", ""), request.form.get("confirm", "")
    confirmed = [name.strip() for name in typed.replace(",", " ").split()]
    try:
        with writing_now() as unit:
            version = publish_plan(
                unit, request.form.get("token", ""), message=message.strip(), confirm=confirmed
            )
    except (Refused, Conflict) as error:
        text = " ".join(words(problem) for problem in error.problems)
        return show(message, typed, text), 422
    flash(gettext("Version %(number)s is published and in use.", number=version), "success")
    return redirect("/setup/objects")


@blueprint.post("/discard")
def forget() -> Response:
    """Forgets the whole draft."""
    with writing_now() as unit:
        discard(unit)
    flash(gettext("Your draft is forgotten."), "success")
    return redirect("/setup/objects")


@blueprint.get("/versions")
def history() -> str:
    """Shows the published versions, newest first."""
    unit = reading()
    found = versions(unit)
    people = names_of(unit, {one.by for one in found})
    lines = [
        VersionLine(one.version, one.at, name_of(people, one.by), one.message, one.operations)
        for one in found
    ]
    return render_template("setup/versions.html", versions=lines, changes=changes(unit))
