"""The functions that SQLite lacks, registered on every connection that runs compiled rules.

Decimals travel as text, dates and instants in the form columns store them. An empty argument
makes the result empty. None of them raises: SQLite would fail the whole statement.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from datetime import date, time
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from rule_engine import arithmetic, dates, text
from rule_engine.backends.dialects.sqlite_totals import Highest, Lowest, Sum
from rule_engine.columns import MAX_DIGITS, read_instant, write_instant
from rule_engine.values import CalendarLength

Argument = str | int
Function = Callable[..., Argument | None]


def register_sqlite_functions(connection: sqlite3.Connection) -> None:
    """Makes a raw connection able to run compiled rules."""
    for name, (count, function) in FUNCTIONS.items():
        connection.create_function(f"rule_{name}", count, _strict(function), deterministic=True)
    # Typed too narrowly in typeshed: the result of finalize may be None.
    aggregates: dict[str, Any] = {"sum": Sum, "lowest": Lowest, "highest": Highest}
    for name, aggregate in aggregates.items():
        connection.create_aggregate(f"rule_{name}", 1, aggregate)


def _strict(function: Function) -> Function:
    def call(*arguments: Argument | None) -> Argument | None:
        if None in arguments:
            return None
        return function(*arguments)

    return call


def write(value: Decimal | None) -> str | None:
    """Gives a decimal's digits without an exponent."""
    return None if value is None else format(value, "f")


def _whole(value: Argument) -> int:
    return value if isinstance(value, int) else int(arithmetic.round_places(Decimal(value), 0))


def _length(months: Argument, days: Argument) -> CalendarLength:
    return CalendarLength(_whole(months), _whole(days))


zone_of = lru_cache(256)(ZoneInfo)


# ---------------------------------------------------------------- numbers


def _binary(operation: Callable[[Decimal, Decimal], Decimal | None]) -> Function:
    return lambda left, right: write(operation(Decimal(left), Decimal(right)))


def _unary(operation: Callable[[Decimal], Decimal]) -> Function:
    return lambda value: write(operation(Decimal(value)))


def _decimal(whole: Argument, scale: Argument) -> str | None:
    return write(Decimal(whole).scaleb(int(scale) * -1, arithmetic.EXACT))


def _compare(left: Argument, right: Argument) -> int:
    first, second = Decimal(left), Decimal(right)
    return (first > second) - (first < second)


def _round(value: Argument, places: Argument) -> str | None:
    count = _whole(places)
    if abs(count) > arithmetic.MAX_PLACES:
        return None
    return write(arithmetic.round_places(Decimal(value), count))


def _stored(value: Argument, scale: Argument) -> int | None:
    number = Decimal(value).scaleb(int(scale), arithmetic.EXACT)
    whole = int(arithmetic.round_places(number, 0))
    return whole if abs(whole) < 10**MAX_DIGITS else None


def _within(value: Argument, limit: Argument) -> str | None:
    number = Decimal(value)
    return write(number) if abs(number) <= int(limit) else None


def _digits(value: Argument) -> str | None:
    return write(arithmetic.shorten(Decimal(value)))


def _number(value: Argument) -> str | None:
    return write(text.parse_number(str(value)))


def _least(*values: Argument) -> str | None:
    return write(min(map(Decimal, values)))


def _greatest(*values: Argument) -> str | None:
    return write(max(map(Decimal, values)))


def _total(high: Argument | None, low: Argument | None, scale: Argument) -> str | None:
    whole = int(high or 0) * 10**9 + int(low or 0)
    return _decimal(whole, scale)


SORT_WIDTH = 200


