"""What the `holidays` library knows of countries; importing it takes a quarter of a second."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from functools import cache

import holidays
from holidays.registry import COUNTRIES

from rule_engine.messages import Phrase
from rule_engine.spelling import did_you_mean, nearest

#: Half days and days that are only observed at work do not close an office.
NOT_CLOSED = frozenset({"half_day", "workday"})
#: Where a decree moves working days year by year; the library knows them once it is out.
BY_DECREE = frozenset({"AZ", "BY", "CN", "HU", "KG", "KZ", "LV", "MM", "RU", "TW", "UZ", "VN"})
EXAMPLES = Phrase('write e.g.  "CN public", "US public" or "DE-BY public"')


@cache
def codes() -> frozenset[str]:
    """Gives the two letters of all countries."""
    return frozenset(names[1] for names in COUNTRIES.values())


def categories(country: str) -> Collection[str]:
    """Gives the kinds of holidays of a country on which offices may close."""
    known = holidays.country_holidays(country, expand=False).supported_categories
    return [category for category in known if category not in NOT_CLOSED]


def parts(country: str) -> Sequence[str]:
    """Gives the codes of a country's states or provinces."""
    return holidays.list_supported_countries().get(country, [])


def days_of(
    country: str, part: str | None, category: str, year: int
) -> tuple[set[date], set[date]]:
    """Gives a year's holidays, and the days of its weekends that are worked instead."""
    found = holidays.country_holidays(
        country, subdiv=part, years=year, expand=False, categories=category
    )
    worked: Collection[date] = getattr(found, "weekend_workdays", ())
    return set(found), {day for day in worked if day.year == year}


@cache
def decreed_until(country: str) -> int | None:
    """Gives the last year whose moved working days are published; None where none move."""
    if country not in BY_DECREE:
        return None
    known = holidays.country_holidays(country, expand=False)
    decreed: Mapping[int, object] = getattr(known, "special_public_holidays", {})
    return max(year for year, days in decreed.items() if _moves_days(days))


def nearest_list(name: str) -> Phrase:
    """Gives a hint for an unknown name: the nearest one, or a few examples."""
    place, _, category = name.partition(" ")
    country, _, part = place.replace("_", "-").partition("-")
    code = country.upper() if country.upper() in codes() else _code_of(country)
    if code is None:
        return did_you_mean(name, [f"{code} public" for code in codes()]) or EXAMPLES
    whole = code
    if part:
        found = _part_of(code, part)
        if found is None:
            return Phrase("the parts of {code} are: {parts}", {"code": code, "parts": parts(code)})
        whole = f"{code}-{found}"
    wanted = category.strip().lower()
    guess = f"{whole} {wanted if wanted in categories(code) else 'public'}"
    return Phrase('did you mean "{guess}"?', {"guess": guess})


def _code_of(country: str) -> str | None:
    """Gives the two letters of a country's English name or its other codes."""
    wanted = country.lower().replace(" ", "_")
    for module, (_, two, *more) in COUNTRIES.items():
        if wanted in (module, *(code.lower() for code in more)):
            return two
    return None


def _part_of(country: str, written: str) -> str | None:
    """Gives the code of a part that was written in small letters, or by its name."""
    known = holidays.country_holidays(country, expand=False)
    aliases: Mapping[str, str] = getattr(known, "subdivisions_aliases", {})
    names = {part.casefold(): part for part in parts(country)}
    names |= {name.casefold(): part for name, part in aliases.items()}
    found = nearest(written.casefold(), names)
    return None if found is None else names[found]


def _moves_days(days: object) -> bool:
    """Says whether a year's decree exchanges days: (month, day, month worked, day worked)."""
    entries = days if isinstance(days, tuple) and days and isinstance(days[0], tuple) else (days,)
    return any(isinstance(entry, tuple) and len(entry) > 3 for entry in entries)
