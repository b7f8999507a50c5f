"""Rules in setup: how they stand, how they run, their versions, and turning them off and on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from trellis import current
from trellis.automation.outbox import error_in
from trellis.automation.quarantine import failing_of
from trellis.automation.runs import runs_of
from trellis.declared import declares
from trellis.designer.publishing import (
    TextVersion,
    make_rollback,
    publish_planned,
    text_versions,
)
from trellis.designer.rule_states import (
    ACTIVE,
    DRAFT,
    ENDED,
    QUARANTINED,
    RETIRED,
    SCHEDULED,
    RuleState,
    activate,
    let_go,
    retire,
    rule_state,
    rule_states,
)
from trellis.errors import Conflict, Refused
from trellis.unit import Unit
from trellis.web.addresses import record_address, with_query
from trellis.web.doors import flash_problems, make_blueprint
from trellis.web.people import name_of, names_of
from trellis.web.rule_text import statement
from trellis.web.setup.documents import changes
from trellis.web.words import gettext, lazy_gettext, ngettext
from trellis.work import reading, writing_now

ADDRESS = "/setup/rules"
blueprint = make_blueprint("setup_rules", ADDRESS)

PAGE = 50
FAILING_SHOWN = 20
VERSIONS_SHOWN = 20
STATES = {
    ACTIVE: (lazy_gettext("Active"), "green"),
    QUARANTINED: (lazy_gettext("In quarantine"), "amber"),
    SCHEDULED: (lazy_gettext("Not yet in force"), "blue"),
    ENDED: (lazy_gettext("No longer in force"), "gray"),
    RETIRED: (lazy_gettext("Retired"), "gray"),
    DRAFT: (lazy_gettext("Draft"), "blue"),
}
KEYWORDS = {
    "rule": lazy_gettext("Automation"),
    "validate": lazy_gettext("Validation"),
    "score": lazy_gettext("Score"),
    "assign": lazy_gettext("Assignment"),
    "approval": lazy_gettext("Approval"),
    "sla": lazy_gettext("Service level"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One rule of the list."""

    href: str
    label: str
    kind: str
    object: str
    state: str
    state_text: str
    hue: str
    tests: int
    runs: int
    failing: int
    last_run: datetime | None


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run; `href` leads to the record where the reader sees it."""

    at: datetime
    record: str
    href: str | None
    by: str
    event: str
    effects: int
    milliseconds: float


@dataclass(frozen=True, slots=True)
class FailingLine:
    """One effect that fails."""

    record: str
    href: str | None
    attempts: int
    error: str


@dataclass(frozen=True, slots=True)
class VersionLine:
    """One version of the rule's file."""

    version: int
    at: datetime
    by: str
    message: str
    went: str
    came: str
    may_go_back: bool


@dataclass(frozen=True, slots=True)
class RulePage:
    """What the page of one rule shows."""

    line: Line
    here: str
    file: str
    name: str
    row: int
    since: date | None
    until: date | None
    text: str
    retired_by: str
    retired_at: datetime | None
    retired_why: str
    quarantined_since: datetime | None
    quarantine_why: str
    held: int
    runs: tuple[RunLine, ...]
    older: str | None
    failing: tuple[FailingLine, ...]
    versions: tuple[VersionLine, ...]
    changes: int


@blueprint.get("")
@declares("", "administer")
def index() -> str:
    """Shows all rules, in one state only when asked so."""
    unit = reading()
    found = rule_states(unit)
    chosen = request.args.get("state", "")
    counts = {name: sum(one.state == name for one in found) for name in STATES}
    shown = [one for one in found if chosen not in STATES or one.state == chosen]
    return render_template(
        "setup/rules.html",
        lines=[line_of(unit, one) for one in shown],
        states=[
            (name, str(text), counts[name]) for name, (text, _hue) in STATES.items() if counts[name]
        ],
        chosen=chosen,
        number=len(found),
        changes=changes(unit),
    )


