"""Reads a text up to a place in the middle of it, and finishes the statement there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count, pairwise

from lark.exceptions import UnexpectedInput

from rule_engine import tree
from rule_engine.editor.grammar_words import example_of
from rule_engine.editor.reading import Position, Reading
from rule_engine.errors import RuleSyntaxError
from rule_engine.parse import parse
from rule_engine.syntax.habits import STATEMENT
from rule_engine.syntax.limits import check_text

#: Stands where the cursor is.
MARKER = "cursor_is_here"

#: What a line that begins with no space begins with, although an expression could go on.
STATEMENT_WORDS = frozenset(
    (
        *("CALENDAR", "DEFINE", "TABLE", "SCORE", "VALIDATE", "RULE", "ASSIGN", "APPROVAL"),
        *("SLA", "TEST"),
    )
)

MAX_REPAIRS = 8
MAX_STEPS = 2_000

_WORD = re.compile(r"\w*\Z")
_QUOTED = re.compile(r'"(?:\\.|[^"\\\n])*"|#[^\n]*|`[^`\n]*`')

#: The beginnings of statements whose names stand in others than tests.
_NAMED_ELSEWHERE = ("calendar", "define", "table", "approval")

#: How unwilling to use a terminal when finishing a text; others cost 3.
_COSTS: Mapping[str, int] = {
    "$END": 0,
    **dict.fromkeys(("RBRACE", "RPAR", "RSQB"), 1),
    **dict.fromkeys(("NAME", "STRING", "NUMBER"), 2),
    **dict.fromkeys(("AND", "OR", "DOT", "COMPARE", "PLUS", "TIMES", "COMMA", "NOT"), 7),
    **dict.fromkeys(("LPAR", "LSQB", "IF", "WHEN"), 8),
}
_USUAL_COST = 3

#: Cost, number, where the parser stands, the terminal to try, the terminals up to it.
_Waiting = tuple[int, int, Position, str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A statement up to the cursor: `before` without the word that is being written.

    `prefix` is that word, `quote` what it began with (" or `), if anything.
    """

    before: str
    prefix: str
    quote: str
    position: Position
    accepted: frozenset[str]


def read_until(text: str, offset: int) -> Unfinished | None:
    """Gives the statement at a place, mistakes in it blanked out; None inside a comment."""
    head = text[_statement_start(text, offset) : offset]
    prefix, quote = _prefix(head)
    if quote == "#" or check_text(head, ""):
        return None
    before = head[: len(head) - len(prefix) - len(quote)]
    for _ in range(MAX_REPAIRS):
        reading = Reading.begin(before)
        try:
            reading.read_all()
        except UnexpectedInput as error:
            repaired = _repair(before, error)
            if repaired == before:
                return None
            before = repaired
            continue
        position = reading.position
        accepted = position.accepted()
        if before.endswith("\n") and accepted >= STATEMENT_WORDS:
            accepted = STATEMENT_WORDS
        return Unfinished(before, prefix, quote, position, accepted)
    return None


def _statement_start(text: str, offset: int) -> int:
    starts = [found.start() for found in STATEMENT.finditer(text, 0, offset)]
    return starts[-1] if starts else 0


def _prefix(head: str) -> tuple[str, str]:
    """Gives the word that is being written and the quote it begins with; # in a comment."""
    line_start = head.rfind("\n") + 1
    line = head[line_start:]
    rest = _QUOTED.sub(lambda found: " " * len(found.group()), line)
    if line and _QUOTED.sub("", line) != line and "#" in _last_quoted(line):
        return "", "#"
    for quote in '"`':
        if quote in rest:
            place = rest.index(quote)
            return line[place + 1 :], quote
    found = _WORD.search(head)
    return (found.group() if found else ""), ""


def _last_quoted(line: str) -> str:
    """Gives the comment at the end of a line, if there is one."""
    found = [match.group() for match in _QUOTED.finditer(line)]
    return found[-1] if found and found[-1].startswith("#") else ""


def _repair(before: str, error: UnexpectedInput) -> str:
    """Blanks out the line of a mistake, from its last brace, unless it is the cursor's."""
    place = min(error.pos_in_stream or 0, len(before))
    start = max(before.rfind(mark, 0, place) for mark in "\n{}") + 1
    end = before.find("\n", place)
    if end < 0:
        return before
    return before[:start] + re.sub(r"[^\n]", " ", before[start:end]) + before[end:]


def finish(unfinished: Unfinished) -> tree.Ruleset | None:
    """Gives the tree of the statement with MARKER at the cursor; None where nothing is named."""
    kind = _kind_of_marker(unfinished)
    if kind is None:
        return None
    written = f'"{MARKER}"' if kind == "STRING" else MARKER
    marked = unfinished.position.take(kind)
    rest = None if marked is None else shortest_end(marked)
    if rest is None:
        return None
    words = " ".join(map(example_of, rest))
    try:
        return parse(f"{unfinished.before}{written} {words}", source=MARKER)
    except RuleSyntaxError:
        return None


def _kind_of_marker(unfinished: Unfinished) -> str | None:
    if unfinished.quote == '"':
        return "STRING" if "STRING" in unfinished.accepted else None
    return next((kind for kind in ("NAME", "STRING") if kind in unfinished.accepted), None)


def shortest_end(position: Position) -> list[str] | None:
    """Gives cheap terminals that make what was read so far a whole text.

    Whatever is open is closed one after the other, each in the cheapest way.
    """
    ended: list[str] = []
    while (found := _way_out(position)) is not None:
        position, names = found
        ended += names
        if ended[-1] == "$END":
            return ended[:-1]
    return None


def _way_out(begun: Position) -> tuple[Position, tuple[str, ...]] | None:
    """Gives the cheapest terminals after which less is open, and where the parser stands then."""
    numbers = count()
    waiting: list[_Waiting] = [(0, next(numbers), begun, "", ())]
    seen: set[tuple[int, ...]] = set()
    for _ in range(MAX_STEPS):
        if not waiting:
            break
        cost, _, before, name, path = heappop(waiting)
        after = before.take(name) if name else before
        if after is None or after.stack in seen:
            continue
        if name == "$END" or len(after.stack) < len(begun.stack):
            return after, path
        seen.add(after.stack)
        for more, following in _choices(after):
            heappush(waiting, (cost + more, next(numbers), after, following, (*path, following)))
    return None


def _choices(position: Position) -> Iterator[tuple[int, str]]:
    for name in position.possible():
        usual = _USUAL_COST if example_of(name).isalpha() else 1
        yield _COSTS.get(name, usual), name


def other_statements(text: str, offset: int) -> list[tree.Statement]:
    """Gives the statements of a text that parse, but for the one at a place.

    All are looked at only for a test, which may name any; others name formulas and the like.
    """
    starts = [found.start() for found in STATEMENT.finditer(text)]
    here = _statement_start(text, offset)
    is_test = text.startswith("test", here)
    found: list[tree.Statement] = []
    for start, end in pairwise([*starts, len(text)]):
        if start == here or not (is_test or text.startswith(_NAMED_ELSEWHERE, start)):
            continue
        with suppress(RuleSyntaxError):
            found += parse(text[start:end]).statements
    return found
