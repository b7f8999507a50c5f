"""Gives the number that a text says; empty when it says none."""

from __future__ import annotations

from decimal import Decimal

from rule_engine.backends.dialects.values import Value
from rule_engine.backends.javascript.calls import plain
from rule_engine.functions import Function, Parameter, SqlCall, always, always_nullable
from rule_engine.text import parse_number
from rule_engine.types import Environment, Kind


def _number_of(environment: Environment, text: str) -> Decimal | None:
    del environment
    return parse_number(text)


def _sql(call: SqlCall) -> Value:
    texts, numbers = call.dialect.texts, call.dialect.numbers
    return numbers.parse(texts.trim(call.element(0)))


FUNCTION = Function(
    name="number_of",
    parameters=(Parameter("text", frozenset({Kind.TEXT, Kind.CHOICE})),),
    result=always(Kind.NUMBER),
    python=_number_of,
    sql=_sql,
    javascript=plain("parseNumber"),
    doc="Gives the number that a text says; empty when it says none.",
    examples=(('number_of("12.50")', "12.5"), ('number_of("twelve")', "empty")),
    nullable=always_nullable,
)
