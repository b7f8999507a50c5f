"""Gives a text with each exact part replaced by another."""

from __future__ import annotations

from rule_engine.functions import Function, Parameter, always, always_nullable
from rule_engine.types import Environment, Kind


def _replace(environment: Environment, text: str, part: str, by: str) -> str | None:
    del environment
    return text.replace(part, by) or None if part else text


FUNCTION = Function(
    name="replace",
    parameters=(
        Parameter("text", frozenset({Kind.TEXT, Kind.CHOICE})),
        Parameter("part", frozenset({Kind.TEXT})),
        Parameter("by", frozenset({Kind.TEXT})),
    ),
    result=always(Kind.TEXT),
    python=_replace,
    doc="Gives a text with each exact part replaced by another.",
    nullable=always_nullable,
)
