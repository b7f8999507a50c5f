"""Says what does not fit in a text, what would, and what was probably meant."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from lark import Token
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.lexer import PatternStr

from rule_engine.errors import Diagnostic, Span, finding
from rule_engine.messages import NOTHING, Phrase, quoted
from rule_engine.syntax.habits import STATEMENT, Slip, hint_for, unclosed
from rule_engine.syntax.limits import BRACKETS, span_at
from rule_engine.syntax.tables import parser

#: How terminals that are no keywords are named, and the words they stand for.
_TERMINALS: dict[str, tuple[Phrase, tuple[str, ...]]] = {
    "BOOL": (Phrase("true or false"), ("true", "false")),
    "COMPARE": (Phrase("a comparison (=, !=, <, <=, >, >=)"), ()),
    "CURRENCY": (Phrase("a currency (CNY, USD, ...)"), ()),
    "DATE": (Phrase("a date (2026-03-01)"), ()),
    "DATETIME": (Phrase("a moment (2026-03-01T09:30)"), ()),
    "EVENT": (Phrase("create, update, save or delete"), ("create", "update", "save", "delete")),
    "HIT": (Phrase("first, unique or collect"), ("first", "unique", "collect")),
    "NAME": (Phrase("a name"), ()),
    "NOT": (Phrase("not"), ("not",)),
    "NUMBER": (Phrase("a number"), ()),
    "PERCENT": (Phrase("a percentage"), ()),
    "PHASE": (
        Phrase("submit, approve, reject, recall or overdue"),
        ("submit", "approve", "reject", "recall", "overdue"),
    ),
    "PLUS": (Phrase("+ or -"), ()),
    "QUORUM": (Phrase("anyone, everyone or majority"), ("anyone", "everyone", "majority")),
    "SELF": (Phrase("forbidden, allowed or skipped"), ("forbidden", "allowed", "skipped")),
    "STRING": (Phrase("a text in double quotes"), ()),
    "SWITCH": (Phrase("allowed or forbidden"), ("allowed", "forbidden")),
    "TIME": (Phrase("a time (09:30)"), ()),
    "TIMES": (Phrase("* or /"), ()),
    "TIMING": (Phrase("before or after"), ("before", "after")),
    "UNIT": (
        Phrase("a unit (minutes, hours, days, ...)"),
        ("minutes", "hours", "days", "weeks", "months", "quarters", "years"),
    ),
    "VERDICT": (Phrase("approve or reject"), ("approve", "reject")),
    "WEEKDAY": (
        Phrase("a weekday"),
        ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    ),
    "_DASH": (Phrase('"-"'), ()),
    "WINDOW": (Phrase("last or next"), ("last", "next")),
}

#: What may begin a value: said in one word instead of fifteen.
_VALUE = frozenset(
    (
        *("NAME", "NUMBER", "STRING", "PERCENT", "DATE", "DATETIME", "TIME", "BOOL"),
        *("LPAR", "LSQB", "PLUS", "NOT", "IF"),
    )
)

_A_VALUE = Phrase("a value")


def describe(error: UnexpectedInput, text: str, source: str) -> Diagnostic:
    """Gives the finding for what the parser could not take."""
    found = finding("syntax", "this text cannot be read", Span(1, 1))
    if isinstance(error, UnexpectedCharacters):
        found = _describe_character(error, text)
    elif isinstance(error, UnexpectedToken):
        found = _describe_token(error, text)
    return replace(found, source=source)


def place_of(error: UnexpectedInput, text: str) -> int:
    """Gives the offset of what the parser could not take."""
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return len(text)
    return error.pos_in_stream or 0


def _describe_character(error: UnexpectedCharacters, text: str) -> Diagnostic:
    place = error.pos_in_stream or 0
    found = text[place]
    accepts = frozenset(map(str, error.allowed or ()))
    slip = Slip(found, text[:place], text[place + 1 :], accepts, ())
    template = '"{found}" does not fit here'
    return finding("does_not_fit", template, span_at(text, place), hint_for(slip), found=found)


def _describe_token(error: UnexpectedToken, text: str) -> Diagnostic:
    token: Token = error.token
    accepts = frozenset(map(str, error.accepts or ())) - {"$END"}
    if not accepts and token.type != "$END":
        accepts = _accepted_behind(text[: token.start_pos or 0])
    expected, words = _expected(accepts)
    if token.type == "$END":
        template = "the text ends too early; expected {expected}"
        if not expected:
            template = "the text ends too early"
        hint = unclosed(text) or NOTHING
        return finding("ends_too_early", template, _end_of(text), hint, expected=expected)
    place = token.start_pos or 0
    slip = Slip(str(token), text[:place], text[place + len(token) :], accepts, words)
    template = '"{found}" does not fit here; expected {expected}'
    if not expected:
        template = '"{found}" does not fit here'
    return finding(
        "does_not_fit",
        template,
        span_at(text, place, len(token)),
        hint_for(slip),
        found=str(token),
        expected=expected,
    )


def _accepted_behind(text: str) -> frozenset[str]:
    """Gives what may follow a text, before a look at the next word has ended an expression."""
    start = "file" if STATEMENT.match(text.lstrip()) else "expression"
    try:
        interactive = parser().parse_interactive(text, start=start)
        interactive.exhaust_lexer()
    except UnexpectedInput:
        return frozenset()
    accepts = interactive.accepts()  # type: ignore[no-untyped-call]  # Lark's
    return frozenset(map(str, accepts)) - {"$END"}


def _end_of(text: str) -> Span:
    """Gives the place right behind the last thing that is no comment and no space."""
    end = 0
    place = 0
    for found in BRACKETS.finditer(text):
        if found.group().startswith("#"):
            end = max(end, place + len(text[place : found.start()].rstrip()))
            place = found.end()
    tail = text[place:].rstrip()
    return span_at(text, place + len(tail) if tail else end)


@cache
def _keywords() -> dict[str, str]:
    """Gives the words and marks that terminals of the grammar stand for."""
    return {
        terminal.name: terminal.pattern.value
        for terminal in parser().terminals
        if isinstance(terminal.pattern, PatternStr)
    }


def _expected(accepts: frozenset[str]) -> tuple[tuple[Phrase, ...], tuple[str, ...]]:
    """Gives how to name what may stand at a place, and the words to guess from."""
    keywords = _keywords()
    fixed = {keywords[name]: name for name in accepts if name in keywords}
    words = sorted(word for word in fixed if word[0].isalpha())
    marks = sorted(mark for mark in fixed if not mark[0].isalpha())
    named = sorted(name for name in accepts if name in _TERMINALS)
    guesses = [*words, *(word for name in named for word in _TERMINALS[name][1])]
    if accepts >= {"STRING", "NUMBER", "LPAR"}:
        words = [word for word in words if fixed[word] not in _VALUE]
        marks = [mark for mark in marks if fixed[mark] not in _VALUE]
        named = ["VALUE", *(name for name in named if name not in _VALUE)]
    kinds = (_A_VALUE if name == "VALUE" else _TERMINALS[name][0] for name in named)
    return (*quoted(words), *kinds, *quoted(marks)), tuple(guesses)