@blueprint.get("/<keyword>/<rule>")
@declares("", "administer")
def show(keyword: str, rule: str) -> str:
    """Shows one rule."""
    unit = reading()
    state = rule_state(unit, keyword, rule)
    here = f"{ADDRESS}/{keyword}/{rule}"
    rows, following = runs_of(
        unit.connection, state.name, after=request.args.get("after"), limit=PAGE
    )
    names = {one.id: one.name for one in unit.catalog.objects.values()}
    about = [(names.get(row["object"], ""), str(row["record_id"])) for row in rows]
    broken = failing_of(unit.connection, state.name, FAILING_SHOWN)
    beside = [(str(row["object"] or ""), str(row["record_id"] or "")) for row in broken]
    titles = record_titles(unit, [*about, *beside])
    texts = [] if state.state == DRAFT else text_versions(unit, state.file)[:VERSIONS_SHOWN]
    wild, gone = state.quarantine, state.retired or {}
    people = names_of(
        unit,
        {
            *(row["by"] for row in rows),
            *(one.published.by for one in texts),
            str(gone.get("by", "")),
        },
    )
    page = RulePage(
        line=line_of(unit, state),
        here=here,
        file=state.file,
        name=state.name,
        row=state.line,
        since=state.period.since,
        until=state.period.until,
        text=text_of(unit, state),
        retired_by=name_of(people, str(gone.get("by", ""))),
        retired_at=datetime.fromisoformat(gone["at"]) if gone else None,
        retired_why=str(gone.get("why", "")),
        quarantined_since=wild.since if wild else None,
        quarantine_why=why_wild(wild.cause, wild.number) if wild else "",
        held=wild.held if wild else 0,
        runs=tuple(
            RunLine(
                at=row["at"],
                record=titles.get(key) or gettext("a record"),
                href=record_address(*key) if key in titles else None,
                by=name_of(people, row["by"]),
                event=event_text(row["event"]),
                effects=row["effects"],
                milliseconds=row["microseconds"] / 1000,
            )
            for row, key in zip(rows, about, strict=True)
        ),
        older=with_query(here, {"after": following}) if following else None,
        failing=tuple(
            FailingLine(
                record=titles.get(key) or gettext("a record"),
                href=record_address(*key) if key in titles else None,
                attempts=row["attempts"],
                error=error_in(row, current.language()) or "",
            )
            for row, key in zip(broken, beside, strict=True)
        ),
        versions=tuple(version_line(one, people, is_newest=one is texts[0]) for one in texts),
        changes=changes(unit),
    )
    return render_template("setup/rule.html", page=page)


@blueprint.post("/<keyword>/<rule>/retire")
@declares("", "administer")
def turn_off(keyword: str, rule: str) -> Response:
    """Retires a rule."""

    def work() -> None:
        with writing_now(publishing=True) as unit:
            retire(unit, keyword, rule, request.form.get("why", ""))
        flash(gettext("The rule is retired: it runs no more."), "success")

    return done(work, keyword, rule)


@blueprint.post("/<keyword>/<rule>/activate")
@declares("", "administer")
def turn_on(keyword: str, rule: str) -> Response:
    """Has a retired rule run again."""

    def work() -> None:
        with writing_now(publishing=True) as unit:
            activate(unit, keyword, rule, request.form.get("why", ""))
        flash(gettext("The rule is active again."), "success")

    return done(work, keyword, rule)


@blueprint.post("/<keyword>/<rule>/release")
@declares("", "administer")
def release_held(keyword: str, rule: str) -> Response:
    """Runs what a rule in quarantine left."""

    def work() -> None:
        with writing_now() as unit:
            count = let_go(unit, keyword, rule, request.form.get("why", ""), dropping=False)
        flash(ngettext("%(num)s effect is run", "%(num)s effects are run", count), "success")

    return done(work, keyword, rule)


