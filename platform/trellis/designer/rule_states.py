"""Rules in force and not: their states, and turning them off, on, or out of quarantine.

A rule is text, and its dates stand in the text. That somebody retired it stands beside the text, as
a definition of the installation: so it is published like everything else, tells who, when and why,
holds in all processes at once, and a rollback knows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from metadata.drafts import drafts
from metadata.elements import LOCAL, Element
from metadata.json_text import text
from metadata.problems import Problem
from metadata.programs import parse_text
from rule_engine import tree
from rule_engine.errors import RuleError
from rule_engine.program import Definition, Key, Period, Program, definitions_of, key_of
from trellis.audit import note
from trellis.automation.quarantine import Quarantine, drop, failing, quarantined, release
from trellis.automation.runs import last_runs
from trellis.background import demand_administrator
from trellis.designer.drafts import author_of
from trellis.designer.publishing import plan_elements, publish_planned
from trellis.errors import Conflict, Missing, Refused
from trellis.unit import Unit

RETIREMENT: Final = "retirement"
DRAFT, ACTIVE, SCHEDULED, ENDED, RETIRED, QUARANTINED = (
    *("draft", "active", "scheduled", "ended"),
    *("retired", "quarantined"),
)
MAX_WHY: Final = 500
ANY_TIME: Final = Period()

DRAFTED = tree.Rule | tree.Validate | tree.Score | tree.Assign | tree.Approval | tree.Sla
WORDS: Final[Mapping[type[object], str]] = {
    tree.Rule: "rule",
    tree.Validate: "validate",
    tree.Score: "score",
    tree.Assign: "assign",
    tree.Approval: "approval",
    tree.Sla: "sla",
}


@dataclass(frozen=True, slots=True)
class RuleState:
    """How a rule stands. `file` and `line` say where it is written, `tests` how many tests in
    all rule files are about it; `failing` are effects that failed when they
    were tried last, `runs` those of the last day, as far as they are kept.

    `retired` says who retired it, when and why.
    """

    keyword: str
    name: str
    label: str
    object: str
    file: str
    line: int
    state: str
    period: Period
    tests: int
    retired: Mapping[str, Any] | None = None
    quarantine: Quarantine | None = None
    failing: int = 0
    runs: int = 0
    last_run: datetime | None = None

    @property
    def key(self) -> Key:
        """Gives keyword and name."""
        return self.keyword, self.name


def rule_states(unit: Unit) -> list[RuleState]:
    """Gives all rules with how they stand, by object, keyword and name; those that only the draft
    of who asks has, too. Raises NotAllowed."""
    demand_administrator(unit)
    written = unit.catalog.written
    wild = quarantined(unit.connection)
    ran, broken = last_runs(unit.connection, unit.moment.now), failing(unit.connection)
    found = [
        replace(
            state_of(unit, written, one, wild),
            failing=broken.get(one.name, 0),
            runs=ran[one.name].number if one.name in ran else 0,
            last_run=ran[one.name].last if one.name in ran else None,
        )
        for one in definitions_of(written)
    ]
    known = {one.key for one in found}
    found += [one for one in drafted(unit) if one.key not in known]
    return sorted(found, key=lambda one: (one.object, *one.key))


def rule_state(unit: Unit, keyword: str, name: str) -> RuleState:
    """Gives one rule. Raises NotAllowed and Missing."""
    found = next((one for one in rule_states(unit) if one.key == (keyword, name)), None)
    if found is None:
        raise Missing([Problem("", "unknown_rule", {"keyword": keyword, "name": name})])
    return found


def state_of(
    unit: Unit,
    written: Program,
    rule: Definition,
    wild: Mapping[str, Quarantine],
) -> RuleState:
    """Gives how a published rule stands."""
    key = key_of(rule)
    period = written.periods.get(rule.source, ANY_TIME)
    retired = unit.catalog.retirements.get(key)
    state = ACTIVE
    if retired is not None:
        state = RETIRED
    elif rule.name in wild:
        state = QUARANTINED
    else:
        state = state_by_day(period, unit.catalog.day or unit.moment.today)
    return RuleState(
        *key,
        label=rule.label,
        object=rule.object,
        file=rule.source,
        line=rule.span.line,
        state=state,
        period=period,
        tests=sum(case.of == rule.name for case in unit.catalog.tested.tests),
        retired=retired,
        quarantine=wild.get(rule.name),
    )


def state_by_day(period: Period, day: date) -> str:
    """Gives the state of a rule that nobody has touched."""
    if period.is_ahead(day):
        return SCHEDULED
    return ENDED if period.is_over(day) else ACTIVE


def drafted(unit: Unit) -> Iterator[RuleState]:
    """Gives the rules in the draft of who asks, as far as its texts can be read."""
    for draft in drafts(unit.connection, unit.principal.name):
        if draft.kind != "rules" or draft.body is None:
            continue
        try:
            ruleset = parse_text(text(draft.body.get("text")) or "", draft.name, "")
        except RuleError:
            continue
        for one in ruleset.statements:
            if isinstance(one, DRAFTED):
                name = one.head.name
                yield RuleState(
                    WORDS[type(one)],
                    name.text,
                    label=one.head.label or name.text,
                    object=one.head.object.text,
                    file=draft.name,
                    line=name.span.line,
                    state=DRAFT,
                    period=Period(ruleset.effective, ruleset.until),
                    tests=tests_in(ruleset, name.text),
                )


def tests_in(ruleset: tree.Ruleset, name: str) -> int:
    """Gives how many tests of a text are about one of its rules."""
    return sum(isinstance(one, tree.Test) and one.of.text == name for one in ruleset.statements)


def retire(unit: Unit, keyword: str, name: str, why: str) -> int:
    """Has a rule kept and run no more, at once and everywhere; gives the new version.

    What it has begun goes on: approvals and clocks stay on their rules. Raises NotAllowed, Missing,
    Conflict for one that is retired already, and Refused without a reason.
    """
    state = published(unit, keyword, name)
    if state.retired is not None:
        raise Conflict([Problem("", "rule_retired", {"name": name})])
    told = reason(why)
    body = {"by": author_of(unit), "at": unit.moment.now.isoformat(), "why": told}
    element = Element("", RETIREMENT, f"{keyword}/{name}", LOCAL, body)
    planned = plan_elements(unit, [*unit.catalog.elements, element])
    return publish_planned(unit, planned, message=told, confirm=())


def activate(unit: Unit, keyword: str, name: str, why: str) -> int:
    """Has a retired rule run again; gives the new version. What it missed is not made up for.

    Raises what `retire` raises; Conflict for one that is not retired.
    """
    state = published(unit, keyword, name)
    if state.retired is None:
        raise Conflict([Problem("", "rule_not_retired", {"name": name})])
    told, key = reason(why), (RETIREMENT, f"{keyword}/{name}")
    planned = plan_elements(unit, [one for one in unit.catalog.elements if one.key != key])
    return publish_planned(unit, planned, message=told, confirm=())


def published(unit: Unit, keyword: str, name: str) -> RuleState:
    """Gives a rule that is more than a draft. Raises NotAllowed, Missing and Conflict."""
    author_of(unit)
    state = rule_state(unit, keyword, name)
    if state.state == DRAFT:
        raise Conflict([Problem("", "rule_drafted", {"name": name})])
    return state


def reason(why: str) -> str:
    """Gives the reason as it is kept. Raises Refused without one."""
    told = why.strip()
    if not told:
        raise Refused([Problem("/why", "why_needed")])
    if len(told) > MAX_WHY:
        raise Refused([Problem("/why", "max_length", {"limit": MAX_WHY, "length": len(told)})])
    return told


def let_go(unit: Unit, keyword: str, name: str, why: str, *, dropping: bool) -> int:
    """Ends a rule's quarantine: what is held is run, or cancelled when `dropping`; gives how much.

    Raises NotAllowed, Missing, Conflict for one that is not in quarantine, Refused without a
    reason.
    """
    state = rule_state(unit, keyword, name)
    if state.quarantine is None:
        raise Conflict([Problem("", "rule_not_quarantined", {"name": name})])
    told = reason(why)
    count = drop(unit.connection, name) if dropping else release(unit.connection, name)
    kind = "rule_dropped" if dropping else "rule_released"
    note(unit, kind, values={"rule": name, "messages": count}, why=told)
    return count
