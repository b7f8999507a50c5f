"""Index keys: records that share none are never compared, so that comparing takes no time.

A key joins parts of fields that hardly differ between two versions of one thing: how a name
sounds, the digits of a date. One part with few values is no key, two or three together are.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from itertools import combinations
from typing import Final

from metadata.duplicates.compare import Values
from metadata.duplicates.definitions import Comparison, DuplicateRule
from metadata.duplicates.scripts import is_han, pinyin, sound

ENOUGH_BITS: Final = 15.0
"""A key is shared by chance by one pair of records in 2^15 at most."""

MAX_KEYS: Final = 12
TIRED: Final = 4.0
"""What each use of a field takes off the next, in bits: keys of different fields find more."""

LONGEST_HEAD: Final = 4
NUMBERS: Final = re.compile(r"\d+")

BITS: Final[Mapping[str, float]] = {
    "email": 16.0,
    "phone": 16.0,
    "code": 16.0,
    "company": 15.0,
    "website": 15.0,
    "date": 12.0,
    "address": 9.0,
    "person": 11.0,
    "name_part": 8.0,
    "text": 8.0,
    "place": 7.5,
    "category": 2.0,
}
"""How seldom two values of a kind have the same part by chance: one pair in 2^bits."""


def keys_of(
    rule: DuplicateRule, values: Values, only: Collection[str] | None = None
) -> Iterator[str]:
    """Gives the keys of a record's comparable forms, none twice.

    Each begins with the fields that it is made of; `only` are those it may be made of.
    """
    by_field = {one.field: one for one in rule.comparisons}
    for group in groups_of(rule):
        if only is not None and not only_of(group, only):
            continue
        parts = [part_of(by_field[name], values.get(name, "")) for name in group]
        if all(parts):
            if all(by_field[name].kind == "name_part" for name in group):
                parts.sort()
            yield "\x1f".join((",".join(group), *parts))


def only_of(group: tuple[str, ...], only: Collection[str]) -> bool:
    """Says whether a group is made of nothing but some fields."""
    return all(name in only for name in group)


@lru_cache(maxsize=1024)
def groups_of(rule: DuplicateRule) -> tuple[tuple[str, ...], ...]:
    """Gives the groups of fields that make keys: those the rule names, else those that fit it."""
    return rule.keys or tuple(usual_groups(rule.comparisons))


def usual_groups(comparisons: tuple[Comparison, ...]) -> list[tuple[str, ...]]:
    """Gives fields that are keys by themselves, and pairs (or triples) of those that are not.

    The most telling ones come first; no field is in more than its share of them.
    """
    alone: list[tuple[str, ...]] = [
        (one.field,) for one in comparisons if BITS[one.kind] >= ENOUGH_BITS
    ]
    weak = [one for one in comparisons if BITS[one.kind] < ENOUGH_BITS]
    for size in (2, 3):
        joined = [group for group in combinations(weak, size) if telling(group) >= ENOUGH_BITS]
        if joined:
            return alone + spread(joined, MAX_KEYS - len(alone))
    return alone or [tuple(one.field for one in comparisons)]


def telling(group: tuple[Comparison, ...]) -> float:
    """Gives how seldom a key of some parts is shared by chance, in bits."""
    return sum(BITS[one.kind] for one in group)


def spread(groups: list[tuple[Comparison, ...]], most: int) -> list[tuple[str, ...]]:
    """Gives the most telling groups, preferring fields that are in few so far."""
    chosen: list[tuple[str, ...]] = []
    uses: dict[str, int] = {}
    rest = list(groups)
    while rest and len(chosen) < most:
        best = max(rest, key=lambda group: telling(group) - TIRED * times(group, uses))
        rest.remove(best)
        chosen.append(tuple(one.field for one in best))
        for one in best:
            uses[one.field] = uses.get(one.field, 0) + 1
    return chosen


def times(group: tuple[Comparison, ...], uses: Mapping[str, int]) -> int:
    """Gives how often the fields of a group are used already."""
    return sum(uses.get(one.field, 0) for one in group)


def part_of(comparison: Comparison, form: str) -> str:
    """Gives the part of a comparable form that two versions of it are likely to share."""
    if not form or comparison.by in ("exact", "normalised"):
        return form
    return fuzzy_part(comparison.kind, form)


@lru_cache(maxsize=65_536)
def fuzzy_part(kind: str, form: str) -> str:
    """Gives the part for comparisons that forgive slips."""
    if kind in ("person", "name_part", "place", "text"):
        return heard(form)
    if kind == "company":
        return heard(form)[:12]
    if kind == "address":
        return address_part(form)
    if kind == "phone":
        return form[-8:]
    return form


def heard(form: str) -> str:
    """Gives how words sound, in alphabetical order."""
    if is_han(form):
        return pinyin(form)
    return " ".join(sorted(sound(word)[:LONGEST_HEAD] for word in form.split()[:3]))


def address_part(form: str) -> str:
    """Gives the numbers of an address and how its first word sounds."""
    if is_han(form):
        return "-".join(NUMBERS.findall(form)) + form[:3]
    words = [word for word in form.split() if not word.isdigit()]
    first = sound(words[0])[:LONGEST_HEAD] if words else ""
    return " ".join((*NUMBERS.findall(form), first)).strip()
