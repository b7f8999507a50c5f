"""Finds further mistakes of a text behind the first one.

A statement that cannot be parsed is blanked out, first the line of the mistake alone, then the
whole statement, and the rest is parsed again. All offsets stay as they are.
"""

from __future__ import annotations

import re

from lark.exceptions import UnexpectedInput

from rule_engine.errors import Diagnostic
from rule_engine.syntax.habits import STATEMENT
from rule_engine.syntax.limits import BRACKETS
from rule_engine.syntax.mistakes import describe, place_of
from rule_engine.syntax.tables import parser

MAX_MISTAKES = 20
MAX_SEARCHED_CHARACTERS = 200_000

#: How often a text is read again at most, and how many characters of a small one. A round costs as
#: much as some characters whatever it reads.
MAX_READ, MIN_READ, ROUND = 10, 20_000, 1_000

#: Stands for all statements before a place: behind one, `ruleset` does not fit any more.
_STATEMENT = "define a on b as 1"

#: A line that begins with a word that does not continue the line before, or with `|` or `}`.
_INNER = re.compile(
    r"^[ \t]+(?!(?:and|or|not|because|message|then|else|is|in|between|contains|starts|ends|matches"
    r"|older|changed|to|from|by|where|using)\b)[^\W\d]\w*|^[ \t]*[|}]",
    re.M,
)


def find_mistakes(text: str, first: UnexpectedInput, source: str) -> list[Diagnostic]:
    """Gives the findings of a text that does not parse, the first error included."""
    found: list[Diagnostic] = []
    work, blanked_to = text, -1
    error: UnexpectedInput | None = first
    left = MAX_READ * len(text) + MIN_READ
    while error is not None and len(found) < MAX_MISTAKES:
        place = place_of(error, work)
        aftermath = _is_aftermath(work, blanked_to, place)
        if not aftermath:
            found.append(describe(error, work, source))
        statement, _ = whole = _whole(work, place)
        left -= place - statement + ROUND
        if len(text) > MAX_SEARCHED_CHARACTERS or left < 0:
            break
        start, blanked_to = whole if aftermath else _region(work, place)
        blanked = _blank(work, start, blanked_to)
        if blanked == work:
            break
        work = blanked
        error = _next_error(work, statement)
    return found


def _next_error(text: str, start: int) -> UnexpectedInput | None:
    """Gives the first mistake from a statement on; what stands before it is right."""
    before = _blank(text, 0, start)[:start]
    space = before.find(" " * len(_STATEMENT))
    if space >= 0:
        after = before[space + len(_STATEMENT) :]
        text = f"{before[:space]}{_STATEMENT}{after}{text[start:]}"
    try:
        parser().parse(text, start="file")
    except UnexpectedInput as error:
        return error
    return None


def _is_aftermath(work: str, end: int, place: int) -> bool:
    """Says whether a mistake is only that something was blanked out right before it."""
    return 0 <= end <= place and not work[end:place].strip()


def _region(text: str, place: int) -> tuple[int, int]:
    """Gives the inner statement around a mistake; the whole one when its braces do not match."""
    start, end = _whole(text, place)
    line_start = text.rfind("\n", 0, place) + 1
    if line_start <= start:
        return start, end
    before = [found.start() for found in _INNER.finditer(text, start, place)]
    if text[line_start:place].strip():
        line_start = max((at for at in before if at <= line_start), default=line_start)
    following = _INNER.search(text, max(place, line_start + 1))
    if following is None or following.start() >= end:
        return start, end
    inner = text[line_start : following.start()]
    if _depth(inner) or "{" in BRACKETS.sub(_mark, inner):
        return start, end
    return line_start, following.start()


def _whole(text: str, place: int) -> tuple[int, int]:
    """Gives the statement around a mistake; the one before when that one is not closed."""
    starts = [found.start() for found in STATEMENT.finditer(text)]
    before = [at for at in starts if at < place]
    if place in starts and before and _depth(text[before[-1] : place]) > 0:
        return before[-1], place
    start = max((at for at in starts if at <= place), default=0)
    end = min((at for at in starts if at > place), default=len(text))
    return start, end


def _depth(text: str) -> int:
    marks = [found.group() for found in BRACKETS.finditer(text)]
    return marks.count("{") - marks.count("}")


def _mark(found: re.Match[str]) -> str:
    return found.group() if len(found.group()) == 1 else ""


def _blank(text: str, start: int, end: int) -> str:
    """Gives the text with spaces for everything but line ends in a range."""
    return text[:start] + re.sub(r"[^\n]", " ", text[start:end]) + text[end:]
