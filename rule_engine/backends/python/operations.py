"""What compiled functions call at run time: records around the record, and arithmetic by kind.

Everything here takes None for empty and gives None for empty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from rule_engine import arithmetic, dates
from rule_engine.backends.chains import NUMBERS
from rule_engine.types import Environment, Kind
from rule_engine.values import CalendarLength, Money

Record = Mapping[str, object]


def follow(reference: object, environment: Environment, target: str) -> Record | None:
    """Gives the record that a reference leads to: a mapping is the record itself."""
    if reference is None or isinstance(reference, Mapping):
        return reference
    return environment.related.record(target, str(reference))


def identity(reference: object) -> str | None:
    """Gives a reference's id; a nested record without one has an id of its own."""
    if reference is None or isinstance(reference, str):
        return reference
    if isinstance(reference, Mapping):
        found = reference.get("id")
        return f"record at {id(reference)}" if found is None else str(found)
    return str(reference)


def field_of(record: Record | None, field: str) -> object:
    """Gives a field's value; None without a record."""
    return None if record is None else record.get(field)


def linked(
    record: Record | None, link: str, environment: Environment, target: str, field: str
) -> Sequence[Record]:
    """Gives the records on a way back: the list in the record, else what the environment has."""
    if record is None:
        return ()
    rows = record.get(link)
    if isinstance(rows, Sequence) and not isinstance(rows, str):
        return rows
    identifier = record.get("id")
    if identifier is None:
        return ()
    return environment.related.records(target, field, str(identifier))


def today(environment: Environment) -> date | None:
    """Gives the date in the organisation's zone."""
    return dates.date_in(environment.now, environment.zone)


class RunConstants:
    """Values that depend on the moment and the zone only: computed once as long as both stay.

    A run has one moment, so all of a function's `today - 7 days` cost two comparisons per record:
    the function itself looks whether `known` is of its moment and its zone, and calls if not.
    """

    __slots__ = ("_compute", "known")

    def __init__(self, compute: Sequence[Callable[[Environment], object]]) -> None:
        self._compute = compute
        #: Moment, zone, values. One attribute, so that threads see all of it or nothing.
        self.known: tuple[object, ...] = (None, None)

    def __call__(self, environment: Environment) -> tuple[object, ...]:
        """Gives moment, zone and the values there."""
        now, zone = environment.now, environment.zone
        if self.known[0] == now and self.known[1] is zone:
            values = self.known[2:]
        else:
            values = tuple(compute(environment) for compute in self._compute)
        self.known = known = (now, zone, *values)
        return known


def local_instant(day: date | None, clock: time, environment: Environment) -> datetime | None:
    """Gives the instant of a date and a clock time in the organisation's zone."""
    return None if day is None else dates.to_instant(day, clock, environment.zone)


Operation = Callable[..., object]


def _days_between(left: date, right: date, environment: Environment) -> CalendarLength:
    return CalendarLength(days=(left - right).days)


def _minus_date(left: date, right: CalendarLength, environment: Environment) -> date | None:
    return dates.shift_date(left, -right)


def _add_money(left: Money, right: Money, environment: Environment) -> Money | None:
    return arithmetic.add_money(left, right, environment.rates)


def _subtract_money(left: Money, right: Money, environment: Environment) -> Money | None:
    return arithmetic.subtract_money(left, right, environment.rates)


def _ratio(left: Money, right: Money, environment: Environment) -> Decimal | None:
    return arithmetic.ratio(left, right, environment.rates)


def _plus_instant(
    left: datetime, right: CalendarLength, environment: Environment
) -> datetime | None:
    return dates.shift_instant(left, right, environment.zone)


def _minus_instant(
    left: datetime, right: CalendarLength, environment: Environment
) -> datetime | None:
    return dates.shift_instant(left, -right, environment.zone)


_CALENDAR, _CLOCK = Kind.CALENDAR_LENGTH, Kind.CLOCK_LENGTH

