"""Gives a text in capital letters."""

from __future__ import annotations

from rule_engine.functions import Function, Parameter, always
from rule_engine.text import upper
from rule_engine.types import Environment, Kind


def _upper(environment: Environment, text: str) -> str | None:
    del environment
    return upper(text)


FUNCTION = Function(
    name="upper",
    parameters=(Parameter("text", frozenset({Kind.TEXT, Kind.CHOICE})),),
    result=always(Kind.TEXT),
    python=_upper,
    doc="Gives a text in capital letters.",
)
