"""Gives how many options are chosen; count(lines) of records is an aggregate."""

from __future__ import annotations

from decimal import Decimal

from rule_engine.backends.dialects.values import Value
from rule_engine.backends.javascript.calls import plain
from rule_engine.functions import Function, Parameter, SqlCall, always, never_nullable
from rule_engine.types import Environment, Kind

#: More than any list of options has.
MAX_OPTIONS = 1_000_000


def _count(environment: Environment, choices: frozenset[str] | None) -> Decimal:
    del environment
    return Decimal(len(choices or ()))


def _sql(call: SqlCall) -> Value:
    size = call.dialect.texts.size_of_set(call.element(0))
    return call.dialect.numbers.whole(size, MAX_OPTIONS, nullable=False)


FUNCTION = Function(
    name="count",
    parameters=(Parameter("choices", frozenset({Kind.CHOICES})),),
    result=always(Kind.NUMBER),
    python=_count,
    sql=_sql,
    javascript=plain("countOptions"),
    doc="Gives how many options are chosen; count(lines) of records is an aggregate.",
    examples=(("count(user.languages)", "2"),),
    takes_empty=True,
    nullable=never_nullable,
)
