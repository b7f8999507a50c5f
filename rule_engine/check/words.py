"""How messages name kinds of values."""

from __future__ import annotations

from collections.abc import Iterable

from rule_engine import core
from rule_engine.types import Kind

_WORDS = {
    Kind.TEXT: "text",
    Kind.NUMBER: "number",
    Kind.PERCENT: "a percentage",
    Kind.MONEY: "an amount of money",
    Kind.BOOLEAN: "a yes or no",
    Kind.DATE: "a date",
    Kind.INSTANT: "a point in time",
    Kind.TIME: "a time of day",
    Kind.CALENDAR_LENGTH: "a length of time",
    Kind.CLOCK_LENGTH: "a length of time",
    Kind.BUSINESS_LENGTH: "a length of business time",
    Kind.CHOICE: "a choice",
    Kind.CHOICES: "a list of choices",
    Kind.REFERENCE: "a record",
    Kind.LIST: "a list",
    Kind.EMPTY: "nothing",
}

_WITH_UNITS = frozenset({Kind.MONEY, Kind.PERCENT})
_LENGTHS = {Kind.CALENDAR_LENGTH: "days", Kind.CLOCK_LENGTH: "hours"}


def say(node: core.Node) -> str:
    """Names a value's kind."""
    return _WORDS[node.type.kind]


def say_kind(kind: Kind) -> str:
    """Names a kind of values."""
    return _WORDS[kind]


def say_both(left: core.Node, right: core.Node) -> tuple[str, str]:
    """Names the kinds of two values so that the difference shows."""
    kinds = {left.type.kind, right.type.kind}
    if kinds == set(_LENGTHS):
        return _LENGTHS[left.type.kind], _LENGTHS[right.type.kind]
    if Kind.NUMBER in kinds and kinds & _WITH_UNITS:
        return _say_bare(left), _say_bare(right)
    if kinds == {Kind.REFERENCE} and left.type.target != right.type.target:
        return f"a record of {left.type.target}", f"a record of {right.type.target}"
    return say(left), say(right)


def _say_bare(node: core.Node) -> str:
    return "a bare number" if node.type.kind is Kind.NUMBER else say(node)


def list_words(words: Iterable[str], most: int = 8) -> str:
    """Gives the words in quotes; after `most` of them, dots."""
    all_words = [f'"{word}"' for word in words]
    return ", ".join(all_words[:most]) + (", …" if len(all_words) > most else "")
