"""Numbers as people write them: with a decimal mark of their country, and grouped."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

from metadata.fields.base import Refused
from metadata.fields.numbers import shown

POINT, COMMA = ".", ","
MAX_LENGTH: Final = 100
WRITTEN: Final = re.compile(
    r"([^\d.,]*)([.,]?\d[\d.,' _’]*?)([eE][+-]?\d{1,3})?([^\d.,]*)",
    re.ASCII,
)
"""What comes before a number, its digits with all marks, its power of ten, and what follows."""
SPACED_SIGN: Final = re.compile(r"([+-])\s+$")


def notation(mark: str) -> re.Pattern[str]:
    """Gives what a number looks like that has this mark before its fraction: digits in groups of
    three, as in India of two above the thousands, or in none."""
    between = rf"[{COMMA if mark == POINT else POINT} '_’]"
    threes = rf"[1-9]\d{{0,2}}(?P<threes>{between})\d{{3}}((?P=threes)\d{{3}})*"
    twos = rf"[1-9]\d?(?P<twos>{between})\d\d((?P=twos)\d\d)*(?P=twos)\d{{3}}"
    return re.compile(rf"({threes}|{twos}|\d+)([{mark}]\d*)?|[{mark}]\d+", re.ASCII)


NOTATIONS: Final = {mark: notation(mark) for mark in (POINT, COMMA)}


def readings(number: str, power: str) -> Mapping[str, str]:
    """Gives a number with a point and without groups, by the marks with which it can be read.

    A number with a power of ten is a machine's, which groups nothing.
    """
    found = {}
    for mark, pattern in NOTATIONS.items():
        match = pattern.fullmatch(number)
        if match is not None and not (power and (match["threes"] or match["twos"])):
            whole, _, fraction = number.partition(mark)
            digits = re.sub(r"\D", "", whole)
            found[mark] = f"{digits}.{fraction}" if fraction else digits
    return found


def parts_of(text: str) -> tuple[str, str, str, str] | None:
    """Gives what comes before a number, the number, its power of ten, and what follows; None for a
    text with no number or with several.

    An apostrophe first keeps spreadsheets from calculating what begins with a sign.
    """
    narrow = unicodedata.normalize("NFKC", text).strip().removeprefix("'")
    found = WRITTEN.fullmatch(narrow) if len(narrow) <= MAX_LENGTH else None
    if found is None:
        return None
    before, number, power, after = found.groups(default="")
    return SPACED_SIGN.sub(r"\1", before), number, power, after


def mark_of(texts: Iterable[str], usual: str | None) -> str | None:
    """Gives the decimal mark of a column by those of its texts that can be read in one way only:
    the `usual` one where there are none of them, None where they contradict each other."""
    found = set[str]()
    for text in texts:
        parts = parts_of(text)
        marks = readings(parts[1], parts[2]) if parts is not None else {}
        if len(marks) == 1:
            found |= marks.keys()
    if not found:
        return usual
    return found.pop() if len(found) == 1 else None


def with_point(text: str, mark: str | None, *, thousandths: bool) -> str:
    """Gives the number of a text with a point and without groups, what stands around it as it is.

    Without a mark the text itself must tell it. A comma before three digits groups them where a
    field has no `thousandths`; a point may do either, for machines write all places. Raises
    Refused for what does not fit the mark, and for what can be read in two ways.
    """
    parts = parts_of(text)
    found = {} if parts is None else readings(parts[1], parts[2])
    if parts is None or not found:
        raise Refused("number_expected", value=shown(text))
    before, number, power, after = parts
    if mark is None and COMMA in number and not thousandths:
        mark = POINT if POINT in found else COMMA
    if mark is not None and mark not in found:
        raise Refused("import_number_mark", value=shown(text), mark=mark)
    if mark is None and len(set(found.values())) > 1:
        values = {"first": found[POINT], "second": found[COMMA]}
        raise Refused("import_number_unclear", value=shown(text), **values)
    plain = found[mark] if mark is not None else next(iter(found.values()))
    return f"{before}{plain}{power}{after}"
