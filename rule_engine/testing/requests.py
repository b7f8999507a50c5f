"""Approval requests in a test's world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rule_engine.messages import Phrase, verbatim
from rule_engine.program import Approval
from rule_engine.services import approval as approvals
from rule_engine.services.approval_clock import tick
from rule_engine.services.approval_state import ApprovalState, Outcome, Verdict
from rule_engine.services.effects import Effect
from rule_engine.testing.saving import Saver
from rule_engine.testing.world import RefusedSaveError, World

COMMENT = "Rejected in a test"
#: What reminders and overdue steps are called among the notifications of a test.
REMINDER, OVERDUE = "approval_reminder", "approval_overdue"


def approval_of(world: World, record_id: str, name: str) -> Approval:
    """Gives an approval of a record's object."""
    known = world.program.for_object(world.objects[record_id]).approvals
    return next(approval for approval in known if approval.name == name)


@dataclass(slots=True)
class Requests:
    """Submits and decides; an outcome's fields are saved under all rules, or nothing is done."""

    world: World
    saver: Saver = field(init=False)

    def __post_init__(self) -> None:
        self.saver = Saver(self.world)

    def start_waiting(self) -> None:
        """Starts the processes that rules have asked for."""
        while self.world.starting:
            record_id, name = self.world.starting.pop(0)
            known = self.world.program.for_object(self.world.objects[record_id]).approvals
            for definition in known:
                open_one = self.world.requests.get(record_id)
                if definition.name == name and (open_one is None or open_one.status != "open"):
                    self.submit(definition, record_id, None)

    def submit(self, definition: Approval, record_id: str, user: str | None) -> None:
        """Submits a record, without a user as its owner."""
        world = self.world
        record = world.values[record_id]
        submitter = user or str(record.get("owner") or "somebody")
        world.note(record_id, record, record, submitter)
        environment = world.environment(submitter)
        outcome = approvals.submit(
            definition, record, submitter, environment, self.saver.people, world.now
        )
        self._apply(record_id, outcome, submitter)

    def decide(self, record_id: str, request: ApprovalState, user: str, verdict: Verdict) -> None:
        """Says a user's word on a record's request."""
        world = self.world
        world.note(record_id, world.values[record_id], world.values[record_id], user)
        outcome = approvals.decide(
            approval_of(world, record_id, request.approval),
            request,
            user,
            verdict,
            COMMENT if verdict == "reject" else "",
            world.values[record_id],
            world.environment(user),
            self.saver.people,
            world.now,
        )
        self._apply(record_id, outcome, user)

    def recall(self, record_id: str, request: ApprovalState, user: str) -> None:
        """Takes a record's request back."""
        world = self.world
        outcome = approvals.recall(
            approval_of(world, record_id, request.approval),
            request,
            user,
            world.values[record_id],
            world.environment(user),
            self.saver.people,
            world.now,
        )
        self._apply(record_id, outcome, user)

    def restart(self, record_id: str, changed: Sequence[str]) -> None:
        """Starts a record's request anew when the changed fields ask for it."""
        world, request = self.world, self.world.requests.get(record_id)
        if request is None:
            return
        definition = approval_of(world, record_id, request.approval)
        record, people = world.values[record_id], self.saver.people
        world.note(record_id, record, record, None)
        outcome = approvals.restart(
            definition, request, changed, record, world.environment(), people, world.now
        )
        self._apply(record_id, outcome, None)

    def tick(self, record_id: str) -> None:
        """Does what the time asks of a record's request."""
        world, request = self.world, self.world.requests[record_id]
        definition = approval_of(world, record_id, request.approval)
        record, people = world.values[record_id], self.saver.people
        world.note(record_id, record, record, None)
        outcome = tick(definition, request, record, world.environment(), people, world.now)
        self._apply(record_id, outcome, None)

    def _apply(self, record_id: str, outcome: Outcome, user: str | None) -> None:
        self.world.reasons += _reasons(outcome)
        if outcome.problems or outcome.state is None:
            raise RefusedSaveError([problem.said for problem in outcome.problems])
        locks = [e for e in outcome.effects if e.action not in ("lock", "unlock")]
        self.saver.carry_out(record_id, [_told(effect) for effect in locks], user)
        self.world.requests[record_id] = outcome.state


def _told(effect: Effect) -> Effect:
    """Gives a reminder or an overdue step as a notification of those who are asked."""
    templates = {"remind": REMINDER, "overdue": OVERDUE}
    if effect.action not in templates:
        return effect
    users = effect.arguments["users"]
    told = {"recipients": users, "template": templates[effect.action], "channel": None}
    return Effect("notify", told)


def _reasons(outcome: Outcome) -> list[Phrase]:
    problems = [problem.said for problem in outcome.problems]
    decisions = outcome.state.decisions if outcome.state else ()
    return [*problems, *(verbatim(one.comment) for one in decisions if one.comment)]
