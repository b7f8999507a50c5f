"""Says what does not fit in a text, what would, and what was probably meant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from lark import Token
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.lexer import PatternStr

from rule_engine.errors import Diagnostic, Span
from rule_engine.spelling import nearest
from rule_engine.syntax.limits import BRACKETS, span_at
from rule_engine.syntax.tables import parser

#: How terminals that are no keywords are named, and the words they stand for.
_TERMINALS: dict[str, tuple[str, tuple[str, ...]]] = {
    "BOOL": ("true or false", ("true", "false")),
    "COMPARE": ("a comparison (=, !=, <, <=, >, >=)", ()),
    "CURRENCY": ("a currency (CNY, USD, ...)", ()),
    "DATE": ("a date (2026-03-01)", ()),
    "DATETIME": ("a moment (2026-03-01T09:30)", ()),
    "EVENT": ("create, update, save or delete", ("create", "update", "save", "delete")),
    "HIT": ("first, unique or collect", ("first", "unique", "collect")),
    "NAME": ("a name", ()),
    "NOT": ("not", ("not",)),
    "NUMBER": ("a number", ()),
    "PERCENT": ("a percentage", ()),
    "PHASE": (
        "submit, approve, reject, recall or overdue",
        ("submit", "approve", "reject", "recall", "overdue"),
    ),
    "PLUS": ("+ or -", ()),
    "QUORUM": ("anyone, everyone or majority", ("anyone", "everyone", "majority")),
    "SELF": ("forbidden, allowed or skipped", ("forbidden", "allowed", "skipped")),
    "STRING": ("a text in double quotes", ()),
    "SWITCH": ("allowed or forbidden", ("allowed", "forbidden")),
    "TIME": ("a time (09:30)", ()),
    "TIMES": ("* or /", ()),
    "TIMING": ("before or after", ("before", "after")),
    "UNIT": (
        "a unit (minutes, hours, days, ...)",
        ("minutes", "hours", "days", "weeks", "months", "quarters", "years"),
    ),
    "VERDICT": ("approve or reject", ("approve", "reject")),
    "WEEKDAY": (
        "a weekday",
        ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    ),
    "WINDOW": ("last or next", ("last", "next")),
}

#: What may begin a value: said in one word instead of fifteen.
_VALUE = frozenset(
    (
        *("NAME", "NUMBER", "STRING", "PERCENT", "DATE", "DATETIME", "TIME", "BOOL"),
        *("LPAR", "LSQB", "PLUS", "NOT", "IF"),
    )
)

_FULL_WIDTH = {
    **dict.fromkeys("“”„‟＂「」『』", '"'),
    **dict.fromkeys("‘’＇", "'"),
    "，": ",",
    "、": ",",
    "；": ";",
    "：": ":",
    "（": "(",
    "）": ")",
    "［": "[",
    "］": "]",
    "【": "[",
    "】": "]",
    "｛": "{",
    "｝": "}",
    "＝": "=",
    "＞": ">",
    "＜": "<",
    "≥": ">=",
    "≤": "<=",
    "≠": "!=",
    "×": "*",
    "÷": "/",
    "＋": "+",
    "－": "-",
    "−": "-",
    "–": "-",
    "＊": "*",
    "／": "/",
    "％": "%",
    "。": ".",
    "．": ".",
    "｜": "|",
    "＃": "#",
    "！": "!",
    "＆": "&",
    "…": "...",
}
_NOT_FULL_WIDTH = "≥≤≠×÷−–…"


@dataclass(frozen=True, slots=True)
class _Slip:
    """What stands in the text and what could stand there."""

    found: str
    before: str
    after: str
    accepts: frozenset[str]
    words: tuple[str, ...]


def describe(error: UnexpectedInput, text: str, source: str) -> Diagnostic:
    """Gives the finding for what the parser could not take."""
    if isinstance(error, UnexpectedCharacters):
        return _describe_character(error, text, source)
    if isinstance(error, UnexpectedToken):
        return _describe_token(error, text, source)
    return Diagnostic("this text cannot be read", Span(1, 1), "syntax", source=source)


def place_of(error: UnexpectedInput, text: str) -> int:
    """Gives the offset of what the parser could not take."""
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return len(text)
    return error.pos_in_stream or 0


def _describe_character(error: UnexpectedCharacters, text: str, source: str) -> Diagnostic:
    place = error.pos_in_stream or 0
    found = text[place]
    accepts = frozenset(map(str, error.allowed or ()))
    slip = _Slip(found, text[:place], text[place + 1 :], accepts, ())
    return Diagnostic(
        f'"{found}" does not fit here',
        span_at(text, place),
        "does_not_fit",
        hint=_hint(slip),
        values={"found": found},
        source=source,
    )


def _describe_token(error: UnexpectedToken, text: str, source: str) -> Diagnostic:
    token: Token = error.token
    accepts = frozenset(map(str, error.accepts or ()))
    expected, words = _expected(accepts)
    wanted = f"; expected {', '.join(expected)}" if expected else ""
    values = {"found": str(token), "expected": expected}
    if token.type == "$END":
        return Diagnostic(
            f"the text ends too early{wanted}",
            _end_of(text),
            "ends_too_early",
            hint=_unclosed(text) or "",
            values=values,
            source=source,
        )
    place = token.start_pos or 0
    slip = _Slip(str(token), text[:place], text[place + len(token) :], accepts, words)
    return Diagnostic(
        f'"{token}" does not fit here{wanted}',
        span_at(text, place, len(token)),
        "does_not_fit",
        hint=_hint(slip),
        values=values,
        source=source,
    )


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


def _expected(accepts: frozenset[str]) -> tuple[list[str], tuple[str, ...]]:
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
    said = [
        *(f'"{word}"' for word in words),
        *("a value" if name == "VALUE" else _TERMINALS[name][0] for name in named),
        *(f'"{mark}"' for mark in marks),
    ]
    return said, tuple(guesses)


def _unclosed(text: str) -> str | None:
    """Says which bracket is not closed; None when all are."""
    open_marks: list[tuple[str, int]] = []
    for found in BRACKETS.finditer(text):
        if found.group() in "([{":
            open_marks.append((found.group(), found.start()))
        elif found.group() in ")]}" and open_marks:
            open_marks.pop()
    if not open_marks:
        return None
    mark, place = open_marks[-1]
    return f'the "{mark}" on line {span_at(text, place).line} is not closed'


# Habits from other languages: the first that answers gives the hint.


def _full_width(slip: _Slip) -> str | None:
    meant = _FULL_WIDTH.get(slip.found)
    if meant is None:
        return None
    if slip.found in _NOT_FULL_WIDTH:
        return f"type {meant} instead"
    return f'this is the full-width "{slip.found}"; type {meant} instead'


def _comparison(slip: _Slip) -> str | None:
    if slip.found == "=>" and "COMPARE" in slip.accepts:
        return 'for "at least" write >='
    if slip.found == "<" and slip.before.endswith("="):
        return 'for "at most" write <='
    if slip.found == ">" and slip.before.endswith("="):
        return 'for "at least" write >='
    return None


def _assignment(slip: _Slip) -> str | None:
    if slip.found in {"=", "=="} and "TO" in slip.accepts:
        return 'assign with "to":  set field to value'
    if slip.found == "=" and slip.before.endswith(":"):
        return "write only :"
    if slip.found == "=" and "COLON" in slip.accepts:
        return "write  name: value"
    return None


def _quotes(slip: _Slip) -> str | None:
    if slip.found == "'":
        return "texts are written in double quotes"
    if slip.found == '"':
        return "this text is not closed on its line"
    if slip.found == "`":
        return "this name is not closed on its line"
    return None


_STATEMENTS = frozenset(
    (
        *("calendar", "define", "table", "score", "validate", "rule", "assign", "approval"),
        *("sla", "test"),
    )
)
_SIGNS = {
    "&": 'write "and"',
    "|": 'write "or"',
    "!": 'write "not"',
    ";": "statements need no semicolon",
    "?": "write  if condition then a else b",
    "^": "there is no power; multiply instead",
    "$": "say the currency behind the number:  100 USD",
    "¥": "say the currency behind the number:  100 CNY",
    "￥": "say the currency behind the number:  100 CNY",
    "€": "say the currency behind the number:  100 EUR",
    "%": "a percentage is written  15%",
    "~": 'write "contains" or "matches"',
}


def _sign(slip: _Slip) -> str | None:
    if slip.found == "/" and (slip.after.startswith(("/", "*")) or slip.before.endswith("/")):
        return "comments begin with #"
    if slip.found == "-" and slip.after.startswith("-"):
        return "comments begin with #"
    return _SIGNS.get(slip.found)


def _word(slip: _Slip) -> str | None:
    word = slip.found.casefold()
    if word in {"if", "where"} and "WHEN" in slip.accepts:
        return 'conditions begin with "when"'
    if word == "when" and "WHERE" in slip.accepts:
        return 'inside brackets write "where"'
    if word in {"else", "elif", "elseif"} and "OTHERWISE" in slip.accepts:
        return 'write "otherwise"'
    if word == "then" and "LBRACE" in slip.accepts:
        return "write the actions in { }"
    if word in {"like", "ilike"} and "CONTAINS" in slip.accepts:
        return 'write "contains", "starts with" or "ends with"'
    if word in {"equals", "eq", "equal"} and "COMPARE" in slip.accepts:
        return "write ="
    if word == "null" and "EMPTY" in slip.accepts:
        return 'write "is empty" or "is not empty"'
    if word != slip.found and word in slip.words:
        return f'keywords are written small: "{word}"'
    return None


def _bracket(slip: _Slip) -> str | None:
    if slip.found in ")]}" and (open_mark := _unclosed(slip.before)):
        return open_mark
    return None


def _statement(slip: _Slip) -> str | None:
    if slip.found in _STATEMENTS and slip.before.endswith("\n"):
        return _unclosed(slip.before)
    return None


def _spelling(slip: _Slip) -> str | None:
    if not (slip.found[0].isalpha() or slip.found[0] == "_"):
        return None
    guess = nearest(slip.found, slip.words)
    return f'did you mean "{guess}"?' if guess and guess != slip.found else None


_HABITS: tuple[Callable[[_Slip], str | None], ...] = (
    _full_width,
    _comparison,
    _assignment,
    _quotes,
    _sign,
    _word,
    _bracket,
    _statement,
    _spelling,
)


def _hint(slip: _Slip) -> str:
    return next((hint for habit in _HABITS if (hint := habit(slip))), "")
