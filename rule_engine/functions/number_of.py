"""Gives the number that a text says; empty when it says none."""

from __future__ import annotations

from decimal import Decimal

from rule_engine.functions import Function, Parameter, always, always_nullable
from rule_engine.text import parse_number
from rule_engine.types import Environment, Kind


def _number_of(environment: Environment, text: str) -> Decimal | None:
    del environment
    return parse_number(text)


FUNCTION = Function(
    name="number_of",
    parameters=(Parameter("text", frozenset({Kind.TEXT, Kind.CHOICE})),),
    result=always(Kind.NUMBER),
    python=_number_of,
    doc="Gives the number that a text says; empty when it says none.",
    nullable=always_nullable,
)
