"""Cuts a text's tokens into lines as its author did, and finds out what each line begins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import lark
from lark import Token

from rule_engine.editor.tokens import (
    BRACE,
    CLOSING,
    COMMENT,
    END_BRACE,
    OPENING,
    Scan,
    display_width,
)


@dataclass(slots=True)
class Line:
    """The tokens of one line.

    `level` counts indentations; `is_lead` says that a statement begins here, which later lines may
    continue; `written` holds the columns, from 0, at which the tokens stood; `gaps` the spaces now
    wanted before each (the first: indentation).
    """

    tokens: list[Token]
    has_blank_before: bool
    written: list[int]
    level: int = 0
    is_lead: bool = True
    gaps: list[int] = field(default_factory=list)

    @property
    def is_comment(self) -> bool:
        """Says whether the line holds nothing but a comment."""
        return self.tokens[0].type == COMMENT

    def columns(self) -> list[int]:
        """Gives the columns at which the tokens will stand."""
        found: list[int] = []
        place = 0
        for token, gap in zip(self.tokens, self.gaps, strict=True):
            place += gap
            found.append(place)
            place += display_width(token)
        return found


@dataclass(frozen=True, slots=True)
class Marks:
    """Offsets at which something begins: statements, and signs that belong to the number behind."""

    statements: frozenset[int]
    signs: frozenset[int]


def cut_lines(scan: Scan) -> list[Line]:
    """Gives the lines with their tokens, without levels and gaps."""
    lines: list[Line] = []
    place = column = counted = 0
    text = scan.text
    for token in scan.tokens:
        start = token.start_pos or 0
        breaks = text.count("\n", place, start)
        if breaks or not lines:
            column, counted = 0, text.rfind("\n", 0, start) + 1
            lines.append(Line([], breaks > 1 and bool(lines), []))
        lines[-1].tokens.append(token)
        column, counted = column + display_width(text[counted:start]), start
        lines[-1].written.append(column)
        place = token.end_pos or start
    return lines


def find_marks(scan: Scan) -> Marks:
    """Gives where statements and signs begin: a statement is a node right inside braces."""
    braces = dict(_braces(scan.tokens))
    statements: set[int] = set()
    signs: set[int] = set()
    pending = [scan.root]
    while pending:
        node = pending.pop()
        for child in node.children:
            if not isinstance(child, lark.Tree) or child.meta.empty:
                continue
            start = child.meta.start_pos
            if node is scan.root or braces.get(start, -1) >= node.meta.start_pos:
                statements.add(start)
            if child.data == "sign":
                signs.add(start)
            pending.append(child)
    return Marks(frozenset(statements), frozenset(signs))


def _braces(tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """Gives for each token's offset that of the innermost `{` around it."""
    around: list[int] = []
    for token in tokens:
        if token == END_BRACE and around:
            around.pop()
        start = token.start_pos or 0
        if around:
            yield start, around[-1]
        if token == BRACE:
            around.append(start)


@dataclass(slots=True)
class _Nesting:
    """The open brackets: for each the levels of what is inside and of its closing mark."""

    around: list[tuple[int, int, bool]] = field(default_factory=list)

    def base(self) -> int:
        """Gives the level of a statement that begins here."""
        return self.around[-1][0] if self.around else 0

    def in_expression(self) -> bool:
        """Says whether round or square brackets are open."""
        return bool(self.around) and not self.around[-1][2]

    def note(self, tokens: Sequence[Token], level: int, lead_level: int) -> None:
        """Follows the brackets of a line."""
        for token in tokens:
            if token in OPENING and token.type != COMMENT:
                own = lead_level if token == BRACE else level
                self.around.append((own + 1, own, token == BRACE))
            elif token in CLOSING and self.around:
                self.around.pop()


def set_levels(lines: Sequence[Line], marks: Marks) -> None:
    """Gives each line its level: braces open a level, lines that continue one stand deeper."""
    nesting = _Nesting()
    lead_level = 0
    for line in lines:
        first = line.tokens[0]
        line.level = nesting.base()
        line.is_lead = True
        if first in CLOSING and nesting.around:
            line.level = _closing_level(nesting, line)
        elif not (line.is_comment or first.start_pos in marks.statements or first == "otherwise"):
            line.is_lead = False
            line.level += 0 if nesting.in_expression() else 1
        if line.is_lead and not nesting.in_expression():
            lead_level = line.level
        nesting.note(line.tokens, line.level, lead_level)
    _set_comment_levels(lines)


def _closing_level(nesting: _Nesting, line: Line) -> int:
    closed = 0
    for token in line.tokens:
        if token not in CLOSING or closed == len(nesting.around):
            break
        closed += 1
    return nesting.around[-closed][1]


def _set_comment_levels(lines: Sequence[Line]) -> None:
    """Puts lines of comment in front of what they are about."""
    for position in range(len(lines) - 2, -1, -1):
        line, following = lines[position], lines[position + 1]
        if line.is_comment and following.tokens[0] not in CLOSING:
            line.level = following.level
