"""Letters: one form for full-width, traditional, accented and capital ones, and how they sound."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import Final

import jellyfish
from opencc import OpenCC

from metadata.search.pinyin import readings

HAN: Final = re.compile(r"[㐀-鿿豈-﫿\U00020000-\U0003134f]")
LATIN_WORD: Final = re.compile(r"[a-z]+")
WORDS: Final = re.compile(r"[^\W_]+")


@cache
def converter() -> OpenCC:
    """Gives what turns traditional characters into simplified ones."""
    return OpenCC("t2s")


@lru_cache(maxsize=65_536)
def plain(text: str) -> str:
    """Gives a text without what makes no difference: width, case, accents, script, spaces."""
    if text.isascii():
        return " ".join(text.casefold().split())
    wide = unicodedata.normalize("NFKC", text).casefold()
    simple = converter().convert(wide) if is_han(wide) else wide
    bare = (one for one in unicodedata.normalize("NFD", simple) if not unicodedata.combining(one))
    return " ".join(unicodedata.normalize("NFC", "".join(bare)).split())


def words_of(text: str) -> list[str]:
    """Gives the words of a plain text: runs of letters and digits."""
    return WORDS.findall(text)


def is_han(text: str) -> bool:
    """Says whether there are Chinese characters in a text."""
    return not text.isascii() and HAN.search(text) is not None


@lru_cache(maxsize=65_536)
def pinyin(text: str) -> str:
    """Gives how Chinese characters are spoken, each in its usual reading; all else as it is."""
    if not is_han(text):
        return text
    return " ".join((readings(one) or (one,))[0] for one in text if not one.isspace())


@lru_cache(maxsize=65_536)
def sound(word: str) -> str:
    """Gives the key of words that sound alike: pinyin of Chinese ones, Metaphone of Latin ones."""
    if is_han(word):
        return pinyin(word)
    return jellyfish.metaphone(word) or word if LATIN_WORD.fullmatch(word) else word
