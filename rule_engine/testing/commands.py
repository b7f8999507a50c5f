"""What a test does to its record: save, change, delete, assign, submit, approve, reject, recall.

Each command gives the messages of its refusal; an empty tuple means that it was done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rule_engine.messages import Phrase
from rule_engine.program import Approval, Assignment, Do, Length, Principal
from rule_engine.services import approval as approvals
from rule_engine.services.approval_state import ApprovalState, Verdict
from rule_engine.services.people import Company, find_people
from rule_engine.testing.requests import Requests, approval_of
from rule_engine.testing.timing import pass_time
from rule_engine.testing.world import CannotTestError, Refusals, RefusedSaveError, Values, World

NOBODY = Phrase("the person after by is nobody")


@dataclass(slots=True)
class Commands:
    """Acts on one record of the world, the tested one."""

    world: World
    record_id: str
    of: str
    requests: Requests = field(init=False)

    def __post_init__(self) -> None:
        self.requests = Requests(self.world)

    def do(self, step: Do) -> Refusals:
        """Carries out a `do` statement."""
        self.world.reasons.clear()
        try:
            with self.world.transaction():
                self._do(step)
            with self.world.transaction():
                self.requests.start_waiting()
        except RefusedSaveError as refusal:
            return refusal.messages
        return ()

    def change(self, values: Values, by: Principal | None = None) -> Refusals:
        """Saves changed fields; refused when the record is locked or a rule says no."""
        self.world.reasons.clear()
        changed = self.world.evaluated(self.object_name, values)
        locked = self._locked(changed)
        if locked:
            text = "{fields}: the record is locked while it waits for approval"
            return (Phrase(text, {"fields": locked}),)
        before = self.values
        names = [name for name in changed if changed[name] != before.get(name)]
        try:
            with self.world.transaction():
                self.requests.saver.update(self.record_id, changed, self._actor(by))
                self.requests.restart(self.record_id, names)
            with self.world.transaction():
                self.requests.start_waiting()
        except RefusedSaveError as refusal:
            return refusal.messages
        return ()

    def wait(self, length: Length) -> Refusals:
        """Moves the clock; what becomes due meanwhile is done."""
        return wait(self.requests, length)

    def _do(self, step: Do) -> None:
        actor = None if step.command in ("approve", "reject") else self._actor(step.by)
        self._known()
        match step.command:
            case "save":
                self.requests.saver.create(self.record_id, actor)
            case "delete":
                self.requests.saver.delete(self.record_id, actor)
            case "assign":
                self._assign(actor)
            case "submit":
                self._submit(actor)
            case "approve" | "reject" as verdict:
                self._decide(step.by, verdict)
            case "recall":
                request = self._open_request()
                self.requests.recall(self.record_id, request, actor or request.submitter)

    def _known(self) -> None:
        if self.record_id not in self.world.values:
            raise CannotTestError(Phrase("the record was deleted"))

    @property
    def object_name(self) -> str:
        """The tested record's object."""
        return self.world.objects[self.record_id]

    @property
    def values(self) -> dict[str, object]:
        """The tested record as it is now."""
        self._known()
        return self.world.values[self.record_id]

    @property
    def request(self) -> ApprovalState | None:
        """The record's last approval request."""
        return self.world.requests.get(self.record_id)

    def _locked(self, changed: dict[str, object]) -> Sequence[str]:
        """Gives the names of the changed fields that are locked."""
        names = [name for name in changed if changed[name] != self.values.get(name)]
        if self.record_id in self.world.locked:
            return names
        request = self.request
        if request is None or not request.locked:
            return []
        definition = approval_of(self.world, self.record_id, request.approval)
        editable = approvals.editors(definition, request, self.requests.saver.people)
        return [name for name in names if name not in editable]

    def _submit(self, user: str | None) -> None:
        if self.request and self.request.status == "open":
            raise RefusedSaveError([Phrase("The record waits for approval already")])
        self.requests.submit(self._chosen(), self.record_id, user)

    def _decide(self, by: Principal | None, verdict: Verdict) -> None:
        request = self._open_request()
        user = self._decider(by, request)
        self.requests.decide(self.record_id, request, user, verdict)

    def _assign(self, user: str | None) -> None:
        """Runs the assignment that is tested, whatever would wake it."""
        saver, record_id = self.requests.saver, self.record_id
        saver.assign(self._assignment(), record_id, None, user)

    def _assignment(self) -> Assignment:
        known = self.world.program.for_object(self.object_name).assignments
        named = [assignment for assignment in known if assignment.name == self.of]
        if named or len(known) == 1:
            return (named or known)[0]
        values = {"object": self.object_name, "count": len(known)}
        text = '"{object}" has {count} assignments; write the test of one of them'
        raise CannotTestError(Phrase(text, values))

    def _open_request(self) -> ApprovalState:
        if self.request is None:
            raise CannotTestError(Phrase('nothing was submitted; write "do submit" before'))
        return self.request

    def _chosen(self) -> Approval:
        """Gives the approval that is tested, else the only one of the object."""
        known = self.world.program.for_object(self.object_name).approvals
        named = [approval for approval in known if approval.name == self.of]
        if named or len(known) == 1:
            return (named or known)[0]
        values = {"object": self.object_name, "count": len(known)}
        text = '"{object}" has {count} approvals; write the test of one of them'
        raise CannotTestError(Phrase(text, values))

    def _actor(self, by: Principal | None) -> str | None:
        """Gives the first person meant; None when nobody was named."""
        if by is None:
            return None
        found = self._found(by)
        if not found:
            raise CannotTestError(NOBODY)
        return found[0]

    def _decider(self, by: Principal | None, request: ApprovalState) -> str:
        """Gives the person named, of several the one who is asked; else the only one asked."""
        if by is not None:
            found = self._found(by)
            asked = [user for user in found if user in request.approvers]
            if not found:
                raise CannotTestError(NOBODY)
            return (asked or list(found))[0]
        if len(request.approvers) == 1:
            return request.approvers[0]
        if not request.approvers:
            return request.submitter
        text = "say by whom; asked are: {people}"
        raise CannotTestError(Phrase(text, {"people": request.approvers}))

    def _found(self, by: Principal) -> Sequence[str]:
        parts = {}
        if self.request:
            parts = {"submitter": (self.request.submitter,), "approver": self.request.approvers}
        people = self.requests.saver.people
        named = Company(self.world.names(), self.world.environment(), people, parts)
        return find_people((by,), named)


def wait(requests: Requests, length: Length) -> Refusals:
    """Moves the clock of a world; what becomes due meanwhile is done."""
    until = requests.world.after(length)
    if until is None:
        text = "no business calendar is the organisation's; write hours or days"
        raise CannotTestError(Phrase(text))
    requests.world.reasons.clear()
    return pass_time(requests, until)
