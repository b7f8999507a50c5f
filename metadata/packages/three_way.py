"""Merging three states of a JSON document, part by part: what both sides changed is a conflict.

`base` is what both began with, `ours` what somebody made of it here, `theirs` what a new version
brings. Objects merge by key, lists by what identifies their items; the order counts too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Literal, TypeAlias

from metadata.json_text import pointer

Side: TypeAlias = Literal["ours", "theirs"]
SIDES: Final[tuple[Side, ...]] = ("ours", "theirs")


class Absent(Enum):
    """What stands for a part that is not there."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT

NAMING: Final = ("name", "title")
"""The keys by which an item of a list is the same one, however else it changed."""
ORDERED: Final = frozenset({"properties", "options"})
"""Objects whose order of keys people see: it is a conflict when both sides changed it."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A part that was changed here and is different in the new version too.

    `place` is `file:pointer`, by which it is resolved; a side without the part is ABSENT. `kept`
    is the side that is taken: ours, unless somebody chose.
    """

    place: str
    base: object
    ours: object
    theirs: object
    kept: Side = "ours"


@dataclass(slots=True)
class Merge:
    """Merges the parts of one file. `choices` says which side to take, by place.

    Collects conflicts, and in `edits` the places of changes made here that stay.
    """

    file: str
    choices: Mapping[str, str] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    edits: list[str] = field(default_factory=list)

    def merge(
        self, base: object, ours: object, theirs: object, path: tuple[object, ...] = ()
    ) -> object:
        """Gives the merged part; ABSENT when it is gone."""
        if same(ours, theirs):
            return ours
        if same(ours, base):
            return theirs
        if same(theirs, base):
            self.edits.append(self.place(path))
            return ours
        if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
            return self.objects(base, ours, theirs, path)
        if isinstance(ours, list) and isinstance(theirs, list):
            merged = self.lists(base, ours, theirs, path)
            if merged is not None:
                return merged
        return self.choose(base, ours, theirs, path)

    def place(self, path: tuple[object, ...]) -> str:
        """Gives the address of a part: the file, and where in it."""
        return f"{self.file}:{pointer(path)}" if path else self.file

    def choose(
        self, base: object, ours: object, theirs: object, path: tuple[object, ...]
    ) -> object:
        """Notes a conflict and gives the side that is taken."""
        place = self.place(path)
        kept: Side = "theirs" if self.choices.get(place) == "theirs" else "ours"
        self.conflicts.append(Conflict(place, base, ours, theirs, kept))
        return theirs if kept == "theirs" else ours

    def objects(
        self,
        base: object,
        ours: Mapping[str, object],
        theirs: Mapping[str, object],
        path: tuple[object, ...],
    ) -> dict[str, object]:
        """Merges objects key by key."""
        was = base if isinstance(base, Mapping) else {}
        merged = {
            key: self.merge(
                was.get(key, ABSENT), ours.get(key, ABSENT), theirs.get(key, ABSENT), (*path, key)
            )
            for key in dict.fromkeys((*theirs, *ours))
        }
        kept = [key for key, value in merged.items() if value is not ABSENT]
        keys = (list(was), list(ours), list(theirs))
        order = self.order(keys, keys, kept, path if path and path[-1] in ORDERED else None)
        return {key: merged[key] for key in order}

    def lists(
        self,
        base: object,
        ours: Sequence[object],
        theirs: Sequence[object],
        path: tuple[object, ...],
    ) -> list[object] | None:
        """Merges lists item by item; None when items cannot be told apart."""
        was = base if isinstance(base, list) else []
        keyed = [identified(items) for items in (was, ours, theirs)]
        before, mine, new = keyed
        if before is None or mine is None or new is None or replaced(before, mine, new):
            return None
        places = {key: (*path, index) for items in (mine, new) for index, key in enumerate(items)}
        merged = {
            key: self.merge(
                before.get(key, ABSENT), mine.get(key, ABSENT), new.get(key, ABSENT), places[key]
            )
            for key in dict.fromkeys((*new, *mine))
        }
        kept = [key for key, value in merged.items() if value is not ABSENT]
        keys = ([*before], [*mine], [*new])
        return [merged[key] for key in self.order(keys, (base, ours, theirs), kept, path)]

    def order(
        self,
        keys: tuple[list[str], list[str], list[str]],
        sides: tuple[object, object, object],
        kept: list[str],
        path: tuple[object, ...] | None,
    ) -> list[str]:
        """Gives the kept keys in the merged order; two new orders are a conflict of the `sides`.

        Without a `path` the order does not count: then ours is taken.
        """
        _, ours, theirs = keys
        common = {*ours} & {*theirs}
        known, mine, new = ([key for key in side if key in common] for side in keys)
        is_known = set(known)
        if mine == new or [key for key in mine if key in is_known] == known:
            return woven(theirs, ours, kept)
        if path is None or [key for key in new if key in is_known] == known:
            return woven(ours, theirs, kept)
        taken = self.choose(*sides, path)
        return woven(theirs, ours, kept) if taken is sides[2] else woven(ours, theirs, kept)


def same(left: object, right: object) -> bool:
    """Says whether two parts are written alike, in the same order; true is not 1."""
    if left is ABSENT or right is ABSENT:
        return left is right
    return left == right and json.dumps(left) == json.dumps(right)


def identified(items: Sequence[object]) -> dict[str, object] | None:
    """Gives the items of a list by what identifies them; None when two are alike."""
    keyed = {identity(item): item for item in items}
    return keyed if len(keyed) == len(items) else None


def identity(item: object) -> str:
    """Gives what makes an item the same one: its name or title, else all of it."""
    if isinstance(item, Mapping):
        for key in NAMING:
            if isinstance(item.get(key), str):
                return f"{key} {item[key]}"
    return json.dumps(item, sort_keys=True)


def replaced(base: Iterable[str], ours: Iterable[str], theirs: Iterable[str]) -> bool:
    """Says whether both sides put something else in the place of the same items."""
    was, mine, new = set(base), set(ours), set(theirs)
    both_took_away = was - mine - new
    return bool(both_took_away and (mine - was) and (new - was) and (mine - was) != (new - was))


def woven(first: Sequence[str], second: Sequence[str], kept: Iterable[str]) -> list[str]:
    """Gives the kept keys in the order of `first`; others follow what they follow in `second`."""
    wanted = set(kept)
    woven_keys = [key for key in first if key in wanted]
    before = None
    for key in second:
        if key not in wanted:
            continue
        if key not in woven_keys:
            at = woven_keys.index(before) + 1 if before is not None else 0
            woven_keys.insert(at, key)
        before = key
    return woven_keys
