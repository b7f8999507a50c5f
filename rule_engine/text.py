"""Text as the language compares and changes it, letter by letter the same on every back end.

Case mappings are those of single code points (no final sigma rule): databases can repeat them.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from decimal import Decimal
from functools import cache

#: What trimming removes: all that Python calls white space.
WHITE_SPACE = "".join(character for character in map(chr, range(0x3001)) if character.isspace())

#: Categories of code points that show nothing (controls, formats, separators), and letters that
#: only fill a place.
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"})
FILLERS = "\u115f\u1160\u2800\u3164\uffa0"

#: How many characters a text may have that is longer for what was replaced in it: each `replace`
#: in a `replace` could multiply it, until no memory holds it.
MOST_GROWN = 100_000

NUMBER = re.compile(r"[+-]?(?:[0-9]{1,100}(?:\.[0-9]{0,100})?|\.[0-9]{1,100})", re.ASCII)


def parse_number(text: str) -> Decimal | None:
    """Gives the number that a text is (sign, digits, point), white space around it apart."""
    trimmed = text.strip()
    return Decimal(trimmed) if NUMBER.fullmatch(trimmed) else None


def clean(text: str | None) -> str | None:
    """Gives the form in which texts are compared: NFC and trimmed; None for blank text."""
    if text is None:
        return None
    return unicodedata.normalize("NFC", text).strip() or None


def is_blank(text: str) -> bool:
    """Says whether nothing of a text is to be seen: it is empty, white space, or marks without a
    shape of their own, such as the zero-width space."""
    return all(one in FILLERS or unicodedata.category(one) in UNSEEN for one in text)


def replace(text: str, part: str, by: str) -> str | None:
    """Gives the text with each exact part replaced, None when nothing is left, or too much."""
    growth = text.count(part) * (len(by) - len(part)) if part else 0
    if growth > 0 and len(text) + growth > MOST_GROWN:
        return None
    return text.replace(part, by) or None if part else text


def fold(text: str) -> str:
    """Gives the form in which `contains`, `starts with` and `ends with` look: case-folded NFC."""
    return unicodedata.normalize("NFC", text).casefold()


def lower(text: str) -> str:
    """Gives small letters."""
    return text if text.isascii() and text.islower() else "".join(map(str.lower, text))


def upper(text: str) -> str:
    """Gives capital letters; some letters become two (ß is SS)."""
    return text.upper()


def contains(left: str | None, right: str | None) -> bool:
    """Says whether the right text is not empty and stands in the left one, in any case."""
    return bool(left and right) and fold(right or "") in fold(left or "")


def starts(left: str | None, right: str | None) -> bool:
    """Says whether the left text starts with the right one, which is not empty, in any case."""
    return bool(left and right) and fold(left or "").startswith(fold(right or ""))


def ends(left: str | None, right: str | None) -> bool:
    """Says whether the left text ends with the right one, which is not empty, in any case."""
    return bool(left and right) and fold(left or "").endswith(fold(right or ""))


@cache
def case_mapping(kind: str) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """Gives what `fold`, `lower` or `upper` does to code points, for databases.

    First and second are the single letters and what they become, place by place; the third are
    the letters that become several. No result holds a letter that is mapped again.
    """
    function = {"fold": str.casefold, "lower": str.lower, "upper": str.upper}[kind]
    single_from, single_to, several = [], [], []
    for character in map(chr, range(sys.maxunicode + 1)):
        mapped = function(character)
        if mapped == character or 0xD800 <= ord(character) < 0xE000:
            continue
        if len(mapped) == 1:
            single_from.append(character)
            single_to.append(mapped)
        else:
            several.append((character, mapped))
    return "".join(single_from), "".join(single_to), tuple(several)
