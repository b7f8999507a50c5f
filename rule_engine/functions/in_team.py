"""Says whether the acting person belongs to a team."""

from __future__ import annotations

from collections.abc import Collection

from rule_engine.functions import Function, Parameter, always, never_nullable
from rule_engine.types import Environment, Kind


def _in_team(environment: Environment, name: str) -> bool:
    known = (environment.user or {}).get("teams")
    return isinstance(known, Collection) and name in known


FUNCTION = Function(
    name="in_team",
    parameters=(Parameter("name", frozenset({Kind.TEXT})),),
    result=always(Kind.BOOLEAN),
    python=_in_team,
    doc='Says whether the acting person belongs to a team, by its name in "teams".',
    nullable=never_nullable,
)
