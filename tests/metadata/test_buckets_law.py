"""Periods to group by, each against Python's calendar: every month, year ends, many zones."""

from __future__ import annotations

from calendar import monthrange
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from metadata.access import SYSTEM
from metadata.catalog import Catalog
from metadata.query import Moment, Records
from metadata.query.aggregate_buckets import LABELS
from tests.metadata.databases import engine_for
from tests.metadata.worlds import NOW, make_catalog

YEARS = (1, 1582, 1900, 1999, 2000, 2020, 2024, 2025, 2026, 2027, 9999)
ZONES = (
    *("UTC", "Asia/Shanghai", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"),
    *("Pacific/Kiritimati", "Pacific/Pago_Pago"),
)
CLOCKS = (time(0), time(3, 59, 59, 999_000), time(5), time(10), time(12), time(16), time(23, 59))


def days() -> Iterator[date]:
    """Gives days of every month, and all at the ends of years."""
    for year in YEARS:
        for month in range(1, 13):
            last = monthrange(year, month)[1]
            every = month in (1, 12)
            wanted = range(1, last + 1) if every else (1, 2, 14, last - 1, last)
            yield from (date(year, month, day) for day in wanted)


DAYS = tuple(days())
INSTANTS = tuple(
    datetime.combine(day, CLOCKS[(number + add) % len(CLOCKS)], UTC)
    for number, day in enumerate(DAYS)
    for add in (0, 3)
)


@pytest.fixture(scope="module")
def world(module_database_url: str) -> Iterator[tuple[sa.Connection, Catalog]]:
    with engine_for(module_database_url) as engine, engine.connect() as made, made.begin():
        catalog = make_catalog(made)
        stamps = {"version": 1, "created_at": NOW, "updated_at": NOW}
        padded = [*DAYS, *(None for _ in range(len(INSTANTS) - len(DAYS)))]
        rows = [
            {"id": f"d{number}", "close": day, "met": instant, **stamps}
            for number, (day, instant) in enumerate(zip(padded, INSTANTS, strict=True))
        ]
        made.execute(catalog.tables["deal"].insert(), rows)
        yield made, catalog


def label(unit: str, day: date | None) -> str | None:
    """Gives what the period of a day is called, by Python's calendar alone."""
    if day is None:
        return None
    year, week, _ = day.isocalendar()
    return {
        "year": f"{day:%Y}".rjust(4, "0"),
        "quarter": f"{day.year:04}-Q{'111222333444'[day.month - 1]}",
        "month": day.isoformat()[:7],
        "week": f"{year:04}-W{week:02}",
        "day": day.isoformat(),
    }[unit]


def in_zone(instant: datetime, zone: str) -> date | None:
    """Gives an instant's day; None for one that the calendar does not have."""
    try:
        return instant.astimezone(ZoneInfo(zone)).date()
    except OverflowError:
        return None


@pytest.mark.parametrize("unit", LABELS)
@pytest.mark.parametrize("zone", ZONES)
def test_periods_are_those_of_the_calendar(
    world: tuple[sa.Connection, Catalog], unit: str, zone: str
) -> None:
    connection, catalog = world
    records = Records(catalog, connection, SYSTEM, Moment(NOW, ZoneInfo(zone)))
    for field, values in (
        ("close", [*DAYS, *(None for _ in range(len(INSTANTS) - len(DAYS)))]),
        ("met", [in_zone(instant, zone) for instant in INSTANTS]),
    ):
        group = f"{unit}({field})"
        found = records.aggregate("deal", group=[group], limit=2_000).items
        told = [(item[group], int(str(item["count()"]))) for item in found]
        assert len(told) == len(dict(told)), "a period is told twice"
        assert dict(told) == dict(Counter(label(unit, value) for value in values)), (group, zone)
        at_least = f"count() > {max(dict(told).values()) - 1}"
        most = records.aggregate("deal", group=[group], having=[at_least]).items
        assert [one[group] for one in most] == [
            name for name, count in told if count == max(dict(told).values())
        ]
