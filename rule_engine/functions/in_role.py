"""Says whether the acting person has a role."""

from __future__ import annotations

from collections.abc import Collection

from rule_engine.functions import Function, Parameter, always, never_nullable
from rule_engine.types import Environment, Kind


def _in_role(environment: Environment, name: str) -> bool:
    known = (environment.user or {}).get("roles")
    return isinstance(known, Collection) and name in known


FUNCTION = Function(
    name="in_role",
    parameters=(Parameter("name", frozenset({Kind.TEXT})),),
    result=always(Kind.BOOLEAN),
    python=_in_role,
    doc='Says whether the acting person has a role, by its name in "roles".',
    nullable=never_nullable,
)
