"""Replaces names in a text so that it still reads as names: in backquotes where need be."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from lark import Token
from lark.exceptions import UnexpectedInput

from rule_engine.editor.reading import Reading


def replace_names(text: str, changes: Mapping[int, tuple[Token, str]], start: str = "file") -> str:
    """Gives a text with other names for tokens, by the offsets at which these begin.

    Names that would be read as keywords where they stand are put in backquotes. `start` is
    "expression" for a text that is a single one.
    """
    if not changes:
        return text
    bare = _apply(text, [(token, spell(token, name)) for token, name in changes.values()])
    if _has_same_tokens(text, bare, start):
        return bare
    return _apply(text, [(token, spell(token, name, True)) for token, name in changes.values()])


def spell(token: Token, name: str, is_quoted: bool = False) -> str:
    """Gives a name as it is written in place of a token."""
    if token.type == "STRING":
        return json.dumps(name, ensure_ascii=False)
    return name if name.isidentifier() and not is_quoted else f"`{name}`"


def _apply(text: str, changes: Sequence[tuple[Token, str]]) -> str:
    parts: list[str] = []
    place = 0
    for token, written in sorted(changes, key=lambda change: change[0].start_pos or 0):
        parts += (text[place : token.start_pos], written)
        place = token.end_pos or 0
    return "".join((*parts, text[place:]))


def _has_same_tokens(before: str, after: str, start: str) -> bool:
    try:
        return _kinds(before, start) == _kinds(after, start)
    except UnexpectedInput:
        return False


def _kinds(text: str, start: str) -> list[str]:
    return [token.type for token in Reading.begin(text, start).read_all()]
