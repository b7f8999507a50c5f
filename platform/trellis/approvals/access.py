"""Who may do what with approval requests, and how a request is taken to its next state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NoReturn

import sqlalchemy as sa

from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from metadata.scopes import Scopes
from rule_engine.program import Approval
from rule_engine.services.approval_state import Outcome
from rule_engine.services.people import last_resort
from rule_engine.services.substitutes import present
from trellis.automation.approval_effects import Word, carry_out, problem_of
from trellis.automation.approval_store import Request, advance, open_request
from trellis.automation.requests import OPEN, approval_approver, approval_request
from trellis.errors import Conflict, NotAllowed, Refused
from trellis.phrases import Sentence
from trellis.records.reach import definition_of, target_of
from trellis.records.save import change
from trellis.security.absences import absences_on
from trellis.unit import Unit

APPROVE: Final = "approve"
STATUSES: Final[Mapping[str, Sentence]] = {
    OPEN: Sentence("open for decisions"),
    "approved": Sentence("approved"),
    "rejected": Sentence("rejected"),
    "returned": Sentence("back with who submitted it"),
    "recalled": Sentence("recalled"),
}
"""How a request stands, in the middle of a sentence."""


def current_request(unit: Unit, object_name: str, record_id: str) -> str:
    """Gives the id of the request that waits on a record.

    Whether it is there is only told to who sees the record or is asked to decide: Missing for all
    others; Conflict when there is none.
    """
    definition = unit.catalog.objects.get(object_name)
    request = None if definition is None else open_request(unit, definition, record_id)
    if request is not None and was_asked(unit, request) is not None:
        return request
    target_of(unit, definition_of(unit, object_name), record_id, "read")
    if request is None:
        raise Conflict([Problem("", "no_open_request", {"object": object_name})])
    return request


def as_system(unit: Unit, definition: ObjectDefinition, record_id: str) -> dict[str, object]:
    """Gives the whole record, locked: deciding needs no right on it."""
    return target_of(unit.as_automation(), definition, record_id, "update")


def acting_user(unit: Unit) -> str:
    """Gives the acting user's id; approvals are no matter for the system itself."""
    if unit.user_id is None:
        raise NotAllowed([Problem("", "people_only", {})])
    return unit.user_id


def submittable(
    unit: Unit, definition: ObjectDefinition, record_id: str, approvals: Sequence[Approval]
) -> list[Approval]:
    """Gives the approvals this user may try: those that name submitters judge by themselves.

    For the others the user has to be allowed to edit the record. Raises NotAllowed for none.
    """
    try:
        target_of(unit, definition, record_id, "update")
    except NotAllowed:
        named = [approval for approval in approvals if approval.submitters]
        if not named:
            raise
        return named
    return list(approvals)


def was_asked(unit: Unit, request_id: str) -> bool | None:
    """Says whether the acting user is asked now, or one for whom she stands in; None for somebody
    who never was."""
    asked, table = approval_approver.c, approval_request.c
    query = (
        sa.select(asked.user, asked.open, table.submitted_by)
        .join_from(approval_approver, approval_request, asked.request == table.id)
        .where(asked.request == request_id, asked.user.in_(voices(unit)))
    )
    rows = unit.connection.execute(query).all()
    found = [row.open for row in rows if speaks_for(unit, row.user, row.submitted_by)]
    return any(found) if found else None


def speaks_for(unit: Unit, user: str, submitter: str) -> bool:
    """Says whether one of the acting user's `voices` is hers in a request of somebody: who is asked
    when nobody else is has no word where there is a substitute."""
    here = acting_user(unit)
    return user == here or present(user, unit.directory) in (here, submitter, None)


def voices(unit: Unit) -> tuple[str, ...]:
    """Gives the acting user, and all who are away for whom she may stand in: by being there for
    them, or as one of those who are asked when nobody is. The rules of a request may forbid it."""
    here, directory = acting_user(unit), unit.directory
    away = absences_on(unit.connection, unit.catalog, unit.moment.today)
    if not away:
        return (here,)
    is_fallback = here in last_resort(directory)
    others = (one for one in away if is_fallback or present(one, directory) == here)
    return tuple(dict.fromkeys((here, *others)))


def is_in_scope(unit: Unit, object_name: str) -> bool:
    """Says whether approvals of an object are within what an API key is kept to, if one acts."""
    scopes = unit.principal.scopes
    return scopes is None or Scopes(scopes).allow(object_name, APPROVE)


def refuse_moved(unit: Unit, request: Request, expected_revision: int | None) -> None:
    """Raises when this user's click comes too late, or is none of this user's business, or beyond
    what her API key is kept to."""
    if not is_in_scope(unit, request.object):
        raise NotAllowed(
            [Problem("", "beyond_scopes", {"action": APPROVE, "object": request.object})]
        )
    asked = was_asked(unit, request.id)
    if asked is None:
        refuse_stranger(unit, unit.catalog.objects[request.object], request, "approve")
    if request.status == OPEN and not asked:
        raise Conflict([Problem("", "not_asked_now", {})])
    if request.status != OPEN or expected_revision not in (None, request.revision):
        raise moved_on(request)


def refuse_stranger(
    unit: Unit, definition: ObjectDefinition, request: Request, action: str
) -> NoReturn:
    """Raises Missing or NotAllowed, by whether this user sees the record at all."""
    definition_of(unit, definition.name)
    target_of(unit, definition, request.record_id, "read")
    raise NotAllowed([Problem("", "not_allowed", {"action": action, "object": definition.name})])


def moved_on(request: Request) -> Conflict:
    """Gives the answer to a click that came too late."""
    status = STATUSES.get(request.status, request.status)
    values = {"status": status, "revision": request.revision}
    return Conflict([Problem("", "request_moved", values)])


def move(
    unit: Unit,
    definition: ObjectDefinition,
    request: Request,
    approval: Approval | None,
    outcome: Outcome,
    word: Word,
) -> Request:
    """Takes a request to its next state. Raises Refused with the engine's reasons against it."""
    if outcome.problems or outcome.state is None:
        raise Refused([problem_of(unit, refusal) for refusal in outcome.problems])
    return take(unit, definition, request, approval, outcome, word)


def take(
    unit: Unit,
    definition: ObjectDefinition,
    request: Request,
    approval: Approval | None,
    outcome: Outcome,
    word: Word,
) -> Request:
    """Writes the next state of a request, and what it does; `word` says in the history what
    happened. Raises Conflict when somebody else was first."""
    state = outcome.state
    after = None if state is None else advance(unit, request, approval, state)
    if after is None:
        raise moved_on(request)
    carry_out(unit, definition, after, outcome.effects, word, change)
    return after
