"""How many spaces stand between two tokens of a line."""

from __future__ import annotations

from lark import Token

from rule_engine.editor.lines import Line, Marks
from rule_engine.editor.tokens import BRACE, COMMENT, END_BRACE, ROUND

INDENTATION = 4
BEFORE_COMMENT = 2

_TIGHT_BEFORE = frozenset((",", ")", "]", ":", "."))
_TIGHT_AFTER = frozenset(("(", "[", "."))


def set_gaps(line: Line, marks: Marks) -> None:
    """Gives each token of a line its usual gap, the first the indentation."""
    line.gaps = [line.level * INDENTATION]
    for position in range(1, len(line.tokens)):
        before, token = line.tokens[position - 1], line.tokens[position]
        line.gaps.append(usual_gap(before, token, marks))


def usual_gap(before: Token, token: Token, marks: Marks) -> int:
    """Gives the spaces between two tokens where nothing is lined up."""
    if token.type == COMMENT:
        return BEFORE_COMMENT
    if before.start_pos in marks.signs or before in _TIGHT_AFTER or token in _TIGHT_BEFORE:
        return 0
    if token == ROUND and before.type == "NAME":
        return 0
    return 0 if (before, token) == (BRACE, END_BRACE) else 1
