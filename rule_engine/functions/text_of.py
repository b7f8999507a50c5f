"""Gives a value as text: its wire form."""

from __future__ import annotations

from rule_engine.backends.dialects.values import Plain, Value
from rule_engine.functions import Function, Parameter, SqlCall, always
from rule_engine.types import Environment, Kind
from rule_engine.wording import WRITABLE, text_of_value


def _text_of(environment: Environment, value: object) -> str | None:
    del environment
    return text_of_value(value)


def _sql(call: SqlCall) -> Value:
    return Plain(call.dialect.written(call.arguments[0], call.call.arguments[0].type.kind), True)


FUNCTION = Function(
    name="text_of",
    parameters=(Parameter("value", WRITABLE),),
    result=always(Kind.TEXT),
    python=_text_of,
    sql=_sql,
    doc="Gives a value as text: its wire form.",
)
