"""What a change of rules or calendars does to the clocks that are open, before it is published.

The same functions that plan clocks anew are asked what would come of it. Where more are open than
can be looked at while somebody waits, those that began first are, and it is said how many they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Literal

import sqlalchemy as sa

from metadata.catalog import Catalog, build_catalog
from metadata.elements import Element
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from rule_engine.program import ServiceLevel, meaning
from rule_engine.services.sla import move
from rule_engine.services.sla_clock import Outlook, look_ahead
from trellis.automation.environment import Surroundings
from trellis.automation.service_levels import Running, level_named, service_level
from trellis.errors import NotAllowed, Refused
from trellis.service_levels.batches import Record, open_rows, read_batch
from trellis.service_levels.job import count_open, digest_of_time
from trellis.service_levels.replanning import beginnings
from trellis.unit import Unit

MOST: Final = 2_000
"""So many records of a service level are looked at."""
SHOWN: Final = 20
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

Kind = Literal["same", "added", "changed", "removed"]


@dataclass(frozen=True, slots=True)
class Moved:
    """A promise that is due at another time; None: at none."""

    record_id: str
    target: str
    before: datetime | None
    after: datetime | None


@dataclass(slots=True)
class Shift:
    """What becomes of clocks: how many move `earlier` or `later`, by less than an `hour`, by less
    than a `day`, or by `more`; how many begin or end; how many are late at once, and how many that
    were late no longer are."""

    moved: dict[tuple[str, str], int] = field(default_factory=dict)
    begin: int = 0
    end: int = 0
    late: int = 0
    saved: int = 0
    samples: list[Moved] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Says whether nothing happens."""
        return not (self.moved or self.begin or self.end)

    def note(self, record_id: str, was: Outlook | None, new: Outlook | None, now: datetime) -> None:
        """Counts what becomes of one promise."""
        before, after = due_of(was), due_of(new)
        self.late += is_late(new, now) and not is_late(was, now)
        self.saved += is_late(was, now) and not is_late(new, now)
        if before == after:
            return
        if before is not None and after is not None:
            way = "later" if after > before else "earlier"
            length = abs(after - before)
            size = "hour" if length < HOUR else "day" if length < DAY else "more"
            self.moved[way, size] = self.moved.get((way, size), 0) + 1
        else:
            self.begin += before is None
            self.end += after is None
        if len(self.samples) < SHOWN:
            target = (new or was).target  # type: ignore[union-attr]  # one of both is there
            self.samples.append(Moved(record_id, target, before, after))


def due_of(outlook: Outlook | None) -> datetime | None:
    """Gives when a promise is due that still counts."""
    if outlook is None or outlook.status in ("met", "cancelled"):
        return None
    return outlook.due


def is_late(outlook: Outlook | None, now: datetime) -> bool:
    """Says whether the time of a promise that still counts is over."""
    due = due_of(outlook)
    return due is not None and due <= now


@dataclass(frozen=True, slots=True)
class ClockPlan:
    """What publishing does to one service level.

    `open` is on how many records it has not ended, `looked_at` how many of these were asked;
    `without` is how many records that have none were asked whether it begins. `calendar` happens
    in any case, `moved` only when the administrator has it hold for what is open too (None: its
    rules stay the same). `definition` is the one to show it by.
    """

    object: str
    kind: Kind
    definition: ServiceLevel
    open: int
    looked_at: int
    without: int
    calendar: Shift
    moved: Shift | None

    @property
    def key(self) -> str:
        """Gives what it is called in requests."""
        return f"{self.object}.{self.definition.name}"


def preview_clocks_of(unit: Unit, elements: Sequence[Element]) -> tuple[ClockPlan, ...]:
    """Gives what becomes of the clocks of service levels when these elements are in force."""
    if rule_files(elements) == rule_files(unit.catalog.elements):
        return ()
    after = build_catalog(0, elements, previous=unit.catalog)
    return preview_clocks(unit, replace(after, day=unit.catalog.day))


def rule_files(elements: Iterable[Element]) -> dict[str, object]:
    """Gives the rule files among elements."""
    return {element.name: element.body for element in elements if element.kind == "rules"}


def preview_clocks(unit: Unit, after: Catalog) -> tuple[ClockPlan, ...]:
    """Gives what publishing does to the service levels of which something moves or may move."""
    before, zone = unit.catalog, unit.moment.zone.key
    new_time = digest_of_time(before, zone) != digest_of_time(after, zone)
    found = []
    for object_name, name, kind in levels_of(unit, after):
        if kind == "same" and not new_time:
            continue
        made = preview_level(unit, after, object_name, name, kind)
        if made is not None and (made.moved is not None or not made.calendar.is_empty):
            found.append(made)
    return tuple(found)


