"""One transition of a request in the making: opening steps, asking people, running blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from itertools import chain

from rule_engine.backends.python import trace_node
from rule_engine.messages import Phrase, verbatim
from rule_engine.program import Action, Approval, Decide, Parallel, Step
from rule_engine.services.actions import Run
from rule_engine.services.approval_state import (
    ApprovalState,
    Json,
    Outcome,
    Refusal,
    RequestStatus,
    StepPlan,
    StepStatus,
)
from rule_engine.services.effects import Effect
from rule_engine.services.evaluate import Record, holds
from rule_engine.services.people import Company, as_candidate, describe, find_people
from rule_engine.services.substitutes import fallback, may_decide, with_stand_ins
from rule_engine.types import Directory, Environment


class RefusedError(Exception):
    """Ends a transition that cannot be made; never leaves this package's services."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(refusal.message)


class Transition:
    """Collects a new state and its effects; nothing outside changes.

    `actor` is the person who acts as the approver, if there is one.
    """

    def __init__(
        self,
        definition: Approval,
        state: ApprovalState,
        record: Record,
        environment: Environment,
        directory: Directory,
        now: datetime,
        actor: str | None = None,
    ) -> None:
        self.definition = definition
        self.state = state
        self.record = dict(record)
        self.environment = environment
        self.directory = directory
        self.now = now
        self.actor = actor
        self.effects: list[Effect] = []

    def outcome(self) -> Outcome:
        """Gives what came of it."""
        return Outcome(self.state, tuple(self.effects))

    def run(self, phases: Mapping[str, Sequence[Action]], phase: str) -> None:
        """Runs the actions written for a phase; raises RefusedError for a `fail`."""
        approvers = (self.actor,) if self.actor else self.state.approvers
        parts = {"submitter": (self.state.submitter,), "approver": approvers}
        run = Run(self.record, self.environment, None, self.directory, parts)
        run.perform(phases.get(phase, ()))
        if run.failure:
            raise RefusedError(Refusal("failed", verbatim(run.failure.message)))
        self.effects += run.effects
        for effect in run.effects:
            if effect.action in ("lock", "unlock"):
                self.state = replace(self.state, locked=effect.action == "lock")

    def open_from(self, stage: int) -> None:
        """Opens the first stage from `stage` on that is needed; when none is, all is approved.

        Conditions of the steps ahead are looked at anew: the record may have changed since.
        """
        ahead = plan(self.definition, self.record, self.environment)
        fresh = [step for step in ahead if step.stage >= stage]
        self.state = self.state.with_steps(*fresh)
        for number in range(stage, len(self.definition.stages)):
            steps = [step for step in fresh if step.stage == number and step.needed]
            if steps:
                self._open(steps)
                return
        self.close("approved")
        self.run(self.definition.phases, "approve")

    def close(self, status: RequestStatus) -> None:
        """Ends the request; steps still open are again as before anybody was asked."""
        self.state = self.state.closed(status, self.now)

    def step(self, name: str) -> Step:
        """Gives the definition of a step on the path."""
        return next(step for step in self.definition.steps if step.name == name)

    def _open(self, steps: Sequence[StepPlan]) -> None:
        self.state = self.state.with_steps(*(self._ask(step) for step in steps))
        for opened in self.state.open_steps:
            users = self.told(opened, opened.approvers)
            self.effects.append(Effect("waiting", {"step": opened.name, "users": users}))

    def _ask(self, planned: StepPlan) -> StepPlan:
        """Gives the step opened, with the people who are asked."""
        step = self.step(planned.name)
        found = self._found(step)
        approvers = self._standing(step, found)
        needs = quorum(step.decide, len(approvers))
        refusal = self._too_few(step, found, approvers, needs)
        if refusal and self.state.revision > 1:
            approvers, needs = self.fallback(), 1
        if refusal and not (self.state.revision > 1 and approvers):
            raise RefusedError(refusal)
        return replace(
            planned,
            status="open",
            approvers=approvers,
            needs=needs,
            since=self.state.revision,
            opened_at=self.now,
            reminded=Decimal(0),
            overdue=False,
            refused_at=None,
            added=(),
        )

    def asked(self, step: Step) -> tuple[str, ...]:
        """Gives whom a step would ask now."""
        return self._standing(step, self._found(step))

    def _standing(self, step: Step, found: Sequence[str]) -> tuple[str, ...]:
        """Gives who stands for the people found, each once."""
        climbed = chain.from_iterable(self.climb(step, user) for user in found)
        return tuple(dict.fromkeys(climbed))

    def _found(self, step: Step) -> tuple[str, ...]:
        parts = {"submitter": (self.state.submitter,)}
        company = Company(self.record, self.environment, self.directory, parts)
        return find_people(step.approvers, company)

    def climb(self, step: Step, first: str) -> list[str]:
        """Gives who stands for a person found: the person, or the first managers who may decide."""
        accepted, queue, seen = [], [first], set[str]()
        while queue:
            user = queue.pop(0)
            if user in seen:
                continue
            seen.add(user)
            reaches = self._reaches(step, user)
            if reaches and self.may_decide(user):
                accepted.append(user)
            elif not reaches or self.definition.self_approval == "skipped":
                queue.extend(self.directory.relation("manager", user))
        return accepted

    def _reaches(self, step: Step, user: str) -> bool:
        if step.until is None:
            return True
        candidate = as_candidate(user, step.until, self.environment, self.directory)
        return holds(step.until, self.record, candidate)

    def may_decide(self, user: str) -> bool:
        """Says whether somebody may decide at all: not who submitted it, unless that is allowed."""
        return may_decide(self.definition, self.state, user)

    def fallback(self) -> tuple[str, ...]:
        """Gives who is asked when nobody else can be found."""
        return fallback(self.definition, self.state, self.directory)

    def told(self, plan: StepPlan, users: Sequence[str]) -> list[str]:
        """Gives whom to tell what these approvers of a step are told: their stand-ins as well."""
        return with_stand_ins(self.definition, self.state, plan, users, self.directory)

    def tell_new(self, before: ApprovalState) -> None:
        """Tells those whose turn has come in steps that were open before and still are."""
        known = {(step.name, step.since): before.waiting(step) for step in before.open_steps}
        for step in self.state.open_steps:
            asked = known.get((step.name, step.since))
            new = [user for user in self.state.waiting(step) if user not in (asked or ())]
            if asked is not None and new:
                told = {"step": step.name, "users": self.told(step, new)}
                self.effects.append(Effect("waiting", told))

    def _too_few(
        self, step: Step, found: Sequence[str], approvers: Sequence[str], needs: int
    ) -> Refusal | None:
        wanted = describe(step.approvers)
        values: dict[str, object] = {
            "step": step.name,
            "label": step.label,
            "approvers": wanted,
        }
        if not approvers:
            return Refusal("nobody_to_ask", self._nobody(step, found, values))
        if needs > len(approvers):
            template = 'The step "{label}" needs {needs} approvers: {approvers} gives {count}'
            values = {**values, "needs": needs, "count": len(approvers)}
            return Refusal("too_few_to_ask", Phrase(template, values))
        return None

    def _nobody(self, step: Step, found: Sequence[str], values: Mapping[str, object]) -> Phrase:
        """Says why nobody can be asked."""
        if self.state.submitter in found:
            return Phrase(
                'Nobody can be asked for the step "{label}": '
                "{approvers} gives nobody but the submitter",
                values,
            )
        if found and step.until is not None:
            return Phrase(
                'Nobody can be asked for the step "{label}": '
                "neither {approvers} nor anybody above fulfils the condition of `until`",
                values,
            )
        return Phrase(
            'Nobody can be asked for the step "{label}": {approvers} gives nobody', values
        )


