"""Approvals: submit, decide, recall; who is asked, and the path of a record's requests.

The steps themselves are the pure functions of `rule_engine.services.approval`; here are the rights
and the order of things. What an approval changes in the record is written by the automation
principal, named in the history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from metadata.json_text import sequence
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from rule_engine.program import Approval
from rule_engine.services import approval as service
from rule_engine.services import approval_clock
from rule_engine.services.approval_state import Outcome, Verdict
from trellis.approvals.access import (
    acting_user,
    as_system,
    current_request,
    move,
    moved_on,
    refuse_moved,
    refuse_stranger,
    submittable,
    take,
)
from trellis.approvals.files import keep_files, sent_files
from trellis.approvals.inbox import Pending, of_record, pending_for
from trellis.approvals.stopped import tell_stopped, wait_for_rules
from trellis.automation.approval_effects import Word, carry_out, problem_of
from trellis.automation.approval_store import (
    Request,
    find,
    insert,
    load,
    look_later,
    open_request,
    watch_time,
)
from trellis.automation.environment import environment_of
from trellis.automation.requests import OPEN
from trellis.errors import Conflict, Missing, RecordError, Refused
from trellis.records.reach import definition_of, target_of
from trellis.records.save import change
from trellis.unit import Unit

__all__ = [
    "Pending",
    "Request",
    "current_request",
    "decide",
    "keep_time",
    "may_recall",
    "of_record",
    "pending_for",
    "recall",
    "start",
    "submit",
]


def submit(unit: Unit, object_name: str, record_id: str, name: str | None = None) -> Request:
    """Starts an approval of a record: the one named, else the first that it may enter.

    Raises Missing, NotAllowed, Conflict when a request is open already, or Refused with the
    reasons why the record may not enter.
    """
    definition = definition_of(unit, object_name)
    record = target_of(unit, definition, record_id, "read")
    user_id = acting_user(unit)
    if open_request(unit, definition, record_id) is not None:
        raise Conflict([Problem("", "already_submitted", {"object": object_name})])
    chosen = [
        approval
        for approval in unit.catalog.program.for_object(object_name).approvals
        if name in (None, approval.name)
    ]
    if not chosen:
        raise Refused([Problem("", "no_approval", {"object": object_name, "name": name or ""})])
    return enter(
        unit, definition, record, submittable(unit, definition, record_id, chosen), user_id
    )


def start(unit: Unit, definition: ObjectDefinition, record_id: str, name: str) -> Request | None:
    """Submits a record because a rule says so; None when it is submitted already.

    The submitter is who acts, else the record's owner. Raises Refused with what is in the way.
    """
    if open_request(unit, definition, record_id) is not None:
        return None
    program = unit.catalog.program.for_object(definition.name)
    chosen = [one for one in program.approvals if one.name == name]
    if not chosen:
        raise Refused([Problem("", "no_approval", {"object": definition.name, "name": name})])
    record = as_system(unit, definition, record_id)
    user_id = unit.user_id or record.get("owner")
    if user_id is None:
        raise Refused([Problem("", "nobody_submits", {"name": name})])
    return enter(unit, definition, record, chosen, str(user_id))


def enter(
    unit: Unit,
    definition: ObjectDefinition,
    record: Mapping[str, object],
    approvals: Sequence[Approval],
    user_id: str,
) -> Request:
    """Has a record enter the first of some approvals that takes it. Raises Refused for none."""
    refusals: list[Problem] = []
    for approval in approvals:
        outcome = service.submit(
            approval, record, user_id, environment_of(unit), unit.directory, unit.moment.now
        )
        if outcome.state is not None and not outcome.problems:
            request = insert(unit, definition, approval, outcome.state)
            carry_out(unit, definition, request, outcome.effects, "submitted", change)
            return request
        refusals += [problem_of(unit, refusal) for refusal in outcome.problems]
    raise Refused(refusals)


def decide(
    unit: Unit,
    request_id: str,
    verdict: Verdict,
    comment: str = "",
    *,
    on_behalf_of: str | None = None,
    expected_revision: int | None = None,
    files: Sequence[str] = (),
) -> Request:
    """Approves or rejects as the acting user; it needs no right but being an open approver, or
    standing in for one who is away (`on_behalf_of`; who is not asked herself speaks for the first).

    `files` are ids of files that she may have; whoever may read the request may read them then.

    Raises Missing, NotAllowed, Refused (a rejection without a comment, files of others), or
    Conflict when the request moved on: closed, decided by another, or no longer at
    `expected_revision`.
    """
    request, definition, approval = load(unit, request_id)
    user_id = acting_user(unit)
    refuse_moved(unit, request, expected_revision)
    sent = sent_files(unit, files)
    record = as_system(unit, definition, request.record_id)
    outcome = service.decide(
        approval,
        request.state,
        user_id,
        verdict,
        comment,
        record,
        environment_of(unit),
        unit.directory,
        unit.moment.now,
        on_behalf_of=on_behalf_of,
        files=sent,
    )
    word: Word = "approved" if verdict == "approve" else "rejected"
    moved = move(unit, definition, request, approval, outcome, word)
    keep_files(unit, request_id, sent)
    return moved


def recall(unit: Unit, request_id: str, *, expected_revision: int | None = None) -> Request:
    """Takes a request back, as who submitted it; one that has no rules any more also as an
    administrator. Raises as `decide` does."""
    request, definition, approval = find(unit, request_id)
    user_id = acting_user(unit)
    if not may_recall(unit, request):
        refuse_stranger(unit, definition, request, "recall")
    if request.status != OPEN or expected_revision not in (None, request.revision):
        raise moved_on(request)
    record = as_system(unit, definition, request.record_id)
    now = unit.moment.now
    if approval is None:
        outcome = service.withdraw(request.state, now)
    else:
        around = record, environment_of(unit), unit.directory, now
        outcome = service.recall(approval, request.state, user_id, *around)
    return move(unit, definition, request, approval, outcome, "recalled")


def may_recall(unit: Unit, request: Request) -> bool:
    """Says whether a request is the acting user's to take back while it is open."""
    is_stuck = not request.has_rules and unit.principal.may_administer
    return request.submitted_by == unit.user_id or is_stuck


