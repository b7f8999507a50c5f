"""The tokens of a rule text with its comments, and what the parser knows about their places."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import lark
from lark import Token
from lark.exceptions import UnexpectedInput

from rule_engine import tree
from rule_engine.editor.reading import Reading
from rule_engine.errors import RuleSyntaxError
from rule_engine.parse import build_ruleset, parse
from rule_engine.syntax.limits import check_text

COMMENT = "COMMENT"
BRACE, END_BRACE, ROUND, BAR, ARROW = "{", "}", "(", "|", "=>"
OPENING = frozenset((BRACE, ROUND, "["))
CLOSING = frozenset((END_BRACE, ")", "]"))
TAB_WIDTH = 4

_COMMENT = re.compile(r"#[^\n]*")


@dataclass(frozen=True, slots=True)
class Scan:
    """The tokens of a text that parses, comments among them, and what the parser made of them."""

    text: str
    tokens: tuple[Token, ...]
    root: lark.Tree[Token]
    ruleset: tree.Ruleset


def scan(text: str, *, source: str = "<text>") -> Scan:
    """Gives the tokens of a whole rule text; raises RuleSyntaxError for one that does not parse."""
    found = check_text(text, source)
    if found:
        raise RuleSyntaxError(found)
    reading = Reading.begin(text)
    try:
        tokens = reading.read_all()
        root = reading.finish(tokens[-1] if tokens else None)
    except UnexpectedInput:
        parse(text, source=source)
        raise
    ruleset = build_ruleset(root, text, source)
    return Scan(text, tuple(with_comments(text, tokens)), root, ruleset)


def with_comments(text: str, tokens: list[Token]) -> Iterator[Token]:
    """Gives the tokens of a text and, in their places, the comments between them."""
    place = 0
    for token in tokens:
        start = token.start_pos or 0
        if start > place:
            yield from _comments(text, place, start)
        yield token
        place = token.end_pos or start
    yield from _comments(text, place, len(text))


def _comments(text: str, start: int, end: int) -> Iterator[Token]:
    for found in _COMMENT.finditer(text, start, end):
        written = found.group().rstrip()
        yield Token(
            COMMENT,
            written,
            start_pos=found.start(),
            end_pos=found.start() + len(written),
        )


def display_width(text: str) -> int:
    """Gives how many columns a text takes where Chinese characters are twice as wide as Latin."""
    if text.isascii():
        return len(text) + (TAB_WIDTH - 1) * text.count("\t")
    return sum(map(_width, text))


def _width(character: str) -> int:
    if character == "\t":
        return TAB_WIDTH
    if unicodedata.east_asian_width(character) in "WF":
        return 2
    return 0 if unicodedata.category(character) in ("Mn", "Me", "Cf") else 1
