"""Says whether the acting person has a role."""

from __future__ import annotations

import sqlalchemy as sa

from rule_engine.backends.dialects.values import Plain, Value
from rule_engine.backends.javascript.calls import with_environment
from rule_engine.columns import Choices
from rule_engine.functions import Function, Parameter, SqlCall, always, never_nullable
from rule_engine.types import Environment, Kind


def _in_role(environment: Environment, name: str | None) -> bool:
    return name in environment.memberships.roles


def _sql(call: SqlCall) -> Value:
    known = sa.bindparam("acting_roles", type_=Choices())
    found = call.dialect.texts.in_set(call.element(0), known)
    return Plain(sa.func.coalesce(found, sa.false(), type_=sa.Boolean()), False)


FUNCTION = Function(
    name="in_role",
    parameters=(Parameter("name", frozenset({Kind.TEXT})),),
    result=always(Kind.BOOLEAN),
    python=_in_role,
    sql=_sql,
    javascript=with_environment("inRole"),
    doc="Says whether the acting person has a role, by its API name: of her own, or by a group.",
    examples=(('in_role("sales_rep")', "true"), ('in_role("admin")', "false")),
    nullable=never_nullable,
    takes_empty=True,
    asks_user=True,
)
