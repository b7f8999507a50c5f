"""Who would be asked if a record were submitted now."""

from __future__ import annotations

from dataclasses import dataclass

from metadata.problems import Problem
from rule_engine.program import Approval
from rule_engine.services import approval as service
from rule_engine.services.approval_state import ApprovalState
from rule_engine.services.substitutes import with_stand_ins
from trellis.approvals.access import acting_user, submittable
from trellis.automation.approval_effects import problem_of
from trellis.automation.approval_store import open_request
from trellis.automation.environment import environment_of
from trellis.automation.readable import Reader
from trellis.errors import NotAllowed
from trellis.records.read import read_record
from trellis.unit import Unit


@dataclass(frozen=True, slots=True)
class RouteStep:
    """One step of the way: `stands_in` may decide for those of `approvers` who are away."""

    name: str
    label: str
    stage: int
    needed: bool
    reason: object
    approvers: tuple[str, ...]
    stands_in: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """The way an approval would take. With `problems` it could not be entered."""

    name: str
    label: str
    steps: tuple[RouteStep, ...]
    problems: tuple[Problem, ...]


def routes(unit: Unit, object_name: str, record_id: str) -> tuple[Route, ...]:
    """Gives the ways of all approvals that the acting user may try; the first without problems is
    the one a submit takes. None while a request is open.

    Reasons that rest on something hidden from her are left out. Raises Missing.
    """
    read_record(unit, object_name, record_id, ["id"])
    definition = unit.catalog.objects[object_name]
    known = unit.catalog.program.for_object(object_name).approvals
    if not known or open_request(unit, definition, record_id) is not None:
        return ()
    try:
        tried = submittable(unit, definition, record_id, known)
    except NotAllowed:
        return ()
    record = unit.as_automation().records().get(object_name, record_id)
    return tuple(route_of(unit, approval, record) for approval in tried) if record else ()


def route_of(unit: Unit, approval: Approval, record: dict[str, object]) -> Route:
    """Gives the way of one approval."""
    around = record, acting_user(unit), environment_of(unit), unit.directory
    outcome = service.submit(approval, *around, unit.moment.now)
    planned = Reader(unit).state(approval, service.foreseen(approval, *around))
    problems = tuple(problem_of(unit, refusal) for refusal in outcome.problems)
    return Route(approval.name, approval.label, steps(unit, approval, planned), problems)


def steps(unit: Unit, approval: Approval, planned: ApprovalState) -> tuple[RouteStep, ...]:
    """Gives the steps of a way, in their order."""
    found = []
    for plan in planned.path:
        asked = plan.approvers
        told = with_stand_ins(approval, planned, plan, asked, unit.directory)
        others = tuple(user for user in told if user not in asked)
        step = RouteStep(plan.name, plan.label, plan.stage, plan.needed, plan.reason, asked, others)
        found.append(step)
    return tuple(found)
