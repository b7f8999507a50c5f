"""Gives texts joined in order; empty ones are left out."""

from __future__ import annotations

from rule_engine.functions import Function, Parameter, always
from rule_engine.types import Environment, Kind


def _concat(environment: Environment, *texts: str | None) -> str | None:
    del environment
    return "".join(text for text in texts if text) or None


FUNCTION = Function(
    name="concat",
    parameters=(Parameter("text", frozenset({Kind.TEXT, Kind.CHOICE}), repeats=True),),
    result=always(Kind.TEXT),
    python=_concat,
    doc="Gives texts joined in order; empty ones are left out.",
    takes_empty=True,
    nullable=lambda arguments: all(argument.nullable for argument in arguments),
)
