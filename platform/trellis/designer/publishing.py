"""From a draft to the next version: a plan that says what it means, then publishing exactly it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from metadata import store
from metadata.changes.compare import Difference, Part, compare, compare_texts
from metadata.changes.impact import Impact, measure
from metadata.changes.moved import Moved, on_top
from metadata.diff import plan
from metadata.drafts import drafts, forget_drafts, with_drafts
from metadata.elements import Element
from metadata.json_text import text
from metadata.migrate import publish
from metadata.operations import Operation
from metadata.problems import Problem
from trellis.automation.pinned import RequestPlan, plan_requests
from trellis.designer.altered_tests import altered_tests
from trellis.designer.drafts import author_of, place_of
from trellis.designer.option_history import note_replaced_options
from trellis.designer.replacing import with_replacements
from trellis.errors import Conflict, Missing, Refused
from trellis.publishing import answering, conclude, moved_on
from trellis.service_levels.job import move_open
from trellis.service_levels.preview import ClockPlan, chosen_levels, preview_clocks_of
from trellis.unit import Unit

Replacements = Mapping[str, Mapping[str, str]]
"""By `object.field` the options that take the place of removed ones."""


BACK_TO = ".back-to-"
"""What stands in the token of a way back, before the version."""
VERSION_NUMBER = re.compile(r"\d{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Planned:
    """What publishing a draft would do.

    `token` stands for exactly this plan; `impacts` are in the order of the operations;
    `destructive` lists `object` or `object.field` to be confirmed: what goes out of use, and
    fields whose conversion loses values; `clocks` are the service levels of which something moves,
    `requests` what becomes of open approvals; `altered_tests` are tests of packages that change or
    go, for which a message says why.
    With `problems` it cannot be published.
    """

    token: str
    base_version: int
    operations: tuple[Operation, ...]
    problems: tuple[Problem, ...]
    destructive: tuple[str, ...]
    elements: tuple[Element, ...]
    impacts: tuple[Impact, ...] = ()
    clocks: tuple[ClockPlan, ...] = ()
    requests: RequestPlan = field(default_factory=RequestPlan)
    altered_tests: tuple[str, ...] = ()


Check = Callable[[Planned], None]


def make_plan(unit: Unit, replace_options: Replacements | None = None) -> Planned:
    """Plans the acting administrator's draft against what is in force.

    What others have published since the draft was begun stays, as far as it is about other parts.
    """
    wanted, moved = drafted_elements(unit)
    planned = plan_elements(unit, with_replacements(wanted, replace_options or {}))
    if moved:
        return replace(planned, problems=(*map(moved_problem, moved), *planned.problems))
    return planned


def drafted_elements(unit: Unit) -> tuple[list[Element], list[Moved]]:
    """Gives the definitions as the acting administrator's draft would have them, and what others
    have changed in the same parts."""
    mine = drafts(unit.connection, author_of(unit))
    catalog = unit.catalog
    current = on_top(unit.connection, catalog.elements, mine, catalog.version)
    return with_drafts(catalog.elements, current.drafts), current.moved


def moved_problem(moved: Moved) -> Problem:
    """Words an element that somebody else has changed in the same parts."""
    values = {
        "kind": moved.kind,
        "name": moved.name,
        "version": moved.version,
        "by": moved.by,
        "parts": moved.parts,
    }
    return Problem(place_of(moved.kind, moved.name), "draft_moved", values)


def make_rollback(unit: Unit, version: int, rules: str = "") -> Planned:
    """Plans the way back to an older version, of everything or of one rule file (`rules`); the
    token remembers it.

    Raises Refused when there is none of that number, or no such file.
    """
    author_of(unit)
    wanted = elements_of(unit, version, "/version")
    if rules:
        wanted = with_rules_of(unit, wanted, rules)
    planned = plan_elements(unit, wanted)
    way = f"{version}:{rules}" if rules else f"{version}"
    return replace(planned, token=f"{planned.token}{BACK_TO}{way}", altered_tests=())


def with_rules_of(unit: Unit, then: Sequence[Element], rules: str) -> list[Element]:
    """Gives the elements in force with one rule file as it was; without it where there was none."""
    key = ("rules", rules)
    was = [one for one in then if one.key == key]
    rest = [one for one in unit.catalog.elements if one.key != key]
    if not was and len(rest) == len(unit.catalog.elements):
        raise Refused([Problem("/rules", "unknown_element", {"kind": "rules", "name": rules})])
    return [*rest, *was]


def elements_of(unit: Unit, version: int, place: str) -> list[Element]:
    """Gives the elements of a version. Raises Refused when there is none of that number."""
    if not 1 <= version <= unit.catalog.version:
        values = {"version": version, "newest": unit.catalog.version}
        raise Refused([Problem(place, "unknown_version", values)])
    return store.elements_at(unit.connection, version)


def plan_elements(unit: Unit, wanted: Sequence[Element]) -> Planned:
    """Plans a whole wanted state and finds everything that stands in its way."""
    found = plan(unit.catalog.elements, wanted, unit.catalog)
    planned = Planned(
        token=token_of(unit.catalog.version, found.operations, wanted),
        base_version=unit.catalog.version,
        operations=found.operations,
        problems=found.problems,
        destructive=found.destructive,
        elements=found.elements,
        altered_tests=tuple(altered_tests(unit.catalog.elements, wanted)),
    )
    if not found.operations:
        return planned
    measured = measure(unit.connection, unit.catalog, found, unit.moment.zone)
    if not found.problems:
        planned = replace(
            planned,
            clocks=preview_clocks_of(unit, found.elements),
            requests=plan_requests(unit.connection, unit.catalog, found.elements),
        )
    return replace(
        planned,
        problems=(*found.problems, *measured.problems),
        impacts=measured.impacts,
        destructive=tuple(dict.fromkeys((*found.destructive, *measured.lossy))),
    )


def token_of(version: int, operations: Sequence[Operation], wanted: Sequence[Element]) -> str:
    """Gives what stands for one plan: the base version, and a digest of everything wanted."""
    bodies = sorted((element.kind, element.name, json.dumps(element.body)) for element in wanted)
    kinds = [(operation.kind, operation.place) for operation in operations]
    whole = json.dumps([version, bodies, kinds])
    return f"{version}.{hashlib.sha256(whole.encode()).hexdigest()[:32]}"


def publish_plan(
    unit: Unit,
    token: str,
    *,
    message: str = "",
    confirm: Collection[str] = (),
    replace_options: Replacements | None = None,
    open_clocks: Collection[str] = (),
    check: Check | None = None,
) -> int:
    """Publishes the acting administrator's draft, if `token` still stands for what it would do.

    The token of a way back publishes that, and the draft stays. `open_clocks` names the service
    levels (`object.name`) whose new rules hold for what is open, too; `check` may raise what stands
    in the way besides. Gives the new version. Raises
    Conflict when somebody published since or the draft was changed, and Refused for problems and
    for what is lost without being confirmed.
    """
    author = author_of(unit)
    _, _, way = token.partition(BACK_TO)
    back, _, rules = way.partition(":")
    if VERSION_NUMBER.fullmatch(back):
        planned = make_rollback(unit, int(back), rules)
    else:
        planned = make_plan(unit, replace_options)
    if token != planned.token:
        raise outdated(unit, token, planned)
    if check is not None and not planned.problems:
        check(planned)
    version = publish_planned(
        unit, planned, message=message, confirm=confirm, open_clocks=open_clocks
    )
    if not back:
        forget_drafts(unit.connection, author)
    return version


def publish_planned(
    unit: Unit,
    planned: Planned,
    *,
    message: str,
    confirm: Collection[str],
    open_clocks: Collection[str] = (),
) -> int:
    """Publishes a plan that was made in this transaction."""
    if planned.problems:
        raise Refused(planned.problems)
    if planned.altered_tests and not message.strip():
        values = {"tests": [f'"{name}"' for name in planned.altered_tests]}
        raise Refused([Problem("/message", "why_of_tests_needed", values)])
    moving = chosen_levels(planned.clocks, open_clocks)
    with answering(unit.connection, unit.catalog, planned.base_version):
        note_replaced_options(unit, planned.operations, message)
        version = publish(
            unit.connection,
            planned.elements,
            by=unit.principal.name,
            message=message,
            confirm=confirm,
            expected_version=planned.base_version,
            at=unit.moment.now,
            known=unit.catalog,
            zone=unit.moment.zone,
        )
    if moving:
        move_open(unit, moving)
    by, at = unit.principal.name, unit.moment.now
    return conclude(unit.connection, unit.catalog, version, by=by, at=at, message=message)


def outdated(unit: Unit, token: str, planned: Planned) -> Conflict:
    """Gives the answer to a plan that is not what would happen now."""
    base = token.partition(".")[0]
    if VERSION_NUMBER.fullmatch(base) and int(base) < planned.base_version:
        return Conflict([moved_on(unit.connection, unit.catalog, int(base), planned.base_version)])
    return Conflict([Problem("/token", "draft_changed")])


@dataclass(frozen=True, slots=True)
class Published:
    """One version as the list of versions shows it."""

    version: int
    at: datetime
    by: str
    message: str
    operations: int


def differences(unit: Unit, first: int, second: int) -> list[Difference]:
    """Gives what is different between two versions. Raises Refused for one that is not there."""
    author_of(unit)
    before = [] if first == 0 else elements_of(unit, first, "from")
    return compare(before, elements_of(unit, second, "version"))


def draft_differences(unit: Unit) -> list[Difference]:
    """Gives what the acting administrator's draft changes, part by part."""
    mine = drafts(unit.connection, author_of(unit))
    current = on_top(unit.connection, unit.catalog.elements, mine, unit.catalog.version)
    return compare(unit.catalog.elements, with_drafts(unit.catalog.elements, current.drafts))


