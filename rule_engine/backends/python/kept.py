"""What was made of objects, known by the objects themselves, not by what they are equal to."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from threading import Lock
from typing import Generic, TypeVar

Thing = TypeVar("Thing")
Made = TypeVar("Made")

#: A compiled expression takes about three kilobytes.
MAX_ENTRIES = 20_000


class Kept(Generic[Thing, Made]):
    """Makes something of an object once; the oldest are forgotten when there are too many.

    Safe for threads: two may make the same, then one is kept. What `make` raises is not kept.
    """

    __slots__ = ("_entries", "_lock", "_make", "_max_entries")

    def __init__(self, make: Callable[[Thing], Made], max_entries: int = MAX_ENTRIES) -> None:
        self._make = make
        self._max_entries = max_entries
        # The object is kept too: as long as it is, nothing else has its id.
        self._entries: dict[int, tuple[Thing, Made]] = {}
        self._lock = Lock()

    def get(self, thing: Thing) -> Made:
        """Gives what was made of this object."""
        found = self._entries.get(id(thing))
        return found[1] if found is not None else self._add(thing)

    def _add(self, thing: Thing) -> Made:
        made = self._make(thing)
        with self._lock:
            if len(self._entries) >= self._max_entries:
                oldest = list(islice(self._entries, self._max_entries // 4 or 1))
                for key in oldest:
                    del self._entries[key]
            return self._entries.setdefault(id(thing), (thing, made))[1]