#: Arithmetic other than that of plain numbers: (left kind, operator, right kind) → function of
#: both values, none of them empty, and the environment. Percent stands as number here.
OPERATIONS: Mapping[tuple[Kind, str, Kind], Operation] = {
    (Kind.NUMBER, "/", Kind.NUMBER): lambda a, b, _: arithmetic.divide(a, b),
    (Kind.MONEY, "+", Kind.MONEY): _add_money,
    (Kind.MONEY, "-", Kind.MONEY): _subtract_money,
    (Kind.MONEY, "/", Kind.MONEY): _ratio,
    (Kind.MONEY, "*", Kind.NUMBER): lambda a, b, _: arithmetic.multiply_money(a, b),
    (Kind.NUMBER, "*", Kind.MONEY): lambda a, b, _: arithmetic.multiply_money(b, a),
    (Kind.MONEY, "/", Kind.NUMBER): lambda a, b, _: arithmetic.divide_money(a, b),
    (Kind.DATE, "-", Kind.DATE): _days_between,
    (Kind.DATE, "+", _CALENDAR): lambda a, b, _: dates.shift_date(a, b),
    (_CALENDAR, "+", Kind.DATE): lambda a, b, _: dates.shift_date(b, a),
    (Kind.DATE, "-", _CALENDAR): _minus_date,
    (Kind.INSTANT, "-", Kind.INSTANT): lambda a, b, _: a - b,
    (Kind.INSTANT, "+", _CALENDAR): _plus_instant,
    (_CALENDAR, "+", Kind.INSTANT): lambda a, b, environment: _plus_instant(b, a, environment),
    (Kind.INSTANT, "-", _CALENDAR): _minus_instant,
    (Kind.INSTANT, "+", _CLOCK): lambda a, b, _: dates.add_clock(a, b),
    (_CLOCK, "+", Kind.INSTANT): lambda a, b, _: dates.add_clock(b, a),
    (Kind.INSTANT, "-", _CLOCK): lambda a, b, _: dates.add_clock(a, -b),
    (Kind.TIME, "-", Kind.TIME): lambda a, b, _: dates.time_between(a, b),
    (_CLOCK, "+", Kind.TIME): lambda a, b, _: dates.add_to_time(b, a),
    (_CLOCK, "/", _CLOCK): lambda a, b, _: dates.ratio_of_lengths(a, b),
    (Kind.TIME, "+", _CLOCK): lambda a, b, _: dates.add_to_time(a, b),
    (Kind.TIME, "-", _CLOCK): lambda a, b, _: dates.add_to_time(a, -b),
    (_CALENDAR, "+", _CALENDAR): lambda a, b, _: dates.add_calendar(a, b),
    (_CALENDAR, "-", _CALENDAR): lambda a, b, _: dates.add_calendar(a, -b),
    (_CALENDAR, "*", Kind.NUMBER): lambda a, b, _: dates.scale_calendar(a, b),
    (Kind.NUMBER, "*", _CALENDAR): lambda a, b, _: dates.scale_calendar(b, a),
    (_CALENDAR, "/", Kind.NUMBER): lambda a, b, _: dates.divide_calendar(a, b),
    (_CLOCK, "+", _CLOCK): lambda a, b, _: dates.add_lengths(a, b),
    (_CLOCK, "-", _CLOCK): lambda a, b, _: dates.add_lengths(a, -b),
    (_CLOCK, "*", Kind.NUMBER): lambda a, b, _: dates.scale_clock(a, b),
    (Kind.NUMBER, "*", _CLOCK): lambda a, b, _: dates.scale_clock(b, a),
    (_CLOCK, "/", Kind.NUMBER): lambda a, b, _: dates.divide_clock(a, b),
}


def find_operation(left: Kind, operator: str, right: Kind) -> Operation | None:
    """Gives the function of an operator between two kinds; None when there is none."""
    plain = [Kind.NUMBER if kind in NUMBERS else kind for kind in (left, right)]
    return OPERATIONS.get((plain[0], operator, plain[1]))


def negate(value: object) -> object:
    """Gives a number, an amount or a length with the other sign."""
    if isinstance(value, Decimal):
        return arithmetic.negate(value)
    if isinstance(value, Money):
        return arithmetic.negate_money(value)
    if isinstance(value, CalendarLength | timedelta):
        return -value
    return None
