"""Publishing in setup: the plan of a draft in words, and the versions there have been."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from metadata.changes.compare import Difference
from metadata.changes.moved import keep_drafts
from metadata.drafts import Steps
from metadata.operations import read_operation
from metadata.problems import Problem
from trellis.declared import declares
from trellis.designer.drafts import author_of, discard, step_back, step_forth, steps_of
from trellis.designer.publishing import (
    Planned,
    differences,
    make_plan,
    make_rollback,
    publish_plan,
    version_of,
    versions,
)
from trellis.designer.setting_aside import can_set_aside, set_tests_aside
from trellis.errors import Conflict, Missing, Refused
from trellis.scoring.bound import bound_token, read_token
from trellis.service_levels.job import move_open
from trellis.service_levels.preview import ClockPlan, chosen_levels, preview_moving
from trellis.unit import Unit
from trellis.web.doors import make_blueprint, words
from trellis.web.people import name_of, names_of
from trellis.web.setup.clock_lines import ClockCard, clock_cards
from trellis.web.setup.documents import changes
from trellis.web.setup.plan_lines import PlanLine, detailed, grouped
from trellis.web.setup.scores import Named, changed_names
from trellis.web.words import gettext
from trellis.work import reading, writing_now

blueprint = make_blueprint("setup_publishing", "/setup")

Answer = str | Response | tuple[str, int]


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
    steps: Steps
    scores: tuple[Named, ...] = ()
    moved: bool = False
    back_to: int | None = None
    message: str = ""
    typed: str = ""
    error: str = ""
    clocks: tuple[ClockCard, ...] = ()
    requests: tuple[str, ...] = ()
    scores_moved: bool = False
    breaks_tests: bool = False
    asks_why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VersionLine:
    """One published version."""

    version: int
    at: datetime
    by: str
    message: str
    operations: int


@dataclass(frozen=True, slots=True)
class PartLine:
    """One part of a document that differs."""

    path: str
    state: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class DifferenceLine:
    """One element that differs."""

    kind: str
    name: str
    was: str
    state: str
    parts: tuple[PartLine, ...]


@dataclass(frozen=True, slots=True)
class VersionPage:
    """What the page of one version shows; `first` is the version it is compared with."""

    version: int
    at: datetime
    by: str
    message: str
    first: int
    groups: tuple[tuple[str, tuple[PlanLine, ...]], ...]
    differences: tuple[DifferenceLine, ...]
    others: tuple[int, ...]
    current: int
    changes: int


@blueprint.get("/publish")
@declares("", "administer")
def plan() -> str:
    """Shows what publishing the draft would do."""
    return show()


def show(
    message: str = "",
    typed: str = "",
    problems: Sequence[Problem] = (),
    *,
    back_to: int | None = None,
    chosen: Collection[str] = (),
) -> str:
    """Gives the plan of the draft as it is now, or of the way back to a version."""
    unit = reading()
    planned = make_plan(unit) if back_to is None else make_rollback(unit, back_to)
    page = PublishPage(
        groups=grouped(planned.operations, detailed(unit, planned.operations, planned.impacts)),
        problems=tuple(PlanProblem(place(p.path, p.line), words(p)) for p in planned.problems),
        destructive=planned.destructive,
        token=planned.token,
        version=planned.base_version + 1,
        changes=changes(unit),
        message=message,
        typed=typed,
        error=" ".join(map(words, problems)),
        scores_moved=any(problem.code == "scores_moved" for problem in problems),
        back_to=back_to,
        steps=steps_of(unit),
        scores=changed_names(unit, planned),
        moved=any(problem.code == "draft_moved" for problem in planned.problems),
        breaks_tests=back_to is None and can_set_aside(planned),
        asks_why=planned.altered_tests,
        clocks=clock_cards(unit, planned.clocks or older_clocks(unit, planned, back_to), chosen),
        requests=tuple(map(words, planned.requests.told)),
    )
    return render_template("setup/publish.html", page=page)


def older_clocks(unit: Unit, planned: Planned, back_to: int | None) -> tuple[ClockPlan, ...]:
    """Gives the clocks that are on older rules, where there is nothing else to show."""
    is_empty = back_to is None and not planned.operations and not planned.problems
    return preview_moving(unit) if is_empty else ()


@blueprint.post("/open-clocks")
@declares("", "administer")
def move_clocks() -> Answer:
    """Has the rules in force hold for the clocks that are ticked."""
    try:
        with writing_now() as unit:
            found = chosen_levels(preview_moving(unit), request.form.getlist("open_clocks"))
            if found:
                move_open(unit, found)
    except Refused as error:
        return show(problems=error.problems), 422
    if found:
        flash(gettext("The clocks are being moved; see background work."), "success")
    return redirect("/setup/publish")


def place(path: str, line: int | None) -> str:
    """Gives where a problem is, as people read it."""
    parts = [part for part in path.split("/") if part]
    text = " › ".join(parts)
    return f"{text}:{line}" if line else text


@blueprint.post("/publish")
@declares("", "administer")
def publish() -> Answer:
    """Publishes exactly the plan that was shown; what is lost has to be typed."""
    message, typed = request.form.get("message", ""), request.form.get("confirm", "")
    back_to = request.form.get("back_to", type=int)
    confirmed = [name.strip() for name in typed.replace(",", " ").split()]
    chosen = request.form.getlist("open_clocks")
    try:
        with writing_now(publishing=True) as unit:
            answers = () if request.form.get("anyway") else request.form.getlist("answer")
            token = bound_token(request.form.get("token", ""), answers)
            plan_token, check = read_token(unit, token)
            version = publish_plan(
                unit,
                plan_token,
                message=message.strip(),
                confirm=confirmed,
                open_clocks=chosen,
                check=check,
            )
    except (Refused, Conflict) as error:
        return show(message, typed, error.problems, back_to=back_to, chosen=chosen), 422
    flash(gettext("Version %(number)s is published and in use.", number=version), "success")
    return redirect("/setup/objects")


@blueprint.post("/discard")
@declares("", "administer")
def forget() -> Response:
    """Forgets the whole draft."""
    with writing_now() as unit:
        discard(unit)
    flash(gettext("Your draft is forgotten."), "success")
    return redirect("/setup/objects")


@blueprint.post("/undo")
@declares("", "administer")
def undo() -> Response:
    """Takes back the last change of the draft."""
    return moved(step_back, gettext("Undone: %(what)s"))


@blueprint.post("/redo")
@declares("", "administer")
def redo() -> Response:
    """Does again what was taken back."""
    return moved(step_forth, gettext("Done again: %(what)s"))


def moved(step: Callable[[Unit], list[str]], said: str) -> Response:
    """Goes one step and back to where the button was."""
    try:
        with writing_now() as unit:
            changed = step(unit)
        flash(said % {"what": ", ".join(dict.fromkeys(changed))}, "success")
    except Conflict as error:
        flash(" ".join(words(problem) for problem in error.problems), "error")
    return redirect(own_path(request.form.get("back")) or "/setup/publish")


def own_path(given: str | None) -> str | None:
    """Gives a path of setup as it is, and nothing for anything else."""
    return given if given and given.startswith("/setup/") and "//" not in given else None


@blueprint.post("/set-tests-aside")
@declares("", "administer")
def set_aside() -> Response:
    """Takes out, by the draft, the tests of packages that it makes fail."""
    with writing_now() as unit:
        set_tests_aside(unit)
    return redirect("/setup/publish")


@blueprint.post("/keep")
@declares("", "administer")
def keep() -> Response:
    """Takes the draft as it is, over what others have published meanwhile."""
    with writing_now() as unit:
        keep_drafts(unit.connection, author_of(unit), unit.catalog.version)
    flash(gettext("Your draft counts now, also where others have changed the same."), "success")
    return redirect("/setup/publish")


@blueprint.get("/versions/<int:version>")
@declares("", "administer")
def version(version: int) -> Answer:
    """Shows what a version did, and what is different from another one."""
    unit = reading()
    first = request.args.get("from", version - 1, type=int)
    try:
        entry = version_of(unit, version)
        found = differences(unit, first, version)
    except Refused as error:
        raise Missing(error.problems) from error
    people = names_of(unit, {entry.by})
    shown = VersionPage(
        version=entry.version,
        at=entry.at,
        by=name_of(people, entry.by),
        message=entry.message,
        first=first,
        groups=grouped([read_operation(one) for one in entry.operations]),
        differences=tuple(difference_line(one) for one in found),
        others=tuple(one.version for one in versions(unit)),
        current=unit.catalog.version,
        changes=changes(unit),
    )
    return render_template("setup/version.html", page=shown)


def difference_line(found: Difference) -> DifferenceLine:
    """Gives one element that differs, as people read it."""
    return DifferenceLine(
        kind=words(Problem("", f"element_{found.kind}")),
        name=found.name,
        was=found.was,
        state=found.state,
        parts=tuple(
            PartLine(part.path, part.state, shown_value(part.before), shown_value(part.after))
            for part in found.parts
        ),
    )


def shown_value(value: object) -> str:
    """Gives a part of a document as text; "" for nothing."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@blueprint.get("/versions/<int:version>/rollback")
@declares("", "administer")
def plan_back(version: int) -> Answer:
    """Shows what going back to a version would do."""
    try:
        return show(back_to=version)
    except Refused as error:
        raise Missing(error.problems) from error


@blueprint.get("/versions")
@declares("", "administer")
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