def finish(
    transition: Transition, work: Callable[[], None], before: ApprovalState | None
) -> Outcome:
    """Does the work; when it is refused half-way nothing of it remains."""
    try:
        work()
    except RefusedError as refusal:
        return Outcome(before, problems=(refusal.refusal,))
    return transition.outcome()


def plan(definition: Approval, record: Record, environment: Environment) -> tuple[StepPlan, ...]:
    """Gives the whole path as it would be now, with the reason why a step is needed or not."""
    path: list[StepPlan] = []
    for number, stage in enumerate(definition.stages):
        guard = stage.guard if isinstance(stage, Parallel) else None
        whole = holds(guard, record, environment)
        for step in stage.steps if isinstance(stage, Parallel) else (stage,):
            asked = step.guard if whole and step.guard else guard
            needed = whole and holds(step.guard, record, environment)
            reason: Json | None = None
            if asked is not None:
                reason = trace_node(asked, record, environment, None).to_json()
            status: StepStatus = "planned" if needed else "skipped"
            path.append(StepPlan(step.name, step.label, number, needed, status, reason))
    return tuple(path)


def quorum(decide: Decide, people: int) -> int:
    """Gives how many of `people` have to approve, at least one."""
    amount = decide.amount or Decimal(0)
    match decide.kind:
        case "anyone":
            return 1
        case "everyone":
            return max(people, 1)
        case "majority":
            return people // 2 + 1
        case "count":
            return max(int(amount), 1)
        case "percent":
            return max(int((amount * people).to_integral_value(ROUND_CEILING)), 1)
