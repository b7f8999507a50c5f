"""Calendars of a year whose days off are not known yet: administrators are told in time.

Where a government moves days off year by year, what is counted in a year before it has said so is
a guess.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from trellis.automation.watch import tell_administrators
from trellis.channels.in_app import notification
from trellis.unit import Unit
from trellis.wording import UNKNOWN_YEAR

AHEAD: Final = timedelta(days=60)
"""So long before a year begins its days have to be known."""


def unknown_years(unit: Unit) -> list[tuple[str, int]]:
    """Gives the calendars in force by name that lack the days of this year, or of one that begins
    soon, each with the year."""
    program, now = unit.catalog.program, unit.moment.now
    found = {
        (name, program.business_time[name].unknown_year(at, at))
        for name in program.calendars
        for at in (now, now + AHEAD)
    }
    return sorted((name, year) for name, year in found if year is not None)


def untold_years(unit: Unit) -> list[tuple[str, int]]:
    """Gives those of which no administrator was told yet."""
    told = notification.c.effect_key

    def is_told(name: str, year: int) -> bool:
        known = sa.exists().where(told.startswith(f"{told_by(name, year)}/", autoescape=True))
        return bool(unit.connection.scalar(sa.select(known)))

    return [(name, year) for name, year in unknown_years(unit) if not is_told(name, year)]


def warn_of_years(unit: Unit) -> None:
    """Tells administrators of each calendar and year once."""
    for name, year in untold_years(unit):
        values = {"calendar": unit.catalog.program.calendars[name].label, "year": year}
        tell_administrators(unit, UNKNOWN_YEAR, values, told_by(name, year))


def told_by(name: str, year: int) -> str:
    """Gives the key of the message."""
    return f"{UNKNOWN_YEAR}/{name}/{year}"