def keep_time(unit: Unit, request_id: str) -> None:
    """Does what the time asks of a request: reminds, escalates, decides; an ended one is left."""
    try:
        request, definition, approval = find(unit, request_id)
        record, environment = as_system(unit, definition, request.record_id), environment_of(unit)
    except Missing:  # its record is deleted, or the object not in use: either may come back
        look_later(unit, request_id)
        return
    if request.status != OPEN:
        return
    if approval is None:
        wait_for_rules(unit, request)
        return
    around = record, environment, unit.directory, unit.moment.now
    outcome = approval_clock.tick(approval, request.state, *around)
    problems = [problem_of(unit, refusal) for refusal in outcome.problems]
    if outcome.state == request.state:
        watch_time(unit, request.id, approval, request.state)
        return
    word: Word = "its time was over"
    try:
        with unit.connection.begin_nested():
            after = take(unit, definition, request, approval, outcome, word)
    except RecordError as error:  # the record does not take what the approval writes
        outcome = approval_clock.put_off(approval, request.state, *around)
        if outcome.state == request.state:
            raise
        problems = list(error.problems)
        after = take(unit, definition, request, approval, outcome, word)
    if problems:
        tell_stopped(unit, after, told_of(outcome), problems)


def told_of(outcome: Outcome) -> list[str]:
    """Gives whom an outcome tells that a step is overdue."""
    told = (effect.arguments["users"] for effect in outcome.effects if effect.action == "overdue")
    return [str(user) for users in told for user in sequence(users)]
