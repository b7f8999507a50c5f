"""Texts as tokens, and what is searched as terms: both databases get these and nothing else.

A token begins with its kind. Words are found by their beginnings; Chinese, Japanese and Korean by
pairs of characters (single ones too); Chinese also by pinyin and its initials; numbers by any of
their digits from the fourth last on, however they were grouped.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from metadata.search.pinyin import spellings
from rule_engine.text import fold

WORD: Final = "w"
PAIR: Final = "c"
PINYIN: Final = "p"
DIGITS: Final = "d"

MAX_CHARACTERS: Final = 10_000
"""Of one text; what is behind that is not found."""
MAX_NAME_CHARACTERS: Final = 64
"""Only texts that short are found by pinyin: names, not descriptions."""
MAX_WORD_CHARACTERS: Final = 64
MIN_DIGITS: Final = 4
MAX_DIGITS: Final = 20
MAX_TERMS: Final = 10

EAST_ASIAN: Final = (
    "\u1100-\u11ff\u3005-\u3007\u3041-\u30ff\u3130-\u318f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)
HAN: Final = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
RUNS: Final = re.compile(f"[{EAST_ASIAN}]+")
HAN_RUNS: Final = re.compile(f"[{HAN}]+")
JOINED: Final = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)+")
"""Words with an apostrophe, which many leave out."""
GROUPED: Final = re.compile(r"\d(?:[ ().\-/]{0,3}\d)*", re.ASCII)
"""Digits of one number, grouped in the usual ways."""
NUMBER: Final = re.compile(r"[+(]?[ ().\-/]*\d(?:[ ().\-/]*\d)*[ ().\-/]*", re.ASCII)
MIN_GROUPED: Final = 7
"""Fewer digits in several groups are words: dates, places."""


@dataclass(frozen=True, slots=True)
class Lexeme:
    """A token that is looked for; with `is_prefix` all that begin like it."""

    text: str
    is_prefix: bool = True


Term = tuple[Lexeme, ...]
"""What a record must have one of."""


def tokens_of(text: str) -> Iterator[str]:
    """Gives the tokens under which a text is found, some of them several times."""
    known = normal(text[:MAX_CHARACTERS])
    for word in words_of(known):
        yield WORD + word
        if not word.isascii():
            yield from (WORD + other for other in (bare(word),) if other and other != word)
    for found in JOINED.finditer(known):
        joined = found.group().replace("'", "").replace("\u2019", "")
        yield WORD + joined[:MAX_WORD_CHARACTERS]
    for number in GROUPED.finditer(known):
        yield from (DIGITS + end for end in endings(number.group()))
    if known.isascii():
        return
    for run in RUNS.findall(known):
        yield from (PAIR + run[place : place + 2] for place in range(len(run)))
    if len(known) <= MAX_NAME_CHARACTERS:
        for run in HAN_RUNS.findall(known):
            yield from (PINYIN + spelling for spelling in spellings(run))


def terms_of(text: str) -> tuple[Term, ...]:
    """Gives what a record must have all of to be found by a text; nothing for a text without
    letters and digits."""
    known = normal(text)
    number = digits_of(known) if NUMBER.fullmatch(known.strip()) else ""
    if len(number) >= MIN_GROUPED:
        return (number_term(number),)
    terms = [word_term(word) for word in words_of(known)]
    terms += [(pair,) for run in RUNS.findall(known) for pair in pairs_of(run)]
    return tuple(dict.fromkeys(terms))[:MAX_TERMS]


def normal(text: str) -> str:
    """Gives the form in which texts are compared: no matter which case and width (NFKC)."""
    if text.isascii():
        return text.casefold()
    return unicodedata.normalize("NFKC", fold(unicodedata.normalize("NFKC", text)))


def words_of(text: str) -> Iterator[str]:
    """Gives the runs of letters, marks and digits that are not East Asian."""
    if text.isascii():
        yield from (word[:MAX_WORD_CHARACTERS] for word in ascii_words(text))
        return
    word: list[str] = []
    for character in RUNS.sub(" ", text):
        if unicodedata.category(character)[0] in "LMN":
            word.append(character)
        elif word:
            yield "".join(word[:MAX_WORD_CHARACTERS])
            word.clear()
    if word:
        yield "".join(word[:MAX_WORD_CHARACTERS])


def ascii_words(text: str) -> list[str]:
    """Gives the words of a text without other letters than those of ASCII."""
    return re.findall("[a-z0-9]+", text)


def bare(word: str) -> str:
    """Gives a word without accents."""
    apart = unicodedata.normalize("NFD", word)
    kept = "".join(one for one in apart if unicodedata.category(one) != "Mn")
    return unicodedata.normalize("NFC", kept)


def digits_of(text: str) -> str:
    """Gives the digits of a number."""
    return re.sub(r"\D", "", text, flags=re.ASCII)


def endings(number: str) -> Iterable[str]:
    """Gives a number's digits from each of them on, the shortest MIN_DIGITS long."""
    digits = digits_of(number)[:MAX_DIGITS]
    return (digits[start:] for start in range(len(digits) - MIN_DIGITS + 1))


def number_term(number: str) -> Term:
    """Gives the term for the digits of a number; zeros before it may stand for a country."""
    ways = dict.fromkeys((number[:MAX_DIGITS], number.lstrip("0")[:MAX_DIGITS]))
    return tuple(Lexeme(DIGITS + way) for way in ways if len(way) >= MIN_DIGITS)


def word_term(word: str) -> Term:
    """Gives the term for one word: it may begin a word, be pinyin, or be part of a number."""
    found = [Lexeme(WORD + word)]
    if word.isascii() and word.isalpha():
        found.append(Lexeme(PINYIN + word))
    elif word.isascii() and word.isdecimal() and len(word) >= MIN_DIGITS:
        found.extend(number_term(word))
    return tuple(found)


def pairs_of(run: str) -> Iterator[Lexeme]:
    """Gives the pairs of a run of characters; a single one begins some pair."""
    if len(run) == 1:
        yield Lexeme(PAIR + run)
    for place in range(len(run) - 1):
        yield Lexeme(PAIR + run[place : place + 2], is_prefix=False)
