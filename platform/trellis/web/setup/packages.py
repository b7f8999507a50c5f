"""Packages in setup: which there are, what a new version would do, conflicts, and removal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from metadata.packages.export import export_package, zipped
from metadata.packages.files import load_bases
from metadata.packages.read import Package, read_package
from metadata.packages.requirements import ALWAYS, retired_packages
from metadata.packages.signing import Trust
from metadata.packages.three_way import ABSENT, Conflict
from metadata.problems import PackageError, Problem
from trellis import current
from trellis.declared import declares
from trellis.designer.drafts import author_of
from trellis.errors import Conflict as Outdated
from trellis.errors import Missing, Refused
from trellis.files.downloads import zip_answer
from trellis.files.requests import takes_files
from trellis.installing.plans import (
    Desk,
    PackagePlan,
    desk_of,
    install_plan,
    keep_plan,
    packages_of,
    plan_packages,
)
from trellis.installing.removal import (
    RemovalPlan,
    export_data,
    note_data,
    plan_removal,
    uninstall_package,
)
from trellis.installing.sources import find_offers
from trellis.unit import Unit
from trellis.web.doors import make_blueprint, words
from trellis.web.setup.clock_lines import ClockCard, clock_cards
from trellis.web.setup.documents import changes
from trellis.web.setup.plan_lines import PlanLine, grouped
from trellis.web.words import gettext
from trellis.work import reading, writing_now

blueprint = make_blueprint("setup_packages", "/setup/packages")

Answer = str | Response | tuple[str, int]

MAX_SHOWN = 400
TRUST_HUES = {
    Trust.TRUSTED: "green",
    Trust.UNKNOWN: "amber",
    Trust.UNSIGNED: "gray",
    Trust.BROKEN: "red",
}


@dataclass(frozen=True, slots=True)
class PackageLine:
    """One package of the list. `state` is installed, uninstalled or available; `newer` is a known
    version that could replace the one in force."""

    name: str
    title: str
    version: str
    state: str
    origin: str
    newer: str = ""
    is_fixed: bool = False


@dataclass(frozen=True, slots=True)
class StepLine:
    """One package of a plan."""

    title: str
    version: str
    installed: str
    trust: str
    hue: str
    key: str
    came_back: bool


@dataclass(frozen=True, slots=True)
class ConflictLine:
    """One conflict to be resolved; a side without the part is None."""

    place: str
    base: str | None
    ours: str | None
    theirs: str | None
    kept: str


@dataclass(frozen=True, slots=True)
class PlanPage:
    """What the page of a plan shows."""

    token: str
    steps: tuple[StepLine, ...]
    groups: tuple[tuple[str, tuple[PlanLine, ...]], ...]
    problems: tuple[tuple[str, str], ...]
    conflicts: tuple[ConflictLine, ...]
    edits: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]
    clocks: tuple[ClockCard, ...]
    requests: tuple[str, ...]
    destructive: tuple[str, ...]
    changes: int
    typed: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class RemovalPage:
    """What the page about uninstalling shows."""

    name: str
    title: str
    found: RemovalPlan
    problems: tuple[tuple[str, str], ...]
    changes: int
    error: str = ""


def at_desk(unit: Unit) -> Desk:
    """Gives the desk of who asks. Raises NotAllowed for who may not administer."""
    author_of(unit)
    return desk_of(unit, current.platform().settings)


@blueprint.get("")
@declares("", "administer")
def packages() -> str:
    """Shows the packages that are installed, were uninstalled, or could be installed."""
    return show_list()


def show_list(problems: tuple[str, ...] = ()) -> str:
    """Gives the list, with what was wrong with an upload."""
    unit = reading()
    return render_template(
        "setup/packages.html",
        packages=lines(at_desk(unit)),
        problems=problems,
        changes=changes(unit),
    )


def lines(desk: Desk) -> list[PackageLine]:
    """Gives all packages: those in force first, then by title."""
    language = current.language()
    gone = retired_packages(desk.catalog.elements)
    titles = {
        e.name: str(e.body.get("title")) for e in desk.catalog.elements if e.kind == "package"
    }
    found = []
    for name in {*desk.installed, *gone, *desk.offers}:
        offer, version = desk.offers.get(name), desk.installed.get(name) or gone.get(name, "")
        state = (
            "installed"
            if name in desk.installed
            else "uninstalled"
            if name in gone
            else "available"
        )
        known = offer.version if offer else ""
        found.append(
            PackageLine(
                name,
                titles.get(name) or (offer.title if offer else name),
                version or known,
                state,
                offer.origin.in_language(language) if offer else "",
                known if state == "installed" and known not in {"", version} else "",
                name in ALWAYS,
            )
        )
    states = ("installed", "uninstalled", "available")
    return sorted(found, key=lambda one: (states.index(one.state), one.title))


@blueprint.post("/plan")
@takes_files
@declares("", "administer")
def make_plan() -> Answer:
    """Takes in a zip, or a known package, and leads to its plan."""
    try:
        package = sent_package()
        with writing_now() as unit:
            desk = at_desk(unit)
            token = keep_plan(desk, plan_packages(desk, [package]))
    except PackageError as error:
        return show_list(
            tuple(f"{p.path}: {words(p)}" if p.path else words(p) for p in error.problems)
        ), 422
    return redirect(f"/setup/packages/plan/{token}")


def sent_package() -> Package:
    """Gives the package that was sent or named. Raises PackageError."""
    sent, name = request.files.get("file"), request.form.get("name", "")
    if sent is not None and sent.filename:
        return read_package(sent.stream)
    offers = find_offers()
    if name in offers:
        return read_package(offers[name].folder)
    raise PackageError([Problem("", "file_expected")])


@blueprint.get("/plan/<token>")
@declares("", "administer")
def plan(token: str) -> Answer:
    """Shows what installing the packages of a token would do."""
    try:
        return show_plan(token)
    except Outdated as error:
        flash(" ".join(map(words, error.problems)), "danger")
        return redirect("/setup/packages")


def show_plan(
    token: str, chosen: Mapping[str, str] | None = None, typed: str = "", error: str = ""
) -> str:
    """Gives the page of a plan, with what was chosen so far."""
    unit = reading()
    desk = at_desk(unit)
    found = plan_packages(desk, packages_of(desk, token), chosen)
    page = PlanPage(
        token=token,
        steps=tuple(step_lines(found)),
        groups=grouped(found.operations),
        problems=tuple((problem.path, words(problem)) for problem in found.problems),
        conflicts=tuple(map(conflict_line, found.conflicts)),
        edits=found.edits,
        left_out=tuple((problem.path, words(problem)) for problem in found.left_out),
        clocks=clock_cards(unit, found.clocks(unit), ()),
        requests=tuple(map(words, found.requests(unit).told)),
        destructive=found.destructive,
        changes=changes(unit),
        typed=typed,
        error=error,
    )
    return render_template("setup/package_plan.html", page=page)


def step_lines(found: PackagePlan) -> list[StepLine]:
    """Gives the packages of a plan."""
    return [
        StepLine(
            step.package.manifest.title,
            step.package.manifest.version,
            step.installed,
            words(Problem("", f"trust_{step.signature.trust}")),
            TRUST_HUES[step.signature.trust],
            step.signature.key,
            step.came_back,
        )
        for step in found.steps
    ]


def conflict_line(conflict: Conflict) -> ConflictLine:
    """Gives a conflict as people read it."""
    return ConflictLine(
        conflict.place,
        shown(conflict.base),
        shown(conflict.ours),
        shown(conflict.theirs),
        conflict.kept,
    )


def shown(value: object) -> str | None:
    """Writes one side of a conflict."""
    if value is ABSENT:
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


@blueprint.post("/install")
@declares("", "administer")
def install() -> Answer:
    """Installs exactly what was shown; conflicts go as they were chosen."""
    token, typed = request.form.get("token", ""), request.form.get("confirm", "")
    chosen = dict(zip(request.form.getlist("place"), choices_sent(), strict=False))
    confirmed = [name.strip() for name in typed.replace(",", " ").split()]
    try:
        with writing_now(publishing=True) as unit:
            version = install_plan(at_desk(unit), token, resolutions=chosen, confirm=confirmed)
    except Refused as error:
        text = " ".join(words(problem) for problem in error.problems)
        return show_plan(token, chosen, typed, text), 422
    except Outdated as error:
        flash(" ".join(map(words, error.problems)), "danger")
        return redirect("/setup/packages")
    flash(gettext("Installed: version %(number)s is in use.", number=version), "success")
    return redirect("/setup/packages")


def choices_sent() -> list[str]:
    """Gives the sides that were chosen, in the order of the conflicts."""
    places = request.form.getlist("place")
    return [request.form.get(f"choice-{index}", "ours") for index in range(1, len(places) + 1)]


@blueprint.get("/<name>/uninstall")
@declares("", "administer")
def removal(name: str) -> str:
    """Shows what uninstalling a package would mean."""
    return show_removal(name)


def show_removal(name: str, error: str = "") -> str:
    """Gives the page about uninstalling."""
    unit = reading()
    found = plan_removal(at_desk(unit), name)
    manifest = next(e for e in unit.catalog.elements if e.key == ("package", name))
    page = RemovalPage(
        name,
        str(manifest.body.get("title") or name),
        found,
        tuple((problem.path, words(problem)) for problem in found.problems),
        changes(unit),
        error,
    )
    return render_template("setup/package_removal.html", page=page)


@blueprint.post("/<name>/uninstall")
@declares("", "administer")
def uninstall(name: str) -> Answer:
    """Takes a package out of use when its name was typed."""
    try:
        with writing_now(publishing=True) as unit:
            version = uninstall_package(
                at_desk(unit), name, confirm=[request.form.get("confirm", "").strip()]
            )
    except (Refused, Outdated) as error:
        return show_removal(name, " ".join(map(words, error.problems))), 422
    flash(gettext("Uninstalled: version %(number)s is in use.", number=version), "success")
    return redirect("/setup/packages")


@blueprint.get("/<name>/export")
@declares("", "administer")
def export(name: str) -> Response:
    """Gives a package as a zip, with what was changed of its elements here."""
    unit = reading()
    elements = at_desk(unit).catalog.elements
    if name not in unit.catalog.packages:
        raise Missing([Problem("", "package_not_installed", {"name": name})])
    base = load_bases(unit.connection, elements).get(name)
    return zip_answer(zipped(export_package(name, elements, base).files), name)


@blueprint.get("/<name>/data")
@declares("", "administer")
def data(name: str) -> Response:
    """Gives the records of a package's objects as CSV in a zip."""
    unit = reading()
    at_desk(unit)
    content = export_data(unit, name)
    with writing_now() as writing:
        note_data(writing, name)
    return zip_answer(content, f"{name}-data")
