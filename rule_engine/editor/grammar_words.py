"""The words of the grammar: what each terminal can be written as."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cache

from lark.lexer import PatternStr

from rule_engine.syntax.tables import parser

_ALTERNATIVES = re.compile(r"\(?([a-z]+(?:\|[a-z]+)*)\)?(s\?)?\\b")
_MARK = re.compile(r"\\?([^\w\s\\\[(])(?:\(\?|\Z)")

#: How a terminal that is no word can be written, to complete an unfinished text.
EXAMPLES: Mapping[str, str] = {
    "$END": "",
    "NAME": "x",
    "STRING": '"x"',
    "NUMBER": "1",
    "PERCENT": "1%",
    "DATE": "2026-01-01",
    "DATETIME": "2026-01-01T00:00",
    "TIME": "09:00",
    "CURRENCY": "CNY",
    "COMPARE": "=",
    "PLUS": "+",
    "TIMES": "*",
}


@cache
def words() -> Mapping[str, tuple[str, ...]]:
    """Gives the words and marks of each terminal that stands for fixed ones."""
    found: dict[str, tuple[str, ...]] = {}
    for terminal in parser().terminals:
        pattern = terminal.pattern
        if isinstance(pattern, PatternStr):
            found[terminal.name] = (pattern.value,)
        elif (choice := _ALTERNATIVES.fullmatch(pattern.value)) is not None:
            ending = "s" if choice[2] else ""
            found[terminal.name] = tuple(word + ending for word in choice[1].split("|"))
        elif (mark := _MARK.match(pattern.value)) is not None:
            found[terminal.name] = (mark[1],)
    return found


def example_of(terminal: str) -> str:
    """Gives a way to write a terminal."""
    return EXAMPLES[terminal] if terminal in EXAMPLES else words()[terminal][0]


def words_among(accepted: Collection[str]) -> list[tuple[str, str]]:
    """Gives the words and marks that some terminals allow, with their terminals."""
    known = words()
    found = [(word, name) for name in accepted for word in known.get(name, ())]
    return sorted(found, key=lambda pair: (not pair[0][0].isalpha(), pair[0]))
