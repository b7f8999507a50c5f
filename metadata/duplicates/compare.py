"""Comparing two records under a rule: how similar each field is, and what all of it says."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Final

from rapidfuzz import fuzz
from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler

from metadata.duplicates import normalise
from metadata.duplicates.definitions import Comparison, DuplicateRule
from metadata.duplicates.scripts import is_han, pinyin, sound
from metadata.duplicates.weights import MOST_OF_PLACES, PLACES, bits_of, certainty

Values = Mapping[str, str]
"""A record's comparable forms by field; a field without a value is absent."""

SWAPPED: Final = frozenset({"name_part", "address"})
"""Kinds of values that people enter into one another's fields."""

SOUNDS_ALIKE: Final = 0.94
LIKE_SOUNDING: Final = 0.9
SAME_WORDS: Final = 0.97
INITIAL: Final = 0.88
ONE_SLIP: Final = 0.85
CLOSE_ENOUGH: Final = 0.8
UNLIKE: Final = 0.5
SOUTHERN: Final = re.compile(r"(?<=[zcs])h|(?<=[aei]n)g\b")
"""What speakers of the south do not tell apart: zh and z, ang and an …"""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What one comparison came to: `similar` from 0 to 1, `bits` for (or against) the same."""

    field: str
    similar: float
    bits: float


@dataclass(frozen=True, slots=True)
class Score:
    """How certain (0 to 1) two records are one, and what says so, the strongest first."""

    certainty: float
    bits: float
    agreements: tuple[Agreement, ...]


def comparable(rule: DuplicateRule, texts: Mapping[str, str]) -> dict[str, str]:
    """Gives the comparable forms of a record's texts by field."""
    found = {}
    for one in rule.comparisons:
        form = form_of(one, texts.get(one.field, ""))
        if form:
            found[one.field] = form
    return found


def form_of(comparison: Comparison, text: str) -> str:
    """Gives the form of a text in which it is compared; empty when nothing is left."""
    if not text:
        return ""
    if comparison.by == "exact":
        return " ".join(text.split())
    if comparison.kind == "email":
        return normalise.email(text, plus=comparison.plus)
    if comparison.kind == "phone":
        return normalise.phone(text, region=comparison.region)
    return normalise.NORMALISERS[comparison.kind](text)


def score(
    rule: DuplicateRule, one: Values, other: Values, only: Collection[str] | None = None
) -> Score:
    """Gives how certain it is that two records are one.

    `only` are the fields that may count (None: all). A field that is empty on one side says
    nothing.
    """
    compared = [
        comparison
        for comparison in rule.comparisons
        if (name := comparison.field) in one and name in other and (only is None or name in only)
    ]
    similar = {
        comparison.field: similarity(comparison, one[comparison.field], other[comparison.field])
        for comparison in compared
    }
    for left, right in swappable(compared):
        crossed = crossing(left, right, one, other)
        if crossed is not None and sum(crossed) > similar[left.field] + similar[right.field] + 0.4:
            similar[left.field], similar[right.field] = crossed
    found, total, where = [], 0.0, 0.0
    for comparison in compared:
        alike = similar[comparison.field]
        bits = bits_of(comparison.kind, alike) * comparison.weight
        found.append(Agreement(comparison.field, alike, bits))
        total += bits
        if bits > 0 and comparison.kind in PLACES:
            where += bits
    total -= max(0.0, where - MOST_OF_PLACES)
    found.sort(key=lambda agreement: -agreement.bits)
    return Score(certainty(total), total, tuple(found))


def swappable(compared: list[Comparison]) -> Iterator[tuple[Comparison, Comparison]]:
    """Gives pairs of fields whose values people enter into one another's."""
    likely = [one for one in compared if one.kind in SWAPPED and one.by != "exact"]
    for left, right in combinations(likely, 2):
        if left.kind == right.kind:
            yield left, right


def crossing(
    left: Comparison, right: Comparison, one: Values, other: Values
) -> tuple[float, float] | None:
    """Gives how similar two fields are crosswise; None when they are not at all."""
    forth = similarity(left, one[left.field], other[right.field])
    if forth <= UNLIKE:
        return None
    return forth, similarity(right, one[right.field], other[left.field])


def similarity(comparison: Comparison, one: str, other: str) -> float:
    """Gives how similar two comparable forms are, from 0 to 1."""
    if one == other:
        return 1.0
    if comparison.by in ("exact", "normalised"):
        return 0.0
    if one > other:
        one, other = other, one
    return WAYS[comparison.by](comparison.kind, one, other)


@lru_cache(maxsize=131_072)
def fuzzy(kind: str, one: str, other: str) -> float:
    """Gives how similar two different forms of a kind are written."""
    return SIMILARITIES[kind](one, other)


@lru_cache(maxsize=131_072)
def phonetic(_kind: str, one: str, other: str) -> float:
    """Says whether two different forms sound alike, word by word in any order."""
    return SOUNDS_ALIKE if sounds(one) == sounds(other) else 0.0


