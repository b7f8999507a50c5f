"""Gives a text in small letters."""

from __future__ import annotations

from rule_engine.backends.dialects.values import Plain, Value
from rule_engine.backends.javascript.calls import plain
from rule_engine.functions import Function, Parameter, SqlCall, always
from rule_engine.text import lower
from rule_engine.types import Environment, Kind


def _lower(environment: Environment, text: str) -> str | None:
    del environment
    return lower(text)


def _sql(call: SqlCall) -> Value:
    return Plain(call.dialect.texts.change_case("lower", call.element(0)), call.nullable)


FUNCTION = Function(
    name="lower",
    parameters=(Parameter("text", frozenset({Kind.TEXT, Kind.CHOICE})),),
    result=always(Kind.TEXT),
    python=_lower,
    sql=_sql,
    javascript=plain("lower"),
    doc="Gives a text in small letters.",
    examples=(('lower("ACME Ltd")', "acme ltd"),),
)