def _sort_key(value: Argument) -> str:
    """Gives a text whose order is the number's: complements stand for negative digits."""
    number = Decimal(value)
    shifted = int(number.copy_abs().scaleb(SORT_WIDTH // 2, arithmetic.EXACT))
    if number < 0:
        return f"-{10**SORT_WIDTH - shifted:0{SORT_WIDTH}d}"
    return f"0{shifted:0{SORT_WIDTH}d}"


@lru_cache(64)
def _rates(document: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(document)
    return found


def _rate(document: Argument, currency: Argument) -> str | None:
    return _rates(str(document)).get(str(currency))


# ---------------------------------------------------------------- dates


def _write_date(value: date | None) -> str | None:
    return None if value is None else value.isoformat()


def _write_instant(value: Any) -> str | None:
    return None if value is None else write_instant(value)


def _shift_date(start: str, months: Argument, days: Argument) -> str | None:
    return _write_date(dates.shift_date(date.fromisoformat(start), _length(months, days)))


def _shift_instant(start: str, months: Argument, days: Argument, zone: str) -> str | None:
    length = _length(months, days)
    return _write_instant(dates.shift_instant(read_instant(start), length, zone_of(zone)))


def _add_clock(start: str, count: Argument) -> str | None:
    length = dates.from_milliseconds(_whole(count))
    return None if length is None else _write_instant(dates.add_clock(read_instant(start), length))


def _add_to_time(start: str, count: Argument) -> str | None:
    length = dates.from_milliseconds(_whole(count))
    if length is None:
        return None
    moved = dates.add_to_time(time.fromisoformat(start), length)
    return None if moved is None else moved.isoformat("microseconds")


def _milliseconds(left: str, right: str) -> int:
    return dates.to_milliseconds(read_instant(left) - read_instant(right))


def _clock_between(left: str, right: str) -> int:
    return dates.to_milliseconds(
        dates.time_between(time.fromisoformat(left), time.fromisoformat(right))
    )


def _local_instant(day: str, clock: str, zone: str) -> str | None:
    local = date.fromisoformat(day), time.fromisoformat(clock)
    return _write_instant(dates.to_instant(*local, zone_of(zone)))


def _date_of(instant: str, zone: str) -> str | None:
    return _write_date(dates.date_in(read_instant(instant), zone_of(zone)))


def _start_of_date(day: str, unit: str) -> str | None:
    return _write_date(dates.start_of_date(date.fromisoformat(day), unit))


def _start_of_instant(instant: str, unit: str, zone: str) -> str | None:
    return _write_instant(dates.start_of_instant(read_instant(instant), unit, zone_of(zone)))


def _clean(value: str) -> str | None:
    return text.clean(value)


#: Name without the prefix `rule_` → number of arguments (-1: any) and the function.
FUNCTIONS: dict[str, tuple[int, Function]] = {
    "decimal": (2, _decimal),
    "add": (2, _binary(arithmetic.add)),
    "multiply": (2, _binary(arithmetic.multiply)),
    "divide": (2, _binary(arithmetic.divide)),
    "modulo": (2, _binary(arithmetic.modulo)),
    "compare": (2, _compare),
    "stored": (2, _stored),
    "within": (2, _within),
    "negate": (1, _unary(arithmetic.negate)),
    "absolute": (1, _unary(Decimal.copy_abs)),
    "floor": (1, _unary(arithmetic.round_down)),
    "ceiling": (1, _unary(arithmetic.round_up)),
    "round": (2, _round),
    "least": (-1, _least),
    "greatest": (-1, _greatest),
    "total": (3, _total),
    "digits": (1, _digits),
    "number": (1, _number),
    "sort_key": (1, _sort_key),
    "rate": (2, _rate),
    "fold": (1, text.fold),
    "clean": (1, _clean),
    "lower": (1, text.lower),
    "upper": (1, text.upper),
    "replace": (3, text.replace),
    "shift_date": (3, _shift_date),
    "shift_instant": (4, _shift_instant),
    "add_clock": (2, _add_clock),
    "add_to_time": (2, _add_to_time),
    "milliseconds": (2, _milliseconds),
    "clock_between": (2, _clock_between),
    "local_instant": (3, _local_instant),
    "date_of": (2, _date_of),
    "start_of_date": (2, _start_of_date),
    "start_of_instant": (3, _start_of_instant),
}
