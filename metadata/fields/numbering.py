"""Patterns of auto numbers: `Q-{yyyy}-{0000}` makes Q-2026-0042."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Final

from metadata.fields.base import Refused

TOKEN: Final = re.compile(r"\{([^{}]*)\}")
DATE_TOKENS: Final[Mapping[str, Callable[[date], str]]] = {
    "yyyy": lambda day: f"{day.year:04}",
    "yy": lambda day: f"{day.year % 100:02}",
    "mm": lambda day: f"{day.month:02}",
    "dd": lambda day: f"{day.day:02}",
}
DIGITS: Final[Mapping[str, str]] = {
    "yyyy": r"\d{4}",
    "yy": r"\d\d",
    "mm": r"(?:0[1-9]|1[0-2])",
    "dd": r"(?:0[1-9]|[12]\d|3[01])",
}
COUNTER: Final = re.compile("0{1,12}")
PERIODS: Final[Mapping[str, tuple[str, ...]]] = {
    "never": (),
    "year": ("yyyy",),
    "month": ("yyyy", "mm"),
}
"""The parts of a day that name the period in which numbers count on."""


@dataclass(frozen=True, slots=True)
class Numbering:
    """A compiled pattern: literal texts and tokens in turn, and when counting starts again."""

    pieces: tuple[str, ...]
    reset: str

    @property
    def tokens(self) -> tuple[str, ...]:
        """Gives the tokens."""
        return self.pieces[1::2]

    def period(self, day: date) -> str:
        """Gives the period of a day: `2026-03`, or "" when counting never starts again."""
        return "-".join(DATE_TOKENS[token](day) for token in PERIODS[self.reset])

    def write(self, number: int, day: date) -> str:
        """Gives the text of a number drawn on a day; a counter may outgrow its zeros."""
        return "".join(
            piece if place % 2 == 0 else write_token(piece, number, day)
            for place, piece in enumerate(self.pieces)
        )

    def read(self, text: str) -> tuple[str, int] | None:
        """Gives the period and number of a text that the pattern could have made, else None."""
        found = expression_of(self.pieces).fullmatch(text)
        if found is None:
            return None
        parts = dict(zip(self.tokens, found.groups(), strict=True))
        number = next(int(part) for token, part in parts.items() if COUNTER.fullmatch(token))
        if "yyyy" not in parts and "yy" in parts:
            parts["yyyy"] = f"20{parts['yy']}"
        return "-".join(parts[token] for token in PERIODS[self.reset]), number


@cache
def expression_of(pieces: tuple[str, ...]) -> re.Pattern[str]:
    """Gives the expression of the texts that a pattern makes."""
    written = [
        re.escape(piece)
        if place % 2 == 0
        else f"({DIGITS.get(piece) or rf'[0-9]{{{len(piece)},18}}'})"
        for place, piece in enumerate(pieces)
    ]
    return re.compile("".join(written), re.ASCII)


def write_token(token: str, number: int, day: date) -> str:
    """Gives what stands for a token."""
    write = DATE_TOKENS.get(token)
    return write(day) if write else str(number).zfill(len(token))


@cache
def read_numbering(pattern: str, reset: str) -> Numbering:
    """Compiles a pattern. Raises Refused for an unknown token, no counter, or numbers that would
    come twice because the period is not in them."""
    pieces = tuple(TOKEN.split(pattern))
    tokens = pieces[1::2]
    for token in tokens:
        if token not in DATE_TOKENS and not COUNTER.fullmatch(token):
            raise Refused("number_token", token=token, known=[*DATE_TOKENS, "0000"])
    if any("{" in piece or "}" in piece for piece in pieces[::2]):
        raise Refused("number_braces")
    if sum(1 for token in tokens if COUNTER.fullmatch(token)) != 1:
        raise Refused("number_counter")
    if len(set(tokens)) != len(tokens):
        raise Refused("number_twice")
    years = {"yyyy", "yy"}.intersection(tokens)
    if (reset != "never" and not years) or (reset == "month" and "mm" not in tokens):
        needed = "{yyyy}" if reset == "year" else "{yyyy} and {mm}"
        raise Refused("number_period", reset=reset, needed=needed)
    return Numbering(pieces, reset)
