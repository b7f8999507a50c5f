"""Gives texts joined in order; empty ones are left out."""

from __future__ import annotations

from rule_engine.backends.dialects.values import Plain, Value
from rule_engine.backends.javascript.calls import plain
from rule_engine.functions import Function, Parameter, SqlCall, always
from rule_engine.types import Environment, Kind


def _concat(environment: Environment, *texts: str | None) -> str | None:
    del environment
    return "".join(text for text in texts if text) or None


def _sql(call: SqlCall) -> Value:
    elements = [call.element(position) for position in range(len(call.arguments))]
    return Plain(call.dialect.texts.concat(elements), True)


FUNCTION = Function(
    name="concat",
    parameters=(Parameter("text", frozenset({Kind.TEXT, Kind.CHOICE}), repeats=True),),
    result=always(Kind.TEXT),
    python=_concat,
    sql=_sql,
    javascript=plain("concat"),
    doc="Gives texts joined in order; empty ones are left out.",
    examples=(('concat("North", " ", "Sea")', "North Sea"),),
    takes_empty=True,
    nullable=lambda arguments: all(argument.nullable for argument in arguments),
)
