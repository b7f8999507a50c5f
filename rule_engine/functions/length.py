"""Gives the number of characters; 0 for an empty text."""

from __future__ import annotations

from decimal import Decimal

from rule_engine.functions import Function, Parameter, always, never_nullable
from rule_engine.types import Environment, Kind


def _length(environment: Environment, text: str | None) -> Decimal:
    del environment
    return Decimal(len(text or ""))


FUNCTION = Function(
    name="length",
    parameters=(Parameter("text", frozenset({Kind.TEXT, Kind.CHOICE})),),
    result=always(Kind.NUMBER),
    python=_length,
    doc="Gives the number of characters; 0 for an empty text.",
    takes_empty=True,
    nullable=never_nullable,
)
