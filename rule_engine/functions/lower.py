"""Gives a text in small letters."""

from __future__ import annotations

from rule_engine.functions import Function, Parameter, always
from rule_engine.text import lower
from rule_engine.types import Environment, Kind


def _lower(environment: Environment, text: str) -> str | None:
    del environment
    return lower(text)


FUNCTION = Function(
    name="lower",
    parameters=(Parameter("text", frozenset({Kind.TEXT, Kind.CHOICE})),),
    result=always(Kind.TEXT),
    python=_lower,
    doc="Gives a text in small letters.",
)
