"""Values of literal tokens, with what can be wrong about them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from unicodedata import normalize

from lark import Token

from rule_engine.errors import Diagnostic, Span, finding
from rule_engine.messages import Phrase
from rule_engine.syntax.limits import MAX_DIGITS, MAX_STRING

ESCAPES = {
    '"': '"',
    "\\": "\\",
    "/": "/",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)")
_SURROGATES = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_MULTIPLIERS = {"万": 10**4, "亿": 10**8}

Report = Callable[[Diagnostic], None]


def token_span(token: Token) -> Span:
    """Gives a token's place."""
    return Span(token.line or 1, token.column or 1, max(1, len(token)))


def read_number(token: Token, report: Report) -> Decimal:
    """Gives the value of `50_000`, `1.5` or `50万`."""
    digits = str(token).rstrip("万亿").replace("_", "")
    value = Decimal(digits) * _MULTIPLIERS.get(str(token)[-1], 1)
    if _count_digits(value) > MAX_DIGITS:
        report(_too_many_digits(token))
    return value


def read_percent(token: Token, report: Report) -> Decimal:
    """Gives the fraction that `15%` stands for."""
    value = Decimal(str(token).rstrip("%").replace("_", ""))
    if _count_digits(value) > MAX_DIGITS:
        report(_too_many_digits(token))
    return value.scaleb(-2)


def _count_digits(value: Decimal) -> int:
    digits, exponent = value.as_tuple().digits, int(value.as_tuple().exponent)
    return max(len(digits) + max(0, exponent), -exponent)


def _too_many_digits(token: Token) -> Diagnostic:
    return finding(
        "too_many_digits",
        "a number has at most {most} digits",
        token_span(token),
        most=MAX_DIGITS,
    )


def read_string(token: Token, report: Report) -> str:
    """Gives the text between the quotes, JSON's escapes resolved, NFC."""
    inner = str(token)[1:-1]
    span = token_span(token)

    def resolve(found: re.Match[str]) -> str:
        written = found.group(1)
        if written[0] == "u" and len(written) > 1:
            return chr(int(written[1:], 16))
        if written in ESCAPES:
            return ESCAPES[written]
        place = Span(span.line, span.column + 1 + found.start(), 2)
        report(
            finding(
                "bad_escape",
                '"{escape}" is not an escape',
                place,
                'escapes are \\" \\\\ \\/ \\b \\f \\n \\r \\t \\u0000',
                escape=f"\\{written}",
            )
        )
        return ""

    text = _SURROGATES.sub(_join_surrogates, _ESCAPE.sub(resolve, inner))
    if any("\ud800" <= letter <= "\udfff" for letter in text) or "\0" in text:
        report(finding("bad_character", "this text holds half a character", span))
        return ""
    if len(text) > MAX_STRING:
        report(
            finding(
                "string_too_long",
                "a text has at most {most} characters",
                span,
                most=f"{MAX_STRING:,}",
            )
        )
    return normalize("NFC", text)


def _join_surrogates(found: re.Match[str]) -> str:
    return found.group().encode("utf-16", "surrogatepass").decode("utf-16")


def read_date(token: Token, report: Report) -> date:
    """Gives the day; an impossible one is reported."""
    try:
        return date.fromisoformat(str(token))
    except ValueError:
        report(_no_such(Phrase("there is no day {text}"), token))
        return date(2000, 1, 1)


def read_time(token: Token, report: Report) -> time:
    """Gives the clock time; an impossible one is reported."""
    hour, minute = map(int, str(token).split(":"))
    try:
        return time(hour, minute)
    except ValueError:
        report(_no_such(Phrase("there is no time {text}"), token))
        return time(0)


def read_datetime(token: Token, report: Report) -> datetime:
    """Gives the moment, naive when written without an offset; an impossible one is reported."""
    try:
        return datetime.fromisoformat(str(token).replace(" ", "T"))
    except ValueError:
        report(_no_such(Phrase("there is no moment {text}"), token))
        return datetime(2000, 1, 1)  # noqa: DTZ001 - stands for a literal without an offset


def _no_such(said: Phrase, token: Token) -> Diagnostic:
    return finding("no_such_time", said, token_span(token), text=str(token))


def read_name(token: Token) -> str:
    """Gives a name without its backquotes, NFC."""
    return normalize("NFC", str(token).strip("`").strip())
