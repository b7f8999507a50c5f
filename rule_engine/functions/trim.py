"""Gives a text without white space at its ends; blank text is empty."""

from __future__ import annotations

from rule_engine.backends.dialects.values import Plain, Value
from rule_engine.backends.javascript.calls import plain
from rule_engine.functions import Function, Parameter, SqlCall, always, always_nullable
from rule_engine.text import clean
from rule_engine.types import Environment, Kind


def _trim(environment: Environment, text: str) -> str | None:
    del environment
    return clean(text)


def _sql(call: SqlCall) -> Value:
    return Plain(call.dialect.texts.clean(call.element(0)), True)


FUNCTION = Function(
    name="trim",
    parameters=(Parameter("text", frozenset({Kind.TEXT, Kind.CHOICE})),),
    result=always(Kind.TEXT),
    python=_trim,
    sql=_sql,
    javascript=plain("clean"),
    doc="Gives a text without white space at its ends; blank text is empty.",
    examples=(('trim("  Acme ")', "Acme"),),
    nullable=always_nullable,
)
