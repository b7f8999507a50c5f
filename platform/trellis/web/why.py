"""Cards that say why: how a score came about, what an approval waits for and for what reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from metadata.catalog import Catalog
from metadata.fields.base import choose_label
from metadata.objects import ObjectDefinition
from rule_engine.program import Approval, Score
from rule_engine.services.approval import can_submit
from rule_engine.services.approval_state import ApprovalState, Decision, StepPlan
from rule_engine.services.score import ScoreResult
from trellis.automation.approval_store import Request
from trellis.automation.environment import environment_of
from trellis.automation.scores import stored
from trellis.records.explain import explain_scores
from trellis.unit import Unit
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
    """One decision on a step."""

    sentence: str
    comment: str
    at: datetime


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
    return ApprovalCard(
        request_id=request.id,
        revision=request.revision,
        label=label,
        question=gettext("Why is approval needed?") if request.status == "open" else label,
        reason=reasons.entry(entered) or (current.reason if current else ""),
        steps=steps,
        step_label=current.label if current else "",
        may_decide=unit.user_id in state.approvers,
        rule=text_of(unit.catalog, approval) if approval else "",
    )


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
    decisions = [decision for decision in state.decisions if decision.step == step.name]
    waiting = [name_of(people, user) for user in state.waiting(step)] if kind == CURRENT else []
    return StepCard(
        label=unit.catalog.message(step.label, reasons.language),
        state=kind,
        state_text=state_text(kind, waiting),
        decisions=tuple(spoken(decision, people) for decision in decisions),
        reason=reasons.sentence(step.reason),
    )


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
    person = name_of(people, decision.user)
    if decision.on_behalf_of:
        other = name_of(people, decision.on_behalf_of)
        person = gettext("%(person)s for %(other)s", person=person, other=other)
    if decision.verdict == "approve":
        sentence = gettext("%(person)s approved", person=person)
    else:
        sentence = gettext("%(person)s rejected", person=person)
    return Spoken(sentence, decision.comment, decision.at)


def people_in(requests: Sequence[Request]) -> set[str]:
    """Gives everybody a request names."""
    found: set[str] = set()
    for request in requests:
        found |= {request.submitted_by, *request.state.approvers}
        found |= {d.user for d in request.state.decisions}
        found |= {d.on_behalf_of for d in request.state.decisions if d.on_behalf_of}
    return found
