"""What follows from the facts of a service level: elapsed, due, breached, the next trigger.

Elapsed at t is worked(start, t) without what was worked inside pauses. An instant at which so much
has elapsed is found by going through the pauses before it: F⁻¹(F(start) + paused + length).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from rule_engine.arithmetic import divide
from rule_engine.calendars import Continuous
from rule_engine.dates import scale_clock, to_milliseconds
from rule_engine.program import AtPercent, Length, ServiceLevel, Target
from rule_engine.services.deadlines import due_after
from rule_engine.services.evaluate import Record, holds
from rule_engine.services.sla_state import SlaState, TargetFacts
from rule_engine.types import Calendar, Environment
from rule_engine.values import BusinessLength

ZERO = timedelta()
NEARLY = Decimal("0.8")
"""From this share of its time on a promise is at risk."""
ClockStatus = Literal["running", "paused", "met", "cancelled", "unlimited"]


@dataclass(frozen=True, slots=True)
class NextTrigger:
    """The next `at` block to run, and when, if nothing changes before."""

    percent: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class Clock:
    """A target's clock as a page shows it, as of `now` of the environment.

    `length` is what was promised, `elapsed`, `remaining` (below 0 when late) and `paused` are in
    the same measure: working time when `in_business_time`, else real time. All but `elapsed` and
    `paused` are None where nothing is promised (status "unlimited") or comes due in no year the
    calendar knows. `due` takes pauses into account up to now; it is a guess where there is an
    `unknown_year`, whose days off are not known yet, before it.
    """

    target: str
    label: str
    status: ClockStatus
    in_business_time: bool
    started_at: datetime
    length: timedelta | None
    elapsed: timedelta
    remaining: timedelta | None
    paused: timedelta
    percent: Decimal | None
    due: datetime | None
    unknown_year: int | None
    met_at: datetime | None
    breached: bool
    next_trigger: NextTrigger | None


def plan(
    definition: ServiceLevel, state: SlaState, record: Record, environment: Environment
) -> tuple[Clock, ...]:
    """Gives the clocks of all targets, in written order."""
    return tuple(
        show_clock(measure(definition, target, state, record, environment), environment.now)
        for target in definition.targets
    )


def look_ahead(
    definition: ServiceLevel, state: SlaState, record: Record, environment: Environment
) -> tuple[Outlook, ...]:
    """Gives what is to be expected of all targets, in written order."""
    return tuple(
        _outlook(measure(definition, target, state, record, environment), environment.now)
        for target in definition.targets
    )


def _outlook(measured: Measure, now: datetime) -> Outlook:
    status, name = _status(measured), measured.target.name
    due = measured.reaches(Decimal(1), now)
    if status == "paused" and (due is None or due > measured.counted_until(now)):
        return Outlook(name, status, None, None, None)
    if status == "paused" or measured.ended_at is not None:
        return Outlook(name, status, None, due, None)
    upcoming = measured.upcoming(now)
    at = None if upcoming is None else upcoming[1]
    return Outlook(name, status, measured.reaches(NEARLY, now), due, at)


def clock(
    definition: ServiceLevel,
    state: SlaState,
    target: str,
    record: Record,
    environment: Environment,
) -> Clock:
    """Gives the clock of one target; raises KeyError for an unknown one."""
    for found in plan(definition, state, record, environment):
        if found.target == target:
            return found
    raise KeyError(target)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is to be expected of a target if nothing changes: when it is at risk, and due, and when
    its next trigger goes off.

    While a clock stands still nothing is to be expected, unless its time was over before.
    """

    target: str
    status: ClockStatus
    at_risk_at: datetime | None
    due: datetime | None
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class Measure:
    """A target of a record with its promise, ready to count.

    `days` is the promise where it counts business days, whose due keeps the time of day.
    """

    target: Target
    facts: TargetFacts
    calendar: Calendar
    in_business_time: bool
    started_at: datetime
    cancelled_at: datetime | None
    length: timedelta | None
    days: int = 0

    @property
    def ended_at(self) -> datetime | None:
        """Gives when the clock stopped for good, None while it may still run."""
        ends = [end for end in (self.facts.met_at, self.cancelled_at) if end is not None]
        return min(ends, default=None)

    def elapsed(self, now: datetime) -> timedelta:
        """Gives what counts of the time up to now."""
        until = self._stopped(now)
        return self._worked(self.started_at, until) - self.paused(now)

    def paused(self, now: datetime) -> timedelta:
        """Gives what was left out of the time up to now."""
        end = self._stopped(now)
        return sum(
            (
                self._worked(max(pause.since, self.started_at), min(pause.until or end, end))
                for pause in self.facts.pauses
            ),
            ZERO,
        )

    def reaches(self, fraction: Decimal, now: datetime) -> datetime | None:
        """Gives the instant at which a fraction of the promise has elapsed.

        A pause that still lasts is taken to end now. None without a promise.
        """
        if self.length is None:
            return None
        wanted = self.length if fraction == 1 else scale_clock(self.length, fraction)
        if wanted is None:
            return None
        if self.days and fraction == 1:
            reached = self.calendar.due_days(self.started_at, self.days)
        else:
            reached = self.calendar.due(self.started_at, wanted)
        for pause in self.facts.pauses:
            if reached is None or reached <= pause.since:
                break
            wanted += self._worked(max(pause.since, self.started_at), pause.until or now)
            reached = self.calendar.due(self.started_at, wanted)
        return reached

    def upcoming(self, now: datetime) -> tuple[AtPercent, datetime] | None:
        """Gives the first trigger that did not go off yet, and its instant as known now."""
        for trigger in self.target.triggers:
            if trigger.percent not in self.facts.fired:
                at = self.reaches(trigger.percent, now)
                return None if at is None else (trigger, at)
        return None

    def counted_until(self, now: datetime) -> datetime:
        """Gives up to when the clock has run: to its end, or since when it stands still."""
        if self.ended_at is None and self.facts.is_paused:
            return self.facts.pauses[-1].since
        return self._stopped(now)

    def _stopped(self, now: datetime) -> datetime:
        return min(now, self.ended_at or now)

    def _worked(self, since: datetime, until: datetime) -> timedelta:
        return self.calendar.worked(since, until) if since < until else ZERO