def preview_moving(unit: Unit) -> tuple[ClockPlan, ...]:
    """Gives what it would do if the rules in force held for all that is open: where clocks are
    still on those they began under, and where a service level has not begun although it applies.

    Raises NotAllowed for who may not administer.
    """
    if not unit.principal.may_administer:
        raise NotAllowed([Problem("", "administer_needed")])
    found = []
    for object_name, name, _ in levels_of(unit, unit.catalog):
        is_known = level_named(unit.catalog.program, object_name, name) is not None
        kind: Kind = "changed" if is_known else "removed"
        made = preview_level(unit, unit.catalog, object_name, name, kind)
        if made is not None and made.moved is not None and not made.moved.is_empty:
            found.append(made)
    return tuple(found)


def levels_of(unit: Unit, after: Catalog) -> Iterator[tuple[str, str, Kind]]:
    """Gives all service levels, also those that are only on records, and what becomes of them."""
    before = unit.catalog
    names = {definition.id: name for name, definition in before.objects.items()}
    here = service_level.c
    running = sa.select(here.object, here.sla).where(here.ended.is_not(True)).distinct()
    rows = unit.connection.execute(running).all()
    known = {(names[row.object], row.sla) for row in rows if row.object in names}
    for catalog in (before, after):
        known |= {(one.object, one.name) for one in catalog.program.service_levels}
    for object_name, name in sorted(known):
        if object_name not in before.objects or object_name not in after.objects:
            continue
        was, new = (level_named(one.program, object_name, name) for one in (before, after))
        if was is None or new is None:
            yield object_name, name, "added" if new else "removed" if was else "same"
        else:
            yield object_name, name, "same" if meaning(was) == meaning(new) else "changed"


def preview_level(
    unit: Unit, after: Catalog, object_name: str, name: str, kind: Kind
) -> ClockPlan | None:
    """Gives what publishing does to one service level; None where no rules for it are known."""
    definition = unit.catalog.objects[object_name]
    wanted = level_named(after.program, object_name, name)
    rows = open_rows(unit, definition.id, name, "", MOST, locked=False)
    batch = read_batch(unit, definition, rows, whole=True)
    calendar, moved = Shift(), Shift()
    new_fields = dict.fromkeys(after.objects[object_name].fields)
    shown = wanted or level_named(unit.catalog.program, object_name, name)
    for one, known, environment in batch:
        record = {**new_fields, **known}
        shown = shown or one.definition
        if one.definition is None:
            continue
        time = {**environment.calendars, **after.program.business_time}
        later = replace(environment, calendars=time)
        compare(calendar, one, record, (one.definition, environment), (one.definition, later))
        if kind != "same":
            compare(moved, one, record, (one.definition, environment), (wanted, later))
    if shown is None:
        return None
    looked = 0
    if kind in ("added", "changed") and wanted is not None:
        looked = preview_beginnings(unit, after, definition, wanted, moved)
    number = count_open(unit.connection, definition.id, name)
    found = None if kind == "same" else moved
    return ClockPlan(object_name, kind, shown, number, len(rows), looked, calendar, found)


def chosen_levels(plans: Collection[ClockPlan], names: Collection[str]) -> list[tuple[str, str]]:
    """Gives object and name of the service levels whose rules are to hold for what is open.

    Raises Refused for names (`object.name`) that the plans do not offer.
    """
    offered = {one.key: one for one in plans if one.moved is not None}
    unknown = sorted(set(names) - offered.keys())
    if unknown:
        values = {"names": unknown, "known": sorted(offered)}
        raise Refused([Problem("/open_clocks", "unknown_open_clocks", values)])
    return [(one.object, one.definition.name) for key, one in offered.items() if key in names]


Under = tuple[ServiceLevel | None, Surroundings]
"""Rules, and what they may know."""


def compare(shift: Shift, one: Running, record: Record, was: Under, new: Under) -> None:
    """Counts what becomes of the clocks of one record."""
    before, after = outlooks(one, record, was, moves=False), outlooks(one, record, new, moves=True)
    now = was[1].now
    for target in dict.fromkeys((*before, *after)):
        shift.note(one.record_id, before.get(target), after.get(target), now)


def outlooks(one: Running, record: Record, under: Under, *, moves: bool) -> Mapping[str, Outlook]:
    """Gives what is to be expected of a record's promises under some rules."""
    level, environment = under
    if level is None:
        return {}
    state = (
        one.state
        if level is one.definition or not moves
        else move(level, one.state, record, environment)
    )
    return {ahead.target: ahead for ahead in look_ahead(level, state, record, environment)}


def preview_beginnings(
    unit: Unit,
    after: Catalog,
    definition: ObjectDefinition,
    level: ServiceLevel,
    shift: Shift,
) -> int:
    """Counts on which records a service level would begin; gives how many without it were asked."""
    cursor, looked, without = None, 0, 0
    while True:
        found = beginnings(unit, definition, level, cursor)
        environment = replace(found.environment, calendars=after.program.business_time)
        for state, record in found.states:
            for ahead in look_ahead(level, state, record, environment):
                shift.note(state.record_id, None, ahead, environment.now)
        looked, cursor = looked + found.looked_at, found.next
        without += found.without
        if cursor is None or looked >= MOST:
            return without
