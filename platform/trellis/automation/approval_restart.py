"""Starting an approval's path anew when what it was asked about has changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from rule_engine.services import approval as service
from rule_engine.types import Environment
from trellis.automation.approval_effects import Change, carry_out, problem_of
from trellis.automation.approval_store import advance, find
from trellis.errors import Conflict
from trellis.unit import Unit


def restart(
    unit: Unit,
    request_id: str,
    changed: Collection[str],
    record: Mapping[str, object],
    environment: Environment,
    change: Change,
) -> None:
    """Starts a request anew when its rules say so for one of the changed fields.

    `change` writes what the rules set. Raises Conflict when nobody can be asked any more. Rules
    that are gone ask for nothing.
    """
    request, definition, approval = find(unit, request_id)
    if approval is None or not set(approval.restart_fields) & set(changed):
        return
    outcome = service.restart(
        approval, request.state, changed, record, environment, unit.directory, unit.moment.now
    )
    after = None
    if outcome.state is not None and not outcome.problems:
        after = advance(unit, request, approval, outcome.state)
    if after is None:
        raise Conflict([problem_of(unit, refusal) for refusal in outcome.problems])
    carry_out(unit, definition, after, outcome.effects, "restarted", change)
