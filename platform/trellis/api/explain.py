"""Why a record is as it is: scores with their reasons, approvals with their path, clocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from metadata.fields.times import write_length
from metadata.problems import sentence
from rule_engine.services.score import ScoreResult
from rule_engine.services.sla_clock import Clock
from trellis.api.answers import instant, request_json
from trellis.approvals import of_record
from trellis.approvals.route import routes
from trellis.problem_json import language
from trellis.records.explain import explain_scores
from trellis.records.explain_access import Reason, explain_access
from trellis.records.explain_owner import explain_owner
from trellis.records.incoming import find_record
from trellis.records.service_levels import explain_levels
from trellis.unit import Unit


def explain_score(unit: Unit, object_name: str, record_id: str) -> list[dict[str, object]]:
    """Gives each score of a record as it comes out now."""
    return [score_json(result) for result in explain_scores(unit, object_name, record_id)]


def score_json(result: ScoreResult) -> dict[str, object]:
    """Gives a score's arithmetic: numbers as strings."""
    return {
        "name": result.name,
        "label": result.label,
        "points": str(result.points),
        "grade": result.grade,
        "base": str(result.base),
        "items": [
            {
                "kind": item.kind,
                "amount": str(item.amount),
                "because": item.because,
                "text": item.text,
                "group": item.group,
            }
            for item in result.items
        ],
        "groups": [
            {
                "label": group.label,
                "total": str(group.total),
                "at_most": None if group.at_most is None else str(group.at_most),
                "points": str(group.points),
            }
            for group in result.groups
        ],
        "total": str(result.total),
        "least": None if result.least is None else str(result.least),
        "most": None if result.most is None else str(result.most),
        "version": result.version,
        "now": instant(result.now),
    }


def explain_approval(unit: Unit, object_name: str, record_id: str) -> list[dict[str, object]]:
    """Gives the approval requests of a record, newest first."""
    return [request_json(request) for request in of_record(unit, object_name, record_id)]


def explain_route(unit: Unit, object_name: str, record_id: str) -> list[dict[str, object]]:
    """Gives whom each approval that the caller may submit would ask now; the first that has no
    problems is the one that a submit takes."""
    words = language()
    return [
        {
            "approval": route.name,
            "label": route.label,
            "steps": [
                {
                    "name": step.name,
                    "label": step.label,
                    "stage": step.stage,
                    "needed": step.needed,
                    "reason": step.reason,
                    "approvers": list(step.approvers),
                    "stands_in": list(step.stands_in),
                }
                for step in route.steps
            ],
            "problems": [sentence(problem, words) for problem in route.problems],
        }
        for route in routes(unit, object_name, record_id)
    ]


def access_json(
    unit: Unit, object_name: str, record_id: str, user: str | None, language: str
) -> dict[str, object]:
    """Gives what a user (id or user name; without, the caller) may do with a record, and why."""
    user_id = None if user is None else find_record(unit, "user", user) or user
    found = explain_access(unit, user_id, object_name, record_id)
    return {
        "user": found.user,
        "actions": {
            one.action: {"allowed": one.allowed, "reasons": reasons_json(one.reasons, language)}
            for one in found.actions
        },
        "fields": {
            one.field: {"right": str(one.right), "reasons": reasons_json(one.reasons, language)}
            for one in found.fields
        },
    }


def reasons_json(reasons: Iterable[Reason], language: str) -> list[dict[str, object]]:
    """Gives reasons in words."""
    return [
        {
            "grants": reason.grants,
            "kind": reason.kind,
            "source": reason.source,
            "code": reason.because.code,
            "because": sentence(reason.because, language),
        }
        for reason in reasons
    ]


def explain_sla(unit: Unit, object_name: str, record_id: str) -> list[dict[str, object]]:
    """Gives the service levels that run on a record, each with the clocks of its targets."""
    return [
        {
            "name": level.name,
            "label": level.label,
            "run": state.run,
            "started_at": instant(state.started_at),
            "cancelled_at": maybe(state.cancelled_at),
            "targets": [clock_json(clock) for clock in clocks],
        }
        for level, state, clocks in explain_levels(unit, object_name, record_id)
    ]


def owner_json(unit: Unit, object_name: str, record_id: str) -> list[dict[str, object]]:
    """Gives what assignments have decided for a record, the newest first."""
    words = language()
    return [
        {
            "assignment": one.assignment,
            "at": instant(at),
            "user": one.user,
            "queue": one.queue,
            "because": one.because.in_language(words),
            "skipped": [
                {"user": other.user, "code": other.code, "why": other.why.in_language(words)}
                for other in one.skipped
            ],
        }
        for at, one in explain_owner(unit, object_name, record_id)
    ]


def clock_json(clock: Clock) -> dict[str, object]:
    """Gives a clock as of now: lengths in ISO 8601, working time when `in_business_time`; `due` may
    move where there is an `unknown_year`, whose days off are not known yet."""
    upcoming = clock.next_trigger
    return {
        "name": clock.target,
        "label": clock.label,
        "status": clock.status,
        "in_business_time": clock.in_business_time,
        "length": length(clock.length),
        "elapsed": length(clock.elapsed),
        "remaining": length(clock.remaining),
        "paused": length(clock.paused),
        "due": maybe(clock.due),
        "unknown_year": clock.unknown_year,
        "met_at": maybe(clock.met_at),
        "breached": clock.breached,
        "next_at": maybe(upcoming.at if upcoming else None),
    }


def maybe(at: datetime | None) -> str | None:
    """Gives an instant, if there is one."""
    return None if at is None else instant(at)


def length(found: timedelta | None) -> str | None:
    """Gives a length of time."""
    return None if found is None else write_length(found)


EXPLANATIONS: Mapping[str, Callable[[Unit, str, str], list[dict[str, object]]]] = {
    "score": explain_score,
    "approval": explain_approval,
    "route": explain_route,
    "sla": explain_sla,
    "owner": owner_json,
}
ACCESS = "access"
"""Explained only when it is asked for by name."""