@lru_cache(maxsize=131_072)
def by_pinyin(_kind: str, one: str, other: str) -> float:
    """Says whether two different forms are spoken the same in Chinese, or nearly."""
    left, right = pinyin(one), pinyin(other)
    if left.replace(" ", "") == right.replace(" ", ""):
        return SOUNDS_ALIKE
    return LIKE_SOUNDING if SOUTHERN.sub("", left) == SOUTHERN.sub("", right) else 0.0


WAYS: Final[Mapping[str, Callable[[str, str, str], float]]] = {
    "fuzzy": fuzzy,
    "phonetic": phonetic,
    "pinyin": by_pinyin,
}


def sounds(text: str) -> tuple[str, ...]:
    """Gives how the words of a text sound, in order."""
    return tuple(sorted(sound(word) for word in text.split()))


def names_alike(one: str, other: str) -> float:
    """Compares names: words in any order, initials, and how they sound."""
    if is_han(one) or is_han(other):
        return max(by_pinyin("person", one, other), fuzz.ratio(one, other) / 100)
    left, right = one.split(), other.split()
    if len(left) == 1 == len(right):
        return initial_or(one, other, JaroWinkler.similarity(one, other))
    if sorted(left) == sorted(right):
        return SAME_WORDS
    if one.replace(" ", "") == other.replace(" ", ""):
        return SAME_WORDS
    return max(best_words(left, right), JaroWinkler.similarity(one, other))


def initial_or(one: str, other: str, similar: float) -> float:
    """Gives the similarity of an initial with a name that begins so, else the one given."""
    short, long = sorted((one, other), key=len)
    return max(similar, INITIAL) if len(short) == 1 and long.startswith(short) else similar


def best_words(left: list[str], right: list[str]) -> float:
    """Gives the mean similarity of each word of the shorter name with its best partner; words
    without any count a little against it."""
    few, many = sorted((left, right), key=len)
    rest = list(many)
    total = 0.0
    for word in few:
        scores = [initial_or(word, other, JaroWinkler.similarity(word, other)) for other in rest]
        best = max(range(len(rest)), key=scores.__getitem__)
        total += scores[best]
        rest.pop(best)
    return total / len(few) - 0.08 * len(rest)


def texts_alike(one: str, other: str) -> float:
    """Compares texts: as they stand, without spaces, and with their words in any order."""
    ratio = fuzz.ratio(one, other) / 100
    if ratio > ONE_SLIP:
        return ratio
    joined = fuzz.ratio(one.replace(" ", ""), other.replace(" ", "")) / 100
    sorted_ = fuzz.token_sort_ratio(one, other) / 100 if " " in one or " " in other else 0.0
    return max(ratio, joined, sorted_)


def companies_alike(one: str, other: str) -> float:
    """Compares companies: as texts, and Chinese ones as they are spoken."""
    spoken = by_pinyin("company", one, other) if is_han(one) or is_han(other) else 0.0
    return max(spoken, texts_alike(one, other), JaroWinkler.similarity(one, other) - 0.05)


def dates_alike(one: str, other: str) -> float:
    """Compares dates: one digit otherwise, two swapped, or day and month exchanged."""
    if len(one) >= 8 <= len(other):
        one, other = one[:8], other[:8]
        if one[:4] == other[:4] and (one[4:6], one[6:]) == (other[6:], other[4:6]):
            return LIKE_SOUNDING
    return ONE_SLIP if DamerauLevenshtein.distance(one, other, score_cutoff=1) <= 1 else 0.0


def codes_alike(one: str, other: str) -> float:
    """Compares numbers and codes: one slip of the finger apart."""
    if min(len(one), len(other)) < 5:
        return 0.0
    return CLOSE_ENOUGH if DamerauLevenshtein.distance(one, other, score_cutoff=1) <= 1 else 0.0


def phones_alike(one: str, other: str) -> float:
    """Compares numbers: the same but for the codes before them, or one digit."""
    if min(len(one), len(other)) >= 8 and one[-8:] == other[-8:]:
        return SOUNDS_ALIKE
    return LIKE_SOUNDING if codes_alike(one, other) else 0.0


def emails_alike(one: str, other: str) -> float:
    """Compares addresses: one slip of the finger apart, or the same name at another domain."""
    return JaroWinkler.similarity(one, other) if DamerauLevenshtein.distance(one, other) <= 1 else 0


SIMILARITIES: Final[Mapping[str, Callable[[str, str], float]]] = {
    "person": names_alike,
    "name_part": names_alike,
    "company": companies_alike,
    "address": texts_alike,
    "place": texts_alike,
    "text": texts_alike,
    "email": emails_alike,
    "phone": phones_alike,
    "website": emails_alike,
    "date": dates_alike,
    "code": codes_alike,
    "category": lambda _one, _other: 0.0,
}
"""How two different forms of a kind are compared."""
