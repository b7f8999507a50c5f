"""Says whether the acting person belongs to a team."""

from __future__ import annotations

import sqlalchemy as sa

from rule_engine.backends.dialects.values import Plain, Value
from rule_engine.backends.javascript.calls import with_environment
from rule_engine.columns import Choices
from rule_engine.functions import Function, Parameter, SqlCall, always, never_nullable
from rule_engine.types import Environment, Kind


def _in_team(environment: Environment, name: str | None) -> bool:
    return name in environment.memberships.teams


def _sql(call: SqlCall) -> Value:
    known = sa.bindparam("acting_teams", type_=Choices())
    found = call.dialect.texts.in_set(call.element(0), known)
    return Plain(sa.func.coalesce(found, sa.false(), type_=sa.Boolean()), False)


FUNCTION = Function(
    name="in_team",
    parameters=(Parameter("name", frozenset({Kind.TEXT})),),
    result=always(Kind.BOOLEAN),
    python=_in_team,
    sql=_sql,
    javascript=with_environment("inTeam"),
    doc="Says whether the acting person belongs to a team, by name, or manages it or one above.",
    examples=(('in_team("East")', "true"),),
    nullable=never_nullable,
    takes_empty=True,
    asks_user=True,
)
