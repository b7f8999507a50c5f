"""Lines things up: the cells of decision tables, and what the author had lined up already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rule_engine.editor.lines import Line
from rule_engine.editor.tokens import ARROW, BAR, CLOSING, COMMENT, OPENING, display_width

#: What may be lined up over several lines, in the order in which it stands in one line.
_LINED_UP = (
    *("FROM", "TO", "WHEN", "ASSIGN", "LBRACE", "CAPACITY", "MESSAGE", "BECAUSE"),
    COMMENT,
)
_PLACES = {kind: place for place, kind in enumerate(_LINED_UP)}


def align(lines: Sequence[Line]) -> None:
    """Widens gaps of lines so that columns stand below each other."""
    for rows in _tables(lines):
        _align_cells(rows)
    for statement in _statements(lines):
        blocks = [list(_slots(block)) for block in _blocks(statement)]
        for kind in _LINED_UP:
            own = [[slot for slot in block if slot.kind == kind] for block in blocks]
            alone = [slot for block in own if (slot := _line_up(block)) is not None]
            _line_up_alone(alone, [slot for block in own for slot in block])


# Decision tables.


def _tables(lines: Sequence[Line]) -> Iterator[list[Line]]:
    rows: list[Line] = []
    for line in lines:
        if line.tokens[0] == BAR:
            if any(token == ARROW for token in line.tokens):
                rows.append(line)
        elif not line.is_comment and line.is_lead:
            yield rows
            rows = []
    yield rows


def _align_cells(rows: list[Line]) -> None:
    """Pads the cells up to `=>`, each column as wide as its widest cell."""
    cut = [_bars(row) for row in rows]
    widths: dict[int, int] = {}
    for row, bars in zip(rows, cut, strict=True):
        columns = row.columns()
        for place, (bar, following) in enumerate(pairwise(bars)):
            width = columns[following] - row.gaps[following] - columns[bar]
            widths[place] = max(width, widths.get(place, 0))
    for row, bars in zip(rows, cut, strict=True):
        columns = row.columns()
        for place, (bar, following) in enumerate(pairwise(bars)):
            width = columns[following] - row.gaps[following] - columns[bar]
            row.gaps[following] += widths[place] - width


def _bars(row: Line) -> list[int]:
    """Gives the places of the `|` of a row and of its `=>`."""
    arrow = next(place for place, token in enumerate(row.tokens) if token == ARROW)
    return [place for place in range(arrow) if row.tokens[place] == BAR] + [arrow]


# What the author had lined up.


@dataclass(frozen=True, slots=True, eq=False)
class _Slot:
    """A token that may be lined up, in a line that belongs to the statement begun in `lead`."""

    kind: str
    line: Line
    lead: Line
    place: int

    @property
    def written(self) -> int:
        """Gives the column at which the author put it, from the statement's beginning."""
        return self.line.written[self.place] - self.lead.written[0]

    @property
    def usual(self) -> int:
        """Gives the column where it stands now, from the statement's beginning."""
        return self.line.columns()[self.place] - self.lead.gaps[0]

    @property
    def margin(self) -> int:
        """Gives the indentation of the statement."""
        return self.lead.gaps[0]

    def widen(self, spaces: int) -> None:
        """Moves the token to the right."""
        self.line.gaps[self.place] += spaces

    @property
    def is_padded(self) -> bool:
        """Says whether the author left more space in front of it than usual."""
        if self.place == 0:
            return False
        before = self.line.tokens[self.place - 1]
        end = self.line.written[self.place - 1] + display_width(before)
        return self.line.written[self.place] - end > self.line.gaps[self.place]


def _statements(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Gives the lines of each statement of the file."""
    statement: list[Line] = []
    for line in lines:
        if statement and line.is_lead and not line.level and line.tokens[0] not in CLOSING:
            yield statement
            statement = []
        statement.append(line)
    yield statement


def _blocks(lines: Sequence[Line]) -> Iterator[list[tuple[Line, Line]]]:
    """Gives runs of lines of one level without a blank between, each with the line it continues."""
    block: list[tuple[Line, Line]] = []
    lead: Line | None = None
    for line in lines:
        if line.is_lead or lead is None:
            if block and (line.has_blank_before or line.level != block[-1][1].level):
                yield block
                block = []
            lead = line
        block.append((line, lead))
    yield block


def _slots(block: Sequence[tuple[Line, Line]]) -> Iterator[_Slot]:
    for line, lead in block:
        depth, reached = 0, -1
        for place, token in enumerate(line.tokens):
            kind_place = _PLACES.get(token.type, -1)
            is_outside = depth == 0 or token.type == COMMENT
            if kind_place > reached and is_outside and (place or not line.is_lead):
                reached = kind_place
                yield _Slot(token.type, line, lead, place)
            if token in OPENING:
                depth += 1
            elif token in CLOSING:
                depth -= 1


def _line_up(slots: Sequence[_Slot]) -> _Slot | None:
    """Puts the slots that were in line there again; gives a padded one that stands alone."""
    padded = [slot.written for slot in slots if slot.is_padded]
    if not padded:
        return None
    counted = Counter(slot.written for slot in slots)
    wanted = max(set(padded), key=lambda column: (counted[column], column))
    joined = [slot for slot in slots if slot.is_padded or slot.written == wanted]
    if len(joined) == 1:
        return joined[0]
    inner = [slot for slot in joined if slot.place]
    target = max(wanted, *(slot.usual for slot in inner))
    if any(slot.usual < target for slot in inner):
        for slot in joined:
            slot.widen(target - slot.usual)
    return None


def _line_up_alone(alone: Sequence[_Slot], around: Sequence[_Slot]) -> None:
    """Keeps the column of comments, and of what is in line with another part of the statement."""
    fitting = [slot for slot in alone if slot.usual <= slot.written]
    kept = Counter(slot.margin + slot.written for slot in fitting)
    standing = {slot.margin + slot.usual for slot in around if slot not in alone}
    for slot in fitting:
        column = slot.margin + slot.written
        if slot.kind == COMMENT or column in standing or kept[column] > 1:
            slot.widen(slot.written - slot.usual)
