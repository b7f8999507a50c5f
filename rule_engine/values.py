"""Values of the rule language that Python has no type for."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency; `currency` is an ISO 4217 code.

    `base` is what a stored amount was worth in the base currency when it was saved, for people to
    read: it is no part of the value.
    """

    amount: Decimal
    currency: str
    base: Decimal | None = field(default=None, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class CalendarLength:
    """A length counted on the calendar. Months are added first and clamp at the month's end."""

    months: int = 0
    days: int = 0

    def __neg__(self) -> CalendarLength:
        return CalendarLength(-self.months, -self.days)


@dataclass(frozen=True, slots=True)
class BusinessLength:
    """A length of working time: exactly one of hours and days is not zero."""

    minutes: int = 0
    days: int = 0