@blueprint.post("/<keyword>/<rule>/drop")
@declares("", "administer")
def drop_held(keyword: str, rule: str) -> Response:
    """Cancels what a rule in quarantine left."""

    def work() -> None:
        with writing_now() as unit:
            count = let_go(unit, keyword, rule, request.form.get("why", ""), dropping=True)
        flash(
            ngettext("%(num)s effect is cancelled", "%(num)s effects are cancelled", count),
            "success",
        )

    return done(work, keyword, rule)


@blueprint.post("/<keyword>/<rule>/back/<int:version>")
@declares("", "administer")
def go_back(keyword: str, rule: str, version: int) -> Response:
    """Publishes the rule's file as it was in a version; what stands in the way is said."""

    def work() -> None:
        with writing_now(publishing=True) as unit:
            file = rule_state(unit, keyword, rule).file
            message = gettext("%(file)s as in version %(number)s", file=file, number=version)
            planned = make_rollback(unit, version, file)
            publish_planned(unit, planned, message=message, confirm=())
        flash(message, "success")

    return done(work, keyword, rule)


def done(work: Callable[[], None], keyword: str, rule: str) -> Response:
    """Does something and leads back to the rule, or to the list when it is no more."""
    try:
        work()
    except (Refused, Conflict) as error:
        flash_problems(error)
    unit = reading()
    known = any(one.key == (keyword, rule) for one in rule_states(unit))
    return redirect(f"{ADDRESS}/{keyword}/{rule}" if known else ADDRESS)


def line_of(unit: Unit, state: RuleState) -> Line:
    """Gives a rule as the list shows it."""
    language = current.language()
    definition = unit.catalog.objects.get(state.object)
    text, hue = STATES[state.state]
    return Line(
        href=f"{ADDRESS}/{state.keyword}/{state.name}",
        label=unit.catalog.message(state.label, language),
        kind=str(KEYWORDS[state.keyword]),
        object=definition.label(language) if definition else state.object,
        state=state.state,
        state_text=str(text),
        hue=hue,
        tests=state.tests,
        runs=state.runs,
        failing=state.failing,
        last_run=state.last_run,
    )


def text_of(unit: Unit, state: RuleState) -> str:
    """Gives the rule as it is written; nothing for a draft, which the editor shows."""
    whole = unit.catalog.rules.get(state.file, "") if state.state != DRAFT else ""
    return "\n".join(statement(whole.splitlines()[state.line - 1 :])).strip()


def why_wild(cause: str, number: int) -> str:
    """Says why a rule is in quarantine."""
    if cause == "storm":
        return ngettext(
            "It left %(num)s effect within a minute.",
            "It left %(num)s effects within a minute.",
            number,
        )
    return ngettext(
        "%(num)s of its effects failed.", "%(num)s of its effects failed at the same time.", number
    )


def event_text(event: str) -> str:
    """Says what a rule ran after."""
    return {
        "create": gettext("created"),
        "update": gettext("changed"),
        "delete": gettext("deleted"),
        "due": gettext("by the clock"),
    }.get(event, event)


def record_titles(unit: Unit, about: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Gives the names of records (object, id), as far as the reader sees them."""
    wanted: dict[str, set[str]] = {}
    for object_name, record_id in about:
        if object_name in unit.catalog.objects and record_id:
            wanted.setdefault(object_name, set()).add(record_id)
    return {
        (object_name, record_id): name
        for object_name, ids in wanted.items()
        if unit.principal.access(object_name).exists
        for record_id, name in unit.records().names(object_name, ids).items()
    }


def version_line(one: TextVersion, people: Mapping[str, str], *, is_newest: bool) -> VersionLine:
    """Gives a version of a file with the lines that went and came."""
    went = "\n".join(str(part.before) for part in one.parts if part.before is not None)
    came = "\n".join(str(part.after) for part in one.parts if part.after is not None)
    told = one.published
    return VersionLine(
        version=told.version,
        at=told.at,
        by=name_of(people, told.by),
        message=told.message,
        went=went,
        came=came,
        may_go_back=not is_newest and one.text is not None,
    )
