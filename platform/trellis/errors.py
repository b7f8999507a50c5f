"""Why a use case refuses. Each carries problems that the door words for the reader."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from metadata.problems import Problem, in_words


class RecordError(Exception):
    """The family of this package's exceptions. Whoever catches one rolls the transaction back."""

    def __init__(self, problems: Iterable[Problem] = ()) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return in_words(self.problems)


class Missing(RecordError):  # noqa: N818 - reads as an answer
    """The object or record does not exist for this principal (404)."""


class NotAllowed(RecordError):  # noqa: N818 - reads as an answer
    """It is visible, but this principal may not do that with it (403)."""


class Refused(RecordError):  # noqa: N818 - reads as an answer
    """What was sent cannot be accepted; every problem found is there (422)."""


class Conflict(RecordError):  # noqa: N818 - reads as an answer
    """The state of things forbids it now: locked, in use, already decided (409)."""


class Stale(RecordError):  # noqa: N818 - reads as an answer
    """The record moved on since it was read (412); `current` is what the principal sees of it."""

    def __init__(self, current: Mapping[str, object]) -> None:
        super().__init__([Problem("", "stale", {"version": current["version"]})])
        self.current = current