def version_of(unit: Unit, version: int) -> store.Entry:
    """Gives one version as it was published. Raises Refused when there is none of that number."""
    author_of(unit)
    entry = store.find_entry(unit.connection, version)
    if entry is None:
        values = {"version": version, "newest": unit.catalog.version}
        raise Refused([Problem("version", "unknown_version", values)])
    return entry


@dataclass(frozen=True, slots=True)
class TextVersion:
    """A version in which a rule file changed, with the lines that went and came."""

    published: Published
    parts: tuple[Part, ...]
    text: str | None


def text_versions(unit: Unit, rules: str) -> list[TextVersion]:
    """Gives the versions of a rule file, newest first. Raises Missing for one that never was."""
    author_of(unit)
    found: list[TextVersion] = []
    before = ""
    for entry, body in store.element_history(unit.connection, "rules", rules):
        told = Published(entry.version, entry.at, entry.by, entry.message, len(entry.operations))
        now = None if body is None else text(body.get("text")) or ""
        found.append(TextVersion(told, tuple(compare_texts(before, now or "")), now))
        before = now or ""
    if not found:
        raise Missing([Problem("", "unknown_element", {"kind": "rules", "name": rules})])
    return found[::-1]


def versions(unit: Unit, limit: int = 200) -> list[Published]:
    """Gives the published versions, newest first."""
    author_of(unit)
    return [
        Published(entry.version, entry.at, entry.by, entry.message, len(entry.operations))
        for entry in store.history(unit.connection, limit)
    ]
