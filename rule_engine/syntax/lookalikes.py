"""Letters of other scripts that look like Latin ones, inside one word with Latin letters.

After "mixed-script confusables" of Unicode's UTS #39. Words of one script, and Latin beside
Chinese, Japanese or Korean, are as they should be: so are `Δt` and `µm`, whose letters look like
no others.
"""

from __future__ import annotations

import re
from unicodedata import name as name_of
from unicodedata import normalize

from rule_engine import tree
from rule_engine.errors import Diagnostic, Span, finding

_WORD = re.compile(r"\w+")

_CYRILLIC = dict(
    zip("авекмнорстухАВЕКМНОРСТУХіІјЈѕЅԁһԛԝҮү", "abekmhopctyxABEKMHOPCTYXiIjJsSdhqwYy", strict=True)
)
_GREEK = dict(zip("αικνορτυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧϲϳγ", "aiknoptuxABEZHIKMNOPTYXcjy", strict=True))
_ARMENIAN = dict(zip("աոսօՕՏԼհ", "wnuoOSLh", strict=True))
_LOOK_ALIKES = {**_CYRILLIC, **_GREEK, **_ARMENIAN}


def find_stranger(name: tree.Name) -> Diagnostic | None:
    """Finds a letter in a name that looks like a Latin one among Latin ones."""
    if name.text.isascii():
        return None
    for word in _WORD.finditer(name.text):
        if word.group().isascii():
            continue
        found = next((letter for letter in word.group() if _latin(letter)), None)
        if found is not None and any(map(_is_latin, word.group())):
            return _describe(name, found)
    return None


def _latin(letter: str) -> str | None:
    """Gives the Latin letter that one of another script or width looks like."""
    if letter.isascii():
        return None
    plain = normalize("NFKC", letter)
    return plain if plain.isascii() and plain.isalnum() else _LOOK_ALIKES.get(letter)


def _is_latin(letter: str) -> bool:
    return letter.isascii() and letter.isalpha()


def _describe(name: tree.Name, letter: str) -> Diagnostic:
    return finding(
        "look_alike",
        '"{found}" in "{name}" is not the Latin letter but {letter}',
        _place(name, letter),
        'type "{meant}" instead',
        found=letter,
        name=name.text,
        letter=name_of(letter, f"U+{ord(letter):04X}"),
        meant=_latin(letter),
    )


def _place(name: tree.Name, letter: str) -> Span:
    """Gives the letter's place; that of the whole name where it was written decomposed."""
    quotes = name.span.width - len(name.text)
    if quotes not in (0, 2):
        return name.span
    return Span(name.span.line, name.span.column + quotes // 2 + name.text.index(letter))
