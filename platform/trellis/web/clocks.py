"""Cards of service levels: what was promised, and how much of the time is left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from metadata.objects import ObjectDefinition
from rule_engine.services.sla_clock import NEARLY, Clock
from trellis.records.service_levels import explain_levels
from trellis.unit import Unit
from trellis.web.words import gettext

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
OPEN = ("running", "paused")


@dataclass(frozen=True, slots=True)
class ClockLine:
    """One promise. `percent` is how much of its time is over, at most 100; `paused` is for how long
    it has stood, "" for never; `provisional` says why it may be due at another time, if it may."""

    label: str
    text: str
    hue: str
    due: datetime | None
    paused: str
    provisional: str
    percent: int | None


@dataclass(frozen=True, slots=True)
class LevelCard:
    """A service level with its promises; while one `goes_on`, how it stands moves with the time."""

    name: str
    label: str
    clocks: tuple[ClockLine, ...]
    goes_on: bool


def level_cards(
    unit: Unit, definition: ObjectDefinition, record_id: str, language: str
) -> tuple[LevelCard, ...]:
    """Gives the service levels that run on a record; those that were cancelled say nothing."""
    if not unit.catalog.levels_of(definition.name):
        return ()
    return tuple(
        LevelCard(
            level.name,
            unit.catalog.message(level.label, language),
            tuple(clock_line(unit, clock, language) for clock in clocks),
            any(clock.status in OPEN for clock in clocks),
        )
        for level, state, clocks in explain_levels(unit, definition.name, record_id)
        if state.cancelled_at is None
    )


def clock_line(unit: Unit, clock: Clock, language: str) -> ClockLine:
    """Gives one promise in words."""
    over = None if clock.percent is None else min(int(clock.percent * 100), 100)
    return ClockLine(
        label=unit.catalog.message(clock.label, language),
        text=standing(clock),
        hue=hue_of(clock, over or 0),
        due=clock.due if clock.status == "running" else None,
        paused=span(clock.paused) if clock.paused >= MINUTE else "",
        provisional=provisional(clock),
        percent=over if clock.status in OPEN else None,
    )


def provisional(clock: Clock) -> str:
    """Says of which year the days off are not known that the due time depends on."""
    if clock.unknown_year is None:
        return ""
    return gettext("provisional: days off of %(year)s unknown", year=clock.unknown_year)


def standing(clock: Clock) -> str:
    """Says how a promise stands."""
    late = clock.remaining is not None and clock.remaining < timedelta()
    length = span(abs(clock.remaining)) if clock.remaining is not None else ""
    if clock.status == "met":
        return gettext("met, %(length)s late", length=length) if late else gettext("met in time")
    if clock.status == "unlimited" or clock.remaining is None:
        return gettext("nothing is promised")
    if clock.status == "paused":
        return gettext("paused, %(length)s left", length=length)
    if late:
        return gettext("%(length)s late", length=length)
    if clock.in_business_time:
        return gettext("%(length)s of working time left", length=length)
    return gettext("%(length)s left", length=length)


def span(length: timedelta) -> str:
    """Gives a length in hours and minutes."""
    hours, rest = divmod(length, HOUR)
    minutes = rest // MINUTE
    if not hours and not minutes:
        return gettext("under 1 min")
    if not hours:
        return gettext("%(minutes)s min", minutes=minutes)
    return gettext("%(hours)s h %(minutes)s min", hours=hours, minutes=minutes)


def hue_of(clock: Clock, over: int) -> str:
    """Gives the colour: red when it is too late, amber when it nearly is."""
    if clock.breached:
        return "red"
    if clock.status != "running":
        return "green" if clock.status == "met" else "gray"
    return "amber" if over >= NEARLY * 100 else "green"
