"""What a test does to its record: save, change, submit, approve, reject, recall.

Each command gives the messages of its refusal; an empty tuple means that it was done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rule_engine.program import Approval, Do, Principal
from rule_engine.services import approval as approvals
from rule_engine.services.approval_state import ApprovalState, Outcome, Verdict
from rule_engine.services.automate import SaveEvent, before_save
from rule_engine.services.effects import Effect
from rule_engine.services.people import Company, find_people
from rule_engine.services.validate import validate
from rule_engine.testing.people import People
from rule_engine.testing.world import Values, World

Refusals = tuple[str, ...]
COMMENT = "Rejected in a test"


class CannotTestError(Exception):
    """A statement that cannot be carried out as it stands; the test fails with the sentence."""


@dataclass(slots=True)
class Commands:
    """Acts on one record of the world, the tested one."""

    world: World
    record_id: str
    of: str
    people: People = field(init=False)
    reasons: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.people = People(self.world)

    def do(self, step: Do) -> Refusals:
        """Carries out a `do` statement."""
        self.reasons = ()
        match step.command:
            case "save":
                return self._save(self.values, None, "create", self._actor(step.by))
            case "submit":
                return self._submit(self._actor(step.by))
            case "approve" | "reject" as verdict:
                return self._decide(step.by, verdict)
            case "recall":
                return self._recall(self._actor(step.by))
        raise CannotTestError(
            f'this version cannot do "{step.command}"; '
            "it can: approve, recall, reject, save, submit"
        )

    def change(self, values: Values) -> Refusals:
        """Saves changed fields; refused when the record is locked or a rule says no."""
        changed = self.world.evaluated(self.object_name, values)
        locked = self._locked(changed)
        if locked:
            return (f"{', '.join(locked)}: the record is locked while it waits for approval",)
        before = self.values
        refusals = self._save({**before, **changed}, before, "update")
        if not refusals:
            return self._restart([name for name in changed if changed[name] != before.get(name)])
        return refusals

    @property
    def object_name(self) -> str:
        """The tested record's object."""
        return self.world.objects[self.record_id]

    @property
    def values(self) -> dict[str, object]:
        """The tested record as it is now."""
        return self.world.values[self.record_id]

    @property
    def request(self) -> ApprovalState | None:
        """The record's last approval request."""
        return self.world.requests.get(self.record_id)

    def _save(
        self,
        values: dict[str, object],
        old: dict[str, object] | None,
        event: SaveEvent,
        user: str | None = None,
    ) -> Refusals:
        """Runs the before-save rules and the validations as the platform does, then keeps."""
        rules = self.world.program.for_object(self.object_name)
        environment = self.world.environment(user)
        made = before_save(rules.before_save, event, values, old, environment)
        result = {**values, **made.values}
        violations = (
            *made.failures,
            *validate(rules.validations, result, old, environment),
        )
        if violations:
            return tuple(violation.message for violation in violations)
        self.world.values[self.record_id] = result
        if made.locked is not None:
            change = self.world.locked.add if made.locked else self.world.locked.discard
            change(self.record_id)
        return ()

    def _locked(self, changed: dict[str, object]) -> Sequence[str]:
        """Gives the names of the changed fields that are locked."""
        names = [name for name in changed if changed[name] != self.values.get(name)]
        if self.record_id in self.world.locked:
            return names
        request = self.request
        if request is None or not request.locked:
            return []
        definition = self._definition(request.approval)
        editable = [
            approvals.editable_fields(definition, request, user) or frozenset()
            for user in request.approvers
        ]
        return [name for name in names if not any(name in fields for fields in editable)]

    def _submit(self, user: str | None) -> Refusals:
        if self.request and self.request.status == "open":
            return ("The record waits for approval already",)
        submitter = user or str(self.values.get("owner") or "somebody")
        definition = self._chosen()
        return self._apply(
            approvals.submit(
                definition,
                self.values,
                submitter,
                self.world.environment(submitter),
                self.people,
                self.world.now,
            ),
            submitter,
        )

    def _decide(self, by: Principal | None, verdict: Verdict) -> Refusals:
        request = self._open_request()
        user = self._decider(by, request)
        return self._apply(
            approvals.decide(
                self._definition(request.approval),
                request,
                user,
                verdict,
                COMMENT if verdict == "reject" else "",
                self.values,
                self.world.environment(user),
                self.people,
                self.world.now,
            ),
            user,
        )

    def _recall(self, user: str | None) -> Refusals:
        request = self._open_request()
        actor = user or request.submitter
        return self._apply(
            approvals.recall(
                self._definition(request.approval),
                request,
                actor,
                self.values,
                self.world.environment(actor),
                self.people,
                self.world.now,
            ),
            actor,
        )

    def _restart(self, changed: Sequence[str]) -> Refusals:
        request = self.request
        if request is None:
            return ()
        outcome = approvals.restart(
            self._definition(request.approval),
            request,
            changed,
            self.values,
            self.world.environment(),
            self.people,
            self.world.now,
        )
        return self._apply(outcome, None)

    def _apply(self, outcome: Outcome, user: str | None) -> Refusals:
        """Does what an outcome asks for: its fields are saved under all rules, or nothing is."""
        self.reasons = _reasons(outcome)
        if outcome.problems or outcome.state is None:
            return tuple(problem.message for problem in outcome.problems)
        changed = _changed(outcome.effects)
        if changed:
            before = self.values
            refusals = self._save({**before, **changed}, before, "update", user)
            if refusals:
                return refusals
        self.world.requests[self.record_id] = outcome.state
        return ()

    def _open_request(self) -> ApprovalState:
        if self.request is None:
            raise CannotTestError('nothing was submitted; write "do submit" before')
        return self.request

    def _chosen(self) -> Approval:
        """Gives the approval that is tested, else the only one of the object."""
        known = self.world.program.for_object(self.object_name).approvals
        named = [approval for approval in known if approval.name == self.of]
        if named or len(known) == 1:
            return (named or known)[0]
        raise CannotTestError(
            f'"{self.object_name}" has {len(known)} approvals; write the test of one of them'
        )

    def _definition(self, name: str) -> Approval:
        known = self.world.program.for_object(self.object_name).approvals
        return next(approval for approval in known if approval.name == name)

    def _actor(self, by: Principal | None) -> str | None:
        """Gives the first person meant; None when nobody was named."""
        if by is None:
            return None
        found = self._found(by)
        if not found:
            raise CannotTestError("the person after by is nobody")
        return found[0]

    def _decider(self, by: Principal | None, request: ApprovalState) -> str:
        """Gives the person named, of several the one who is asked; else the only one asked."""
        if by is not None:
            found = self._found(by)
            asked = [user for user in found if user in request.approvers]
            if not found:
                raise CannotTestError("the person after by is nobody")
            return (asked or list(found))[0]
        if len(request.approvers) == 1:
            return request.approvers[0]
        if not request.approvers:
            return request.submitter
        raise CannotTestError(f"say by whom; asked are: {', '.join(request.approvers)}")

    def _found(self, by: Principal) -> Sequence[str]:
        parts = {}
        if self.request:
            parts = {"submitter": (self.request.submitter,), "approver": self.request.approvers}
        named = Company(self.world.names(), self.world.environment(), self.people, parts)
        return find_people((by,), named)


def _changed(effects: Sequence[Effect]) -> dict[str, object]:
    return {
        str(effect.arguments["field"]): effect.arguments.get("value")
        for effect in effects
        if effect.action in ("set", "clear")
    }


def _reasons(outcome: Outcome) -> tuple[str, ...]:
    problems = (problem.message for problem in outcome.problems)
    decisions = outcome.state.decisions if outcome.state else ()
    comments = (decision.comment for decision in decisions if decision.comment)
    return (*problems, *comments)
