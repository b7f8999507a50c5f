"""A bounded place for what is costly to make and the same for a whole version of the catalog."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import TypeVar

MAX_ENTRIES = 200
"""A compiled list takes about a quarter of a megabyte."""

Made = TypeVar("Made")


class Cache:
    """Keeps the entries used last. Safe for threads: two may make the same entry, one is kept."""

    def __init__(self, max_entries: int = MAX_ENTRIES) -> None:
        self.max_entries = max_entries
        self._entries: OrderedDict[Hashable, object] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, kind: type[Made], make: Callable[[], Made]) -> Made:
        """Gives the entry of a key, made when it is not there. What `make` raises is not kept."""
        with self._lock:
            found = self._entries.get(key)
            if isinstance(found, kind):
                self._entries.move_to_end(key)
                return found
        made = make()
        with self._lock:
            self._entries[key] = made
            while len(self._entries) > self.max_entries:
                self._entries.popitem(last=False)
        return made
