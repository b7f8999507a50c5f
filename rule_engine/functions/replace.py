"""Gives a text with each exact part replaced by another; empty when it grows too long."""

from __future__ import annotations

from rule_engine.backends.dialects.values import Plain, Value
from rule_engine.backends.javascript.calls import plain
from rule_engine.functions import Function, Parameter, SqlCall, always, always_nullable
from rule_engine.text import MOST_GROWN, replace
from rule_engine.types import Environment, Kind


def _replace(environment: Environment, text: str, part: str, by: str) -> str | None:
    del environment
    return replace(text, part, by)


def _sql(call: SqlCall) -> Value:
    texts = call.dialect.texts
    return Plain(texts.replace(call.element(0), call.element(1), call.element(2)), True)


FUNCTION = Function(
    name="replace",
    parameters=(
        Parameter("text", frozenset({Kind.TEXT, Kind.CHOICE})),
        Parameter("part", frozenset({Kind.TEXT})),
        Parameter("by", frozenset({Kind.TEXT})),
    ),
    result=always(Kind.TEXT),
    python=_replace,
    sql=_sql,
    javascript=plain("replace"),
    doc="Gives a text with each exact part replaced by another; "
    f"empty where it would grow beyond {MOST_GROWN:,} characters.",
    examples=(('replace("a-b-c", "-", "/")', "a/b/c"),),
    nullable=always_nullable,
)