def measure(
    definition: ServiceLevel,
    target: Target,
    state: SlaState,
    record: Record,
    environment: Environment,
) -> Measure:
    """Gives a target with the promise that the record has now: it follows a change of priority."""
    promised = next(
        (one.length for one in target.within if holds(one.condition, record, environment)), None
    )
    in_business_time = isinstance(promised, BusinessLength)
    calendar: Calendar = Continuous(environment.zone)
    if in_business_time:
        calendar = environment.calendars[definition.calendar or ""]
    elif definition.calendar is not None:
        calendar = Continuous(environment.calendars[definition.calendar].zone)
    return Measure(
        target,
        state.target(target.name),
        calendar,
        in_business_time,
        state.started_at,
        state.cancelled_at,
        None if promised is None else _working_length(promised, state.started_at, calendar),
        promised.days if isinstance(promised, BusinessLength) else 0,
    )


def _working_length(length: Length, start: datetime, calendar: Calendar) -> timedelta | None:
    """Gives a promise as time of its calendar, from a start on."""
    due = due_after(start, length, calendar.zone, calendar)
    return None if due is None else calendar.worked(start, due)


def show_clock(measured: Measure, now: datetime) -> Clock:
    """Gives a target's clock at an instant."""
    facts, calendar = measured.facts, measured.calendar
    length, elapsed = measured.length, measured.elapsed(now)
    due = measured.reaches(Decimal(1), now)
    return Clock(
        target=measured.target.name,
        label=measured.target.label,
        status=_status(measured),
        in_business_time=measured.in_business_time,
        started_at=measured.started_at,
        length=length,
        elapsed=elapsed,
        remaining=None if length is None else length - elapsed,
        paused=measured.paused(now),
        percent=None if length is None else _fraction(elapsed, length),
        due=due,
        unknown_year=None if due is None else calendar.unknown_year(measured.started_at, due),
        met_at=facts.met_at,
        breached=due is not None and measured.counted_until(now) >= due,
        next_trigger=_next_trigger(measured, now),
    )


def _next_trigger(measured: Measure, now: datetime) -> NextTrigger | None:
    if measured.ended_at is not None or measured.facts.is_paused:
        return None
    upcoming = measured.upcoming(now)
    return None if upcoming is None else NextTrigger(upcoming[0].percent, upcoming[1])


def _fraction(elapsed: timedelta, length: timedelta) -> Decimal | None:
    return divide(Decimal(to_milliseconds(elapsed)), Decimal(to_milliseconds(length)))


def _status(measured: Measure) -> ClockStatus:
    met, cancelled = measured.facts.met_at, measured.cancelled_at
    if met is not None and (cancelled is None or met < cancelled):
        return "met"
    if cancelled is not None:
        return "cancelled"
    if measured.facts.is_paused:
        return "paused"
    return "running" if measured.length is not None else "unlimited"
