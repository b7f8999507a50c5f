"""Gives a text in capital letters."""

from __future__ import annotations

from rule_engine.backends.dialects.values import Plain, Value
from rule_engine.backends.javascript.calls import plain
from rule_engine.functions import Function, Parameter, SqlCall, always
from rule_engine.text import upper
from rule_engine.types import Environment, Kind


def _upper(environment: Environment, text: str) -> str | None:
    del environment
    return upper(text)


def _sql(call: SqlCall) -> Value:
    return Plain(call.dialect.texts.change_case("upper", call.element(0)), call.nullable)


FUNCTION = Function(
    name="upper",
    parameters=(Parameter("text", frozenset({Kind.TEXT, Kind.CHOICE})),),
    result=always(Kind.TEXT),
    python=_upper,
    sql=_sql,
    javascript=plain("upper"),
    doc="Gives a text in capital letters.",
    examples=(('upper("straße")', "STRASSE"),),
)
