"""Reads that may take long: each within a time limit, and few of one person at the same time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from http import HTTPStatus
from threading import Lock
from typing import Final

from metadata.problems import Problem
from metadata.query.patience import patience
from trellis.api.problems import RequestError
from trellis.unit import Unit

SECONDS: Final = 5.0
AT_ONCE: Final = 4
"""How many long reads of one person a process does at the same time."""


class Turns:
    """Who is being served, and how often. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._running: Counter[str] = Counter()

    @contextmanager
    def taken(self, name: str) -> Iterator[None]:
        """Serves somebody. Raises RequestError (429) for one who is served as often as may be."""
        with self._lock:
            if self._running[name] >= AT_ONCE:
                problem = Problem("", "too_many_at_once", {"limit": AT_ONCE})
                raise RequestError(HTTPStatus.TOO_MANY_REQUESTS, [problem])
            self._running[name] += 1
        try:
            yield
        finally:
            with self._lock:
                self._running[name] -= 1
                if not self._running[name]:
                    del self._running[name]


TURNS: Final = Turns()


def in_time(unit: Unit) -> AbstractContextManager[None]:
    """Has what is read in here take no longer than SECONDS."""
    return patience(unit.connection, SECONDS)


@contextmanager
def heavy(unit: Unit) -> Iterator[None]:
    """Has what is read in here take its turn, and no longer than SECONDS."""
    with TURNS.taken(unit.principal.name), in_time(unit):
        yield
