"""Why a record is as it is: scores with their reasons, approvals with their path."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from metadata.problems import sentence
from rule_engine.services.score import ScoreResult
from trellis.api.answers import instant, request_json
from trellis.approvals import of_record
from trellis.records.explain import explain_scores
from trellis.records.explain_access import Reason, explain_access
from trellis.records.incoming import find_record
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


EXPLANATIONS: Mapping[str, Callable[[Unit, str, str], list[dict[str, object]]]] = {
    "score": explain_score,
    "approval": explain_approval,
}
ACCESS = "access"
"""Explained only when it is asked for by name."""
