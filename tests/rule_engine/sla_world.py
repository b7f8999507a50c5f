"""A ticket whose service level is watched as the platform does it: by saves and by the clock."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from rule_engine import compile_program, parse
from rule_engine.program import Program, ServiceLevel
from rule_engine.services.effects import own_values
from rule_engine.services.evaluate import Record, Surroundings
from rule_engine.services.sla import Block, Fired, SlaOutcome, observe, tick
from rule_engine.services.sla_clock import Clock, clock
from rule_engine.services.sla_state import SlaState
from rule_engine.types import Calendar
from tests.rule_engine.schemas import SCHEMA
from tests.rule_engine.services_world import COMPANY, Rates

ZONE = ZoneInfo("Asia/Shanghai")
OFFICE = (
    'calendar office { timezone "Asia/Shanghai" '
    "hours monday to friday from 09:00 to 12:00 and 13:30 to 18:00 }"
)
GLPI = 'calendar office { timezone "Asia/Shanghai" hours monday to friday from 08:00 to 18:00 }'
LEVEL = """
sla support on ticket {
    applies when kind = "Incident"
    calendar office
    clock from created_at
    pause when status = "Waiting on customer"
    cancel when status = "Duplicate"
    restart when status changed from "Resolved" to "Open"
    target response {
        met when first_response_at is not empty
        within 15 minutes when priority = "P1"
        within 1 business hour when priority = "P2"
        otherwise within 1 business day
        at 50%, 80% { notify owner using "soon" }
        at 100% { set response_breached to true }
    }
    target resolution {
        met when status in ["Resolved", "Closed"]
        within 2 business hours when priority = "P1"
        within 4 business hours when priority = "P2"
        within 2 days when priority = "P3"
        at 75% { notify owner using "hurry" }
        at 100%, 150% { escalate to manager of owner }
    }
}
"""


def program_of(*texts: str) -> Program:
    return compile_program([parse(text, source=str(n)) for n, text in enumerate(texts)], SCHEMA)


def at(text: str) -> datetime:
    """Gives an instant of March 2026 from `02 09:00`: the second is a Monday."""
    return datetime.fromisoformat(f"2026-03-{text}").replace(tzinfo=ZONE)


def shown(instant: datetime | None) -> str:
    return "" if instant is None else f"{instant.astimezone(ZONE):%d %H:%M}"


@dataclass
class Ticket:
    """A record with its service level; `now` is the last moment somebody looked. Of the blocks that
    it `refuses`, by target and share, nothing is carried out."""

    program: Program
    now: datetime
    record: Record
    state: SlaState | None = None
    fired: list[Fired] = field(default_factory=list)
    calendars: dict[str, Calendar] = field(default_factory=dict)
    refuses: Collection[tuple[str, Decimal]] = ()

    def __post_init__(self) -> None:
        self.calendars = dict(self.program.business_time)
        self.record = {"id": "t1", "created_at": self.now, "owner": "amy", **self.record}
        self._keep(self._observe(None))

    @property
    def level(self) -> ServiceLevel:
        (level,) = self.program.service_levels
        return level

    def save(self, now: str | datetime, **changed: object) -> None:
        self.now = at(now) if isinstance(now, str) else now
        old, self.record = self.record, {**self.record, **changed}
        self._keep(self._observe(old))

    def tick(self, now: str | datetime) -> None:
        self.now = at(now) if isinstance(now, str) else now
        assert self.state is not None
        around = self.environment, COMPANY
        self._keep(tick(self.level, self.state, self.record, *around, without=self.without))

    def clock(self, target: str = "resolution", now: str | datetime | None = None) -> Clock:
        if now is not None:
            self.now = at(now) if isinstance(now, str) else now
        assert self.state is not None
        return clock(self.level, self.state, target, self.record, self.environment)

    @property
    def percents(self) -> list[tuple[str, int, str]]:
        """What went off, as (target, percent, when)."""
        return [
            (one.target, int(one.percent * 100), f"{one.at.astimezone(ZONE):%d %H:%M}")
            for one in self.fired
        ]

    @property
    def without(self) -> list[Block]:
        """The blocks that are refused, in whichever run of the clock comes."""
        runs = range(1, 3 + (self.state.run if self.state else 0))
        return [(run, *block) for run in runs for block in self.refuses]

    @property
    def environment(self) -> Surroundings:
        return Surroundings(self.now, ZONE, None, self.calendars, Rates(), COMPANY)

    def _observe(self, old: Record | None) -> SlaOutcome:
        around = self.environment, COMPANY
        return observe(self.level, self.state, self.record, old, *around, without=self.without)

    def _keep(self, outcome: SlaOutcome) -> None:
        # Each look goes through JSON, as the platform keeps the state.
        state = outcome.state
        self.state = None if state is None else SlaState.from_json(state.to_json())
        assert self.state == state
        self.fired += outcome.fired
        self.record = {**self.record, **own_values(outcome.effects)}


def ticket(created: str = "02 09:00", *texts: str, **values: object) -> Ticket:
    program = program_of(*(texts or (OFFICE, LEVEL)))
    known = {"kind": "Incident", "priority": "P2", "status": "Open", **values}
    return Ticket(program, at(created), known)


def one_target(within: str, more: str = "") -> str:
    """Gives a level with one target on tickets that wait for the customer now and then."""
    return (
        "sla one on ticket { calendar office clock from created_at pause when status = "
        f'"Waiting on customer" {more} target resolution {{ met when status = "Resolved" '
        f'{within} at 50% {{ notify owner using "half" }} at 100% {{ set response_breached to true '
        "} } }"
    )
