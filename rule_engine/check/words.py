"""How messages name kinds of values."""

from __future__ import annotations

from collections.abc import Iterable

from rule_engine import core
from rule_engine.messages import Phrase, quoted
from rule_engine.types import Kind

_WORDS = {
    Kind.TEXT: Phrase("text"),
    Kind.NUMBER: Phrase("number"),
    Kind.PERCENT: Phrase("a percentage"),
    Kind.MONEY: Phrase("an amount of money"),
    Kind.BOOLEAN: Phrase("a yes or no"),
    Kind.DATE: Phrase("a date"),
    Kind.INSTANT: Phrase("a point in time"),
    Kind.TIME: Phrase("a time of day"),
    Kind.CALENDAR_LENGTH: Phrase("a length of time"),
    Kind.CLOCK_LENGTH: Phrase("a length of time"),
    Kind.BUSINESS_LENGTH: Phrase("a length of business time"),
    Kind.CHOICE: Phrase("a choice"),
    Kind.CHOICES: Phrase("a list of choices"),
    Kind.REFERENCE: Phrase("a record"),
    Kind.LIST: Phrase("a list"),
    Kind.EMPTY: Phrase("nothing"),
}

_WITH_UNITS = frozenset({Kind.MONEY, Kind.PERCENT})
_LENGTHS = {Kind.CALENDAR_LENGTH: Phrase("days"), Kind.CLOCK_LENGTH: Phrase("hours")}
_BARE_NUMBER = Phrase("a bare number")


def say(node: core.Node) -> Phrase:
    """Names a value's kind."""
    return _WORDS[node.type.kind]


def say_kind(kind: Kind) -> Phrase:
    """Names a kind of values."""
    return _WORDS[kind]


def say_both(left: core.Node, right: core.Node) -> tuple[Phrase, Phrase]:
    """Names the kinds of two values so that the difference shows."""
    kinds = {left.type.kind, right.type.kind}
    if kinds == set(_LENGTHS):
        return _LENGTHS[left.type.kind], _LENGTHS[right.type.kind]
    if Kind.NUMBER in kinds and kinds & _WITH_UNITS:
        return _say_bare(left), _say_bare(right)
    if kinds == {Kind.REFERENCE} and left.type.target != right.type.target:
        return record_of(left), record_of(right)
    return say(left), say(right)


def _say_bare(node: core.Node) -> Phrase:
    return _BARE_NUMBER if node.type.kind is Kind.NUMBER else say(node)


def record_of(node: core.Node) -> Phrase:
    """Names a reference by the object that it leads to."""
    return Phrase("a record of {object}", {"object": node.type.target})


def kind_name(kind: Kind) -> Phrase:
    """Gives the plain name of a kind: `date`."""
    return Phrase(kind.value)


def list_words(words: Iterable[str], most: int = 8) -> Phrase:
    """Gives the words in quotes; after `most` of them, dots."""
    known = quoted(list(words))
    return Phrase("{words}, …" if len(known) > most else "{words}", {"words": known[:most]})


def one_of(words: Iterable[Phrase]) -> Phrase:
    """Gives alternatives, in the order of the alphabet: `a date or a point in time`."""
    first, *others = sorted(words, key=str)
    for other in others:
        first = Phrase("{first} or {second}", {"first": first, "second": other})
    return first


def all_of(words: Iterable[Phrase]) -> Phrase:
    """Gives the words in their order, each once: `a date and text`."""
    first, *others = {word.template: word for word in words}.values()
    for other in others:
        first = Phrase("{first} and {second}", {"first": first, "second": other})
    return first
