"""Cards that say why: how a score came about, what an approval waits for and for what reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from metadata.catalog import Catalog
from metadata.fields.base import choose_label
from metadata.objects import ObjectDefinition
from rule_engine.program import Approval, Score
from rule_engine.services.approval import can_submit
from rule_engine.services.approval_state import ApprovalState, Decision, Handover, StepPlan
from rule_engine.services.score import ScoreResult
from rule_engine.services.substitutes import represented
from trellis.approvals.route import RouteStep
from trellis.automation.approval_store import Request
from trellis.automation.environment import environment_of
from trellis.automation.scores import stored
from trellis.records.explain import explain_scores
from trellis.unit import Unit
from trellis.web.formatting import day
from trellis.web.people import name_of
from trellis.web.reasons import Reasons
from trellis.web.rule_text import text_of
from trellis.web.words import gettext

CURRENT, APPROVED, REJECTED, SKIPPED, PLANNED = (
    *("current", "approved", "rejected", "skipped"),
    "planned",
)
STATES = {
    "open": CURRENT,
    "approved": APPROVED,
    "rejected": REJECTED,
    "returned": REJECTED,
    "skipped": SKIPPED,
}


@dataclass(frozen=True, slots=True)
class Points:
    """One item of a score that counted; a factor has its own text as amount."""

    amount: Decimal
    text: str
    is_factor: bool = False


@dataclass(frozen=True, slots=True)
class ScoreCard:
    """A score with its reasons. `kept` is what the record still holds when time has changed it."""

    label: str
    points: Decimal
    grade: str | None
    grade_hue: str
    base: Decimal | None
    items: tuple[Points, ...]
    clamped: bool
    low: Decimal | None
    high: Decimal | None
    rule: str
    kept: object = None


@dataclass(frozen=True, slots=True)
class Spoken:
    """One decision on a step; `files` are names and addresses."""

    sentence: str
    comment: str
    at: datetime
    files: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class StepCard:
    """One step of a path. `reason` says why it is or is not on the way."""

    label: str
    state: str
    state_text: str
    decisions: tuple[Spoken, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalCard:
    """A request with its path."""

    request_id: str
    revision: int
    label: str
    question: str
    reason: str
    steps: tuple[StepCard, ...]
    step_label: str
    may_decide: bool
    rule: str


def score_cards(
    unit: Unit, definition: ObjectDefinition, record: Mapping[str, object], language: str
) -> tuple[ScoreCard, ...]:
    """Gives the scores of a record, explained; `record` holds the fields it is shown with."""
    rules = {score.name: score for score in unit.catalog.program.for_object(definition.name).scores}
    if not rules:
        return ()
    return tuple(
        score_card(unit.catalog, definition, result, rules[result.name], language, record)
        for result in explain_scores(unit, definition.name, str(record["id"]))
    )


def score_card(
    catalog: Catalog,
    definition: ObjectDefinition,
    result: ScoreResult,
    rule: Score,
    language: str,
    record: Mapping[str, object],
) -> ScoreCard:
    """Gives one score with its items in words."""
    kept = record.get(rule.into)
    field = definition.fields.get(rule.grade_into or "")
    option = field.option(result.grade) if field else None
    return ScoreCard(
        label=catalog.message(result.label, language),
        points=result.points,
        grade=choose_label(option.labels, language) if option else result.grade,
        grade_hue=(option.hue if option else None) or "gray",
        base=result.base or None,
        items=tuple(
            Points(
                item.amount,
                catalog.message(item.because or item.text, language),
                item.kind == "multiply",
            )
            for item in result.items
        ),
        clamped=result.points != result.total,
        low=result.least,
        high=result.most,
        rule=text_of(catalog, rule),
        kept=None if kept == stored(definition, rule.into, result.points) else kept,
    )


def approval_card(
    unit: Unit,
    request: Request,
    approval: Approval | None,
    people: Mapping[str, str],
    definition: ObjectDefinition,
    language: str,
) -> ApprovalCard:
    """Gives a request as a card: its path, and why it is needed at all."""
    state = request.state
    reasons = Reasons(definition, unit.principal.access(definition.name), language)
    steps = tuple(step_card(unit, step, state, people, reasons) for step in state.path)
    current = next((step for step in steps if step.state == CURRENT), None)
    entered = entry_of(unit, approval, definition, request.record_id)
    label = unit.catalog.message(request.label, language)
    asks = request.status == "open" and request.has_rules
    reason = reasons.entry(entered) or (current.reason if current else "")
    if request.status == "open" and not asks:
        reason = gettext("Its rules do not fit the definitions any more: it can only be recalled.")
    return ApprovalCard(
        request_id=request.id,
        revision=request.revision,
        label=label,
        question=gettext("Why is approval needed?") if asks else label,
        reason=reason,
        steps=steps,
        step_label=current.label if current else "",
        may_decide=request.has_rules and may_decide(unit, approval, state),
        rule=text_of(unit.catalog, approval) if approval else "",
    )


def may_decide(unit: Unit, approval: Approval | None, state: ApprovalState) -> bool:
    """Says whether the reader has a word now, her own or somebody's who is away."""
    if unit.user_id is None or unit.user_id in state.approvers:
        return unit.user_id is not None
    if approval is None or {step.name for step in state.open_steps} - {
        step.name for step in approval.steps
    }:
        return False
    return bool(represented(approval, state, unit.user_id, unit.directory))


