"""Bringing in others: adding a signer, forwarding what one is asked to decide."""

from __future__ import annotations

from metadata.problems import Problem
from rule_engine.services import approval_signers as service
from rule_engine.services.approval_state import Place
from trellis.approvals.access import acting_user, as_system, move, refuse_moved
from trellis.automation.approval_store import Request, load
from trellis.automation.environment import environment_of
from trellis.errors import Refused
from trellis.records.incoming import find_record
from trellis.unit import Unit


def add_signer(
    unit: Unit,
    request_id: str,
    to: str,
    place: Place,
    reason: str,
    *,
    expected_revision: int | None = None,
) -> Request:
    """Has another person (id or user name) decide too, before or after the acting approver.

    Raises as `decide` does, and Refused for who cannot be asked.
    """
    request, definition, approval = load(unit, request_id)
    refuse_moved(unit, request, expected_revision)
    outcome = service.add_signer(
        approval,
        request.state,
        acting_user(unit),
        person_named(unit, to),
        place,
        reason,
        as_system(unit, definition, request.record_id),
        environment_of(unit),
        unit.directory,
        unit.moment.now,
    )
    return move(unit, definition, request, approval, outcome, "signer added")


def forward(
    unit: Unit, request_id: str, to: str, reason: str, *, expected_revision: int | None = None
) -> Request:
    """Has another person (id or user name) decide instead of the acting approver.

    Raises as `add_signer` does.
    """
    request, definition, approval = load(unit, request_id)
    refuse_moved(unit, request, expected_revision)
    outcome = service.forward(
        approval,
        request.state,
        acting_user(unit),
        person_named(unit, to),
        reason,
        as_system(unit, definition, request.record_id),
        environment_of(unit),
        unit.directory,
        unit.moment.now,
    )
    return move(unit, definition, request, approval, outcome, "forwarded")


def person_named(unit: Unit, to: str) -> str:
    """Gives the id of an active user whom the acting one may see. Raises Refused for others."""
    if not to:
        raise Refused([Problem("/to", "required", {"field": "to"})])
    found = find_record(unit, "user", to)
    if found is None or not unit.directory.resolve("user", found, None):
        raise Refused([Problem("/to", "unknown_reference", {"field": "to", "value": to})])
    return found
