"""Gives the number of characters; 0 for an empty text."""

from __future__ import annotations

from decimal import Decimal

from rule_engine.backends.dialects.values import Value
from rule_engine.backends.javascript.calls import plain
from rule_engine.functions import Function, Parameter, SqlCall, always, never_nullable
from rule_engine.types import Environment, Kind

#: More code points than a database keeps in one value.
MAX_LENGTH = 2**31


def _length(environment: Environment, text: str | None) -> Decimal:
    del environment
    return Decimal(len(text or ""))


def _sql(call: SqlCall) -> Value:
    size = call.dialect.texts.length(call.element(0))
    return call.dialect.numbers.whole(size, MAX_LENGTH, nullable=False)


FUNCTION = Function(
    name="length",
    parameters=(Parameter("text", frozenset({Kind.TEXT, Kind.CHOICE})),),
    result=always(Kind.NUMBER),
    python=_length,
    sql=_sql,
    javascript=plain("countLetters"),
    doc="Gives the number of characters; 0 for an empty text.",
    examples=(('length("Zürich")', "6"), ("length(user.phone)", "0")),
    takes_empty=True,
    nullable=never_nullable,
)