def entry_of(
    unit: Unit, approval: Approval | None, definition: ObjectDefinition, record_id: str
) -> object:
    """Gives the trace of an approval's own condition on the record as it is now."""
    if approval is None or approval.enter is None:
        return None
    record = unit.as_automation().records().get(definition.name, record_id)
    trace = can_submit(approval, record, environment_of(unit)) if record else None
    return trace.to_json() if trace else None


def step_card(
    unit: Unit,
    step: StepPlan,
    state: ApprovalState,
    people: Mapping[str, str],
    reasons: Reasons,
) -> StepCard:
    """Gives one step in words."""
    kind = STATES.get(step.status, PLANNED if step.needed else SKIPPED)
    if state.status != "open" and kind in (CURRENT, PLANNED):
        kind = SKIPPED
    said: list[Decision | Handover] = [*state.decisions, *state.handovers]
    said = sorted((one for one in said if one.step == step.name), key=lambda one: one.revision)
    waiting = (
        [waited_for(unit, people, user) for user in state.waiting(step)] if kind == CURRENT else []
    )
    return StepCard(
        label=unit.catalog.message(step.label, reasons.language),
        state=kind,
        state_text=state_text(kind, waiting),
        decisions=tuple(
            handed(one, people) if isinstance(one, Handover) else spoken(one, people)
            for one in said
        ),
        reason=reasons.sentence(step.reason),
    )


def planned_card(
    unit: Unit, step: RouteStep, people: Mapping[str, str], reasons: Reasons
) -> StepCard:
    """Gives a step that is not asked yet in words: whom it would ask, and who stands in."""
    kind = PLANNED if step.needed else SKIPPED
    text = state_text(kind, ())
    if step.needed:
        names = [waited_for(unit, people, user) for user in step.approvers]
        text = gettext(", ").join(names) or gettext("nobody")
    if step.needed and step.stands_in:
        others = gettext(", ").join(name_of(people, user) for user in step.stands_in)
        text = gettext("%(people)s; %(others)s may decide instead", people=text, others=others)
    label = unit.catalog.message(step.label, reasons.language)
    return StepCard(label, kind, text, (), reasons.sentence(step.reason))


def state_text(kind: str, waiting: Sequence[str]) -> str:
    """Says how a step stands."""
    if kind == CURRENT:
        names = (gettext(", ")).join(waiting[:3])
        more = len(waiting) - 3
        if more > 0:
            names = gettext("%(names)s and %(number)s more", names=names, number=more)
        return gettext("waiting for %(names)s", names=names) if names else gettext("waiting")
    return {
        APPROVED: gettext("approved"),
        REJECTED: gettext("rejected"),
        SKIPPED: gettext("not needed"),
        PLANNED: gettext("to come"),
    }[kind]


def spoken(decision: Decision, people: Mapping[str, str]) -> Spoken:
    """Gives a decision as a sentence."""
    person = speaking(people, decision.user, decision.on_behalf_of, decision.away_until)
    if decision.verdict == "approve":
        sentence = gettext("%(person)s approved", person=person)
    else:
        sentence = gettext("%(person)s rejected", person=person)
    files = tuple((str(one["name"]), str(one["url"])) for one in decision.files)
    return Spoken(sentence, comment_of(decision), decision.at, files)


def comment_of(decision: Decision) -> str:
    """Gives what was said with a decision; what the time decides is worded for the reader."""
    return decision.comment if decision.user else gettext("It was not decided in time")


def speaking(
    people: Mapping[str, str], user: str, on_behalf_of: str | None, away_until: date | None
) -> str:
    """Says who spoke, for whom and why that one did not; without a user it was the time."""
    person = name_of(people, user) if user else gettext("The time")
    if not on_behalf_of:
        return person
    other = name_of(people, on_behalf_of)
    if away_until is None:
        return gettext("%(person)s for %(other)s", person=person, other=other)
    return gettext(
        "%(person)s for %(other)s, away until %(day)s",
        person=person,
        other=other,
        day=day(away_until),
    )


def handed(handover: Handover, people: Mapping[str, str]) -> Spoken:
    """Gives as a sentence that somebody brought in another person."""
    behind = handover.person if handover.person != handover.user else None
    person = speaking(people, handover.user, behind, None)
    other = name_of(people, handover.to)
    if handover.place is None:
        sentence = gettext("%(person)s forwarded this to %(other)s", person=person, other=other)
    elif handover.place == "before":
        sentence = gettext("%(person)s has %(other)s decide first", person=person, other=other)
    else:
        sentence = gettext("%(person)s has %(other)s decide next", person=person, other=other)
    return Spoken(sentence, handover.reason, handover.at)


def waited_for(unit: Unit, people: Mapping[str, str], user: str) -> str:
    """Gives somebody's name, and until when she is away if she is."""
    absence = unit.directory.absence(user)
    name = name_of(people, user)
    if absence is None or absence.until is None:
        return name
    return gettext("%(person)s (away until %(day)s)", person=name, day=day(absence.until))


def people_in(requests: Sequence[Request]) -> set[str]:
    """Gives everybody a request names."""
    found: set[str] = set()
    for request in requests:
        found |= {request.submitted_by, *request.state.approvers}
        found |= {d.user for d in request.state.decisions}
        found |= {d.on_behalf_of for d in request.state.decisions if d.on_behalf_of}
        found |= {one for h in request.state.handovers for one in (h.user, h.person, h.to)}
    return found
