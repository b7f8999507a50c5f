"""National holidays by name: "CN public", "DE-BY public".

A name is a country's two letters (ISO 3166), for a part of it a hyphen and the part's code, and a
category that the library knows of that country. The library is loaded when first asked.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import date

from rule_engine.messages import Phrase


@dataclass(frozen=True, slots=True)
class HolidayYear:
    """What a list says of one year: days off, and days of the week's end that are worked."""

    closed: Set[date]
    open: Set[date]


@dataclass(frozen=True, slots=True)
class HolidayList:
    """A named list. `part` is a state or province, None for the whole country."""

    country: str
    part: str | None
    category: str

    @property
    def known_until(self) -> int | None:
        """Gives the last year whose moved working days are published; None: no days move."""
        from rule_engine.calendars.library import decreed_until

        return decreed_until(self.country)

    def year(self, year: int) -> HolidayYear:
        """Gives a year's days; a year without data has none."""
        from rule_engine.calendars.library import days_of

        return HolidayYear(*days_of(self.country, self.part, self.category, year))


def read_list(name: str) -> HolidayList:
    """Gives the list of a name that was checked."""
    place, _, category = name.partition(" ")
    country, _, part = place.partition("-")
    return HolidayList(country, part or None, category)


def find_mistake(name: str) -> Phrase | None:
    """Gives the hint for a name that no list has; None when there is such a list."""
    from rule_engine.calendars.library import categories, codes, nearest_list, parts

    wanted = read_list(name)
    known = wanted.country in codes() and wanted.category in categories(wanted.country)
    if known and (wanted.part is None or wanted.part in parts(wanted.country)):
        return None
    return nearest_list(name)
