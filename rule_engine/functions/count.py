"""Gives how many options are chosen; count(lines) of records is an aggregate."""

from __future__ import annotations

from decimal import Decimal

from rule_engine.functions import Function, Parameter, always, never_nullable
from rule_engine.types import Environment, Kind


def _count(environment: Environment, choices: frozenset[str] | None) -> Decimal:
    del environment
    return Decimal(len(choices or ()))


FUNCTION = Function(
    name="count",
    parameters=(Parameter("choices", frozenset({Kind.CHOICES})),),
    result=always(Kind.NUMBER),
    python=_count,
    doc="Gives how many options are chosen; count(lines) of records is an aggregate.",
    takes_empty=True,
    nullable=never_nullable,
)
