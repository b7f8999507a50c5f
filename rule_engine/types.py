"""Types of expressions, and the protocols through which the language meets its surroundings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Protocol
from zoneinfo import ZoneInfo

import sqlalchemy as sa


class Kind(StrEnum):
    """What sort of value an expression gives; the Python form stands behind each."""

    TEXT = "text"  # str, NFC, never empty
    NUMBER = "number"  # Decimal
    PERCENT = "percent"  # Decimal fraction: 15 % is 0.15
    MONEY = "money"  # values.Money
    BOOLEAN = "boolean"  # bool
    DATE = "date"  # datetime.date
    INSTANT = "instant"  # aware datetime, UTC, milliseconds
    TIME = "time"  # datetime.time
    CALENDAR_LENGTH = "calendar_length"  # values.CalendarLength: days, weeks, months, years
    CLOCK_LENGTH = "clock_length"  # timedelta: minutes, hours
    BUSINESS_LENGTH = "business_length"  # values.BusinessLength
    CHOICE = "choice"  # str, one of `options`
    CHOICES = "choices"  # frozenset[str]
    REFERENCE = "reference"  # str, the id of a record of `target` (users are object "user")
    LIST = "list"  # tuple of `item`
    EMPTY = "empty"  # None: nothing is known of the type


@dataclass(frozen=True, slots=True)
class Type:
    """A kind with what the checker needs to know about it.

    `target` names the object of a reference; `options` the API values of a choice (None: any text);
    `item` the type of a list's items.
    """

    kind: Kind
    target: str | None = None
    options: tuple[str, ...] | None = None
    item: Type | None = None


class Option(Protocol):
    """One value of a choice field. `attributes` are typed: `{"probability": (PERCENT, 0.1)}`."""

    @property
    def value(self) -> str: ...
    @property
    def labels(self) -> Mapping[str, str]: ...
    @property
    def attributes(self) -> Mapping[str, tuple[Type, object]]: ...


class FieldType(Protocol):
    """A field as the language sees it. `labels` maps languages to titles."""

    @property
    def name(self) -> str: ...
    @property
    def labels(self) -> Mapping[str, str]: ...
    @property
    def type(self) -> Type: ...
    @property
    def nullable(self) -> bool: ...
    @property
    def writable(self) -> bool: ...
    @property
    def options(self) -> Mapping[str, Option]: ...
    @property
    def target(self) -> str | None: ...
    @property
    def currency(self) -> str | None: ...


class Link(Protocol):
    """A way back: the records of `target` whose reference `field` points here."""

    @property
    def name(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def field(self) -> str: ...
    @property
    def many(self) -> bool: ...


class ObjectType(Protocol):
    """An object with its fields (system fields included) and the ways back to it."""

    @property
    def name(self) -> str: ...
    @property
    def labels(self) -> Mapping[str, str]: ...
    @property
    def fields(self) -> Mapping[str, FieldType]: ...
    @property
    def links(self) -> Mapping[str, Link]: ...


class Schema(Protocol):
    """All objects that rules may name."""

    @property
    def objects(self) -> Mapping[str, ObjectType]: ...

    def object(self, name: str) -> ObjectType | None:
        """Gives the object of an API name, else of an unambiguous label."""


class RateTable(Protocol):
    """Exchange rates of one date into the base currency."""

    @property
    def base(self) -> str: ...

    def rate(self, currency: str) -> Decimal | None:
        """Gives how many units of the base currency one unit of `currency` is worth."""


class Calendar(Protocol):
    """Working time as a monotone function F of the clock.

    `worked` is F(until) − F(since); `due` its inverse: the first instant by which a length was
    worked since the start. `due_days` is the same clock time on the n-th next working day, moved to
    the next opening when closed then; a start on a day off counts from the next opening. Both give
    None where there is no such instant. `working_days` counts from `first` to before `last`.
    `unknown_year` is the first one between two instants of which nobody has said yet which days off
    are moved: what is counted in it is a guess.
    """

    @property
    def zone(self) -> ZoneInfo: ...
    def unknown_year(self, since: datetime, until: datetime) -> int | None: ...

    def worked(self, since: datetime, until: datetime) -> timedelta: ...

    def due(self, start: datetime, length: timedelta) -> datetime | None: ...

    def due_days(self, start: datetime, days: int) -> datetime | None: ...

    def working_days(self, first: date, last: date) -> int: ...

    def shift_days(self, day: date, days: int) -> date | None:
        """Gives the n-th working day after a day (a day off counts as the next one), or before."""


class Related(Protocol):
    """The records around the one that is looked at, already loaded or loaded on demand."""

    def record(self, object_name: str, record_id: str) -> Mapping[str, object] | None:
        """Gives a referenced record, or None when there is none to be seen."""

    def records(
        self, object_name: str, field: str, record_id: str
    ) -> Sequence[Mapping[str, object]]:
        """Gives the records of `object_name` whose `field` refers to `record_id`, by creation."""


@dataclass(frozen=True, slots=True)
class Memberships:
    """What somebody belongs to today: roles by API name, teams by name."""

    roles: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()


NO_MEMBERSHIPS = Memberships()
"""Those of nobody: of automation, and of the system."""


class Environment(Protocol):
    """What an evaluation may know besides the record; fixed once per run.

    `user` is the record of the acting person, `memberships` are hers.
    """

    @property
    def now(self) -> datetime: ...
    @property
    def zone(self) -> ZoneInfo: ...
    @property
    def user(self) -> Mapping[str, object] | None: ...
    @property
    def memberships(self) -> Memberships: ...
    @property
    def calendars(self) -> Mapping[str, Calendar]: ...
    @property
    def rates(self) -> RateTable: ...
    @property
    def related(self) -> Related: ...


class SqlSchema(Protocol):
    """Tables and columns behind a Schema. `dialect` is "sqlite" or "postgresql"."""

    @property
    def dialect(self) -> str: ...

    def table(self, object_name: str) -> sa.FromClause:
        """Gives what to select an object's records from; the compiler makes aliases of it."""

    def column(
        self, table: sa.FromClause, object_name: str, field: str, part: str = ""
    ) -> sa.ColumnElement[object]:
        """Gives a field's column in `table` (or in an alias of it); parts: currency, base, fold."""


@dataclass(frozen=True, slots=True)
class Absence:
    """Somebody's being away today: until which day (None: not known), and who stands in for them.

    Without a substitute nobody was named.
    """

    until: date | None = None
    substitute: str | None = None


class Directory(Protocol):
    """Who is who. User ids are strings."""

    def resolve(self, kind: str, name: str, scope: object | None) -> Sequence[str]:
        """Gives the active users of a `role`, `team` or `user` named so, in a stable order.

        The people of a `queue` are those who may take from it.
        """

    def relation(self, kind: str, user: str) -> Sequence[str]:
        """Gives the active users that stand in a relation to a user: the `manager`.

        Who is gone is climbed over: whoever stands above them comes in.
        """

    def memberships(self, user: str) -> Memberships:
        """Gives what a user belongs to."""

    def absence(self, user: str) -> Absence | None:
        """Gives why somebody else may speak for a user today; None while the user is there."""
