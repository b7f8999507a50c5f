"""What a query is asked with and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Literal
from zoneinfo import ZoneInfo

from metadata.json_text import nearest
from metadata.problems import DefinitionError, Problem

Count = Literal["none", "exact", "capped", "estimate"]

COUNTS: tuple[Count, ...] = ("none", "exact", "capped", "estimate")
COUNT_CAP = 1_001
MAX_LIMIT = 200
MAX_FILTER_BYTES = 16_384
MAX_SEARCH_CHARACTERS = 200
MAX_HOPS = 3


@dataclass(frozen=True)  # without slots: the day is worked out once
class Moment:
    """When a query runs: `now` is aware UTC, `zone` the organisation's."""

    now: datetime
    zone: ZoneInfo

    @cached_property
    def today(self) -> date:
        """Gives the date in the organisation's zone."""
        return self.now.astimezone(self.zone).date()


@dataclass(frozen=True, slots=True)
class This:
    """The record that `this.` means in a filter: of which object, and its Python values by field.

    It need not be stored; a field that is not there is empty.
    """

    object_name: str
    record: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list. `next` is the cursor of the following page, None on the last one.

    `count` is None when it was not asked for; with `count_is` "capped" it stops at 1,001, with
    "estimate" it is what the database supposes.
    """

    items: tuple[dict[str, object], ...]
    next: str | None = None
    count: int | None = None
    count_is: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A row about to be changed: all its fields, and whether the action reaches it."""

    record: dict[str, object]
    allowed: bool


class QueryProblem(DefinitionError):  # noqa: N818  # a problem is what it is called everywhere
    """A question that cannot be answered as it was put; the caller can correct it."""


class UnknownObject(QueryProblem):
    """No such object for this principal: hidden and non-existing ones give the same answer."""

    def __init__(self, object_name: str, known: Sequence[str]) -> None:
        values = {"name": object_name, "nearest": nearest(object_name, known), "known": known}
        super().__init__([Problem("object", "unknown_object", values)])


class Missing(Exception):  # noqa: N818  # says what is the case
    """No such record for this principal: not there, deleted, or not to be seen."""

    def __init__(self, object_name: str, record_id: str) -> None:
        self.object = object_name
        self.id = record_id
        super().__init__(f"{object_name} {record_id} is not there")
