"""Gives the first value that is not empty."""

from __future__ import annotations

from rule_engine.backends.dialects.values import Value
from rule_engine.backends.javascript.calls import plain
from rule_engine.functions import Function, Parameter, SqlCall, same_kind
from rule_engine.types import Environment, Kind


def _coalesce(environment: Environment, *values: object) -> object:
    del environment
    return next((value for value in values if value is not None), None)


def _sql(call: SqlCall) -> Value:
    return call.dialect.first(call.arguments)


FUNCTION = Function(
    name="coalesce",
    parameters=(Parameter("x", frozenset(Kind), repeats=True),),
    result=same_kind,
    python=_coalesce,
    sql=_sql,
    javascript=plain("coalesce"),
    doc="Gives the first value that is not empty.",
    examples=(('coalesce(user.manager.name, user.name, "nobody")', "Amy"),),
    takes_empty=True,
    nullable=lambda arguments: all(argument.nullable for argument in arguments),
)
