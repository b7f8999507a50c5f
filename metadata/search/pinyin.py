"""How Chinese characters are read: pinyin without tones, with all the usual readings."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from importlib import import_module
from itertools import islice, product
from typing import Final, NamedTuple

MAX_READINGS: Final = 3
"""Readings of one character; rarer ones are left out."""
MAX_READINGS_INSIDE: Final = 2
"""The same behind the first character: surnames with a rare reading come first."""
VARIED: Final = 4
"""So many characters at the beginning are read in all their ways, others as the word has them."""
MAX_VARIANTS: Final = 6
MAX_SYLLABLES: Final = 8
MAX_PHRASE: Final = 4

Readings = Sequence[tuple[str, ...]]


class Dictionary(NamedTuple):
    """Readings with their tones: of characters by code point, of words by their characters."""

    characters: Mapping[int, str]
    words: Mapping[str, Sequence[Sequence[str]]]


@cache
def dictionary() -> Dictionary:
    """Gives pypinyin's tables, loaded with the first Chinese text: they take 60 MB."""
    known = import_module("pypinyin.constants")
    return Dictionary(known.PINYIN_DICT, known.PHRASES_DICT)


@lru_cache(maxsize=8_192)
def readings(character: str) -> tuple[str, ...]:
    """Gives the syllables a character is read as, the usual one first; ü is v as on keyboards."""
    known = dictionary().characters.get(ord(character), "")
    return tuple(dict.fromkeys(map(plain, known.split(",")[:MAX_READINGS]))) if known else ()


@lru_cache(maxsize=2_048)
def plain(syllable: str) -> str:
    """Gives a syllable without its tone, in ASCII letters."""
    apart = unicodedata.normalize("NFD", syllable.casefold())
    kept = apart.replace("u\u0308", "v").replace("\u0308", "")
    return "".join(letter for letter in kept if "a" <= letter <= "z")


def in_words(run: str) -> Iterator[tuple[str, ...]]:
    """Gives the readings of each character, first the one it has in its word (重 in 重庆)."""
    words, place = dictionary().words, 0
    while place < len(run):
        ends = range(min(len(run), place + MAX_PHRASE), place + 1, -1)
        word = next((run[place:end] for end in ends if run[place:end] in words), run[place])
        told = words.get(word, [[]])
        for character, ways in zip(word, told, strict=False):
            yield tuple(dict.fromkeys((*map(plain, ways[:1]), *readings(character))))
        place += len(word)


@lru_cache(maxsize=4_096)
def spellings(run: str) -> tuple[str, ...]:
    """Gives what people type for Chinese characters, from each of them on: initials and syllables.

    A character without a known reading ends what comes before it.
    """
    known = list(in_words(run))
    found = dict.fromkeys(spelled(readable(known[:MAX_SYLLABLES]), VARIED))
    for start in range(1, len(known)):
        first, *others = known[start : start + MAX_SYLLABLES]
        part = readable([first[:MAX_READINGS_INSIDE], *others])
        found.update(dict.fromkeys(spelled(part, 1)))
    return tuple(found)


def readable(known: Readings) -> Readings:
    """Gives the characters up to the first without a reading."""
    return known[: known.index(())] if () in known else known


def spelled(known: Readings, varied: int) -> list[str]:
    """Gives initials and syllables of characters, the first of them read in all their ways."""
    if not known:
        return []
    usual = tuple(ways[0] for ways in known[varied:])
    ways = [(*some, *usual) for some in islice(product(*known[:varied]), MAX_VARIANTS)]
    return [*("".join(part[0] for part in way) for way in ways), *("".join(way) for way in ways)]
