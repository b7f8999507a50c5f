"""What a queue asks of who took a record from it: when it goes back, and when she is warned.

Days are the organisation's: a record goes back at the clock time at which something was last done
with it. Nobody loses a record unwarned, also after a standstill.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from rule_engine.dates import shift_instant
from rule_engine.values import CalendarLength

TERMS: Final = ("recycle_days", "warn_days", "protected_days", "cool_down_hours")


@dataclass(frozen=True, slots=True)
class Terms:
    """A queue's terms; None: it has none of the kind."""

    recycle_days: int | None = None
    warn_days: int | None = None
    protected_days: int | None = None
    cool_down_hours: int | None = None

    @classmethod
    def of(cls, queue: Mapping[str, object]) -> Terms:
        """Reads the terms of a queue's record."""
        given = {name: queue[name] for name in TERMS}
        return cls(**{name: int(str(v)) for name, v in given.items() if v is not None})

    def cool_until(self, lost_at: datetime) -> datetime:
        """Gives until when somebody may not take a record again that she lost."""
        return lost_at + timedelta(hours=self.cool_down_hours or 0)


@dataclass(frozen=True, slots=True)
class Held:
    """What is known of a record in somebody's hands: since when she has it, when somebody last did
    something with it, and when she was last warned that it goes back."""

    taken_at: datetime
    active_at: datetime
    warned_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What comes next, and when; `back_at` is when the record goes back if nothing is done."""

    kind: Literal["warn", "back"]
    at: datetime
    back_at: datetime


def next_step(terms: Terms, held: Held, zone: ZoneInfo) -> Step | None:
    """Gives what comes next; None where records do not go back."""
    if terms.recycle_days is None:
        return None
    back_at = max(
        later(max(held.active_at, held.taken_at), terms.recycle_days, zone),
        later(held.taken_at, terms.protected_days or 0, zone),
    )
    if terms.warn_days is None:
        return Step("back", back_at, back_at)
    if held.warned_at is not None and held.warned_at >= max(held.active_at, held.taken_at):
        back_at = max(back_at, later(held.warned_at, terms.warn_days, zone))
        return Step("back", back_at, back_at)
    return Step("warn", later(back_at, -terms.warn_days, zone), back_at)


def later(start: datetime, days: int, zone: ZoneInfo) -> datetime:
    """Gives the same clock time some days later."""
    return shift_instant(start, CalendarLength(days=days), zone) or start
