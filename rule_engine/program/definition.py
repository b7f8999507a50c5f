"""What every named thing in a program has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from rule_engine.errors import Span
from rule_engine.values import BusinessLength, CalendarLength

Length = CalendarLength | timedelta | BusinessLength


@dataclass(frozen=True, slots=True)
class Definition:
    """What every named thing has. `label` is the name where none was written.

    `ruleset` and `version` are empty where the text does not say them; `source` names the text.
    """

    name: str
    label: str
    object: str
    span: Span
    ruleset: str
    version: str
    source: str


@dataclass(frozen=True, slots=True)
class Period:
    """The days on which the statements of a text apply, both included; None is no limit."""

    since: date | None = None
    until: date | None = None

    def holds(self, day: date) -> bool:
        """Says whether a day is one of them."""
        return not self.is_ahead(day) and not self.is_over(day)

    def is_ahead(self, day: date) -> bool:
        """Says whether they all come after a day."""
        return self.since is not None and day < self.since

    def is_over(self, day: date) -> bool:
        """Says whether they all came before a day."""
        return self.until is not None and day > self.until

    def turns(self) -> tuple[date, ...]:
        """Gives the days from which on it is otherwise than the day before."""
        until = self.until
        ended = None if until is None or until == date.max else until + timedelta(days=1)
        return tuple(one for one in (self.since, ended) if one is not None)
