"""Rules by the clock: what comes due is put into the outbox, each occasion once, by its key.

A rule on a date (`3 days after due_on at 09:00`) is planned ahead: what comes due in the next hour
waits in the outbox, so that it is run on time, and whoever saves a date plans it at once
(`plan_record`). Whether it still holds is asked when it is due. A rule on a schedule
(`every monday at 08:00`) that was missed runs once, not once for each time.

How far a rule has been planned is kept in the database. A rule that is new, or has another trigger,
begins at the present moment: what was due before is not made up for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from metadata.catalog import Catalog
from rule_engine import dates
from rule_engine.columns import Instant
from rule_engine.program import OnDate, OnSchedule, Rule, Trigger
from rule_engine.services.schedule import due_key, due_of, last_run
from rule_engine.types import Environment, Kind
from rule_engine.values import CalendarLength
from trellis.automation.environment import environment_of
from trellis.automation.outbox import BY_THE_CLOCK, IN_BULK, add
from trellis.automation.service_timers import begin_looks, is_any_due
from trellis.db import SYSTEM_TABLES, insert_into
from trellis.unit import Unit

AHEAD: Final = timedelta(hours=1)
"""How far rules on a date of the record itself are planned ahead."""
AGAIN: Final = timedelta(minutes=10)
"""How much of that may be over before they are planned again."""
FOLLOWED: Final = timedelta(minutes=1)
"""How often rules on a date of another record are looked at: nobody tells when that changes."""
UNSEEN: Final = timedelta(hours=1)
"""How long a save may take and still be in time: who plans meanwhile does not see it yet."""
PAGE: Final = 200
MARGIN: Final = timedelta(days=5)
"""Months differ in length by three days, zones and clock times make another."""

DUE, SCHEDULED = "due", "scheduled"

rule_clock = sa.Table(
    "rule_clock",
    SYSTEM_TABLES,
    sa.Column("rule", sa.Text, primary_key=True),
    sa.Column("trigger", sa.Text, nullable=False),
    sa.Column("reached", Instant, nullable=False),
)

Reached = Mapping[str, tuple[str, datetime]]
"""The trigger and how far it has been planned, by rule."""


def clock_rules(catalog: Catalog) -> tuple[Rule, ...]:
    """Gives the rules that time sets off."""

    def found() -> tuple[Rule, ...]:
        return tuple(
            rule for rule in catalog.program.rules if isinstance(rule.trigger, OnDate | OnSchedule)
        )

    return catalog.queries.get(("clock rules",), tuple, found)


def has_work(connection: sa.Connection, catalog: Catalog, now: datetime, zone: ZoneInfo) -> bool:
    """Says whether anything is to be planned, without taking a lock."""
    if is_any_due(connection, catalog, now):
        return True
    rules = clock_rules(catalog)
    if not rules:
        return False
    reached = read_reached(connection)
    return reached.keys() != {rule.name for rule in rules} or any(
        is_waiting(rule, reached, now, zone) for rule in rules
    )


def is_waiting(rule: Rule, reached: Reached, now: datetime, zone: ZoneInfo) -> bool:
    """Says whether a rule is new, or has not been planned far enough."""
    if rule.name not in reached or reached[rule.name][0] != trigger_text(rule):
        return True
    before = reached[rule.name][1]
    if isinstance(rule.trigger, OnSchedule):
        return last_run(rule.trigger, before, now, zone) is not None
    return before < now + AHEAD - AGAIN if is_own(rule.trigger) else before <= now - FOLLOWED


def plan_rules(unit: Unit) -> int:
    """Puts what comes due into the outbox, in the caller's write transaction; gives how much."""
    return begin_looks(unit) + plan_clock_rules(unit)


def plan_clock_rules(unit: Unit) -> int:
    """Puts the rules by the clock into the outbox that come due; gives how many."""
    now, zone = unit.moment.now, unit.moment.zone
    rules = clock_rules(unit.catalog)
    reached = read_reached(unit.connection, lock=True)
    gone = reached.keys() - {rule.name for rule in rules}
    if gone:
        unit.connection.execute(sa.delete(rule_clock).where(rule_clock.c.rule.in_(gone)))
    planned = 0
    for rule in rules:
        if not is_waiting(rule, reached, now, zone):
            continue
        text, before = reached.get(rule.name, ("", now))
        before = before if text == trigger_text(rule) else now
        if isinstance(rule.trigger, OnSchedule):
            planned += plan_schedule(unit, rule, before)
            keep_reached(unit.connection, rule, now)
        else:
            until = now + AHEAD if is_own(rule.trigger) else now
            if not is_own(rule.trigger) and text == trigger_text(rule):
                before -= FOLLOWED  # for saves that were not committed then
            planned += sum(plan(unit, *one) for one in coming(unit, rule, before, until))
            keep_reached(unit.connection, rule, until)
    return planned


def plan_schedule(unit: Unit, rule: Rule, before: datetime) -> int:
    """Puts the last occasion since an instant into the outbox; gives 1 if there was one."""
    if not isinstance(rule.trigger, OnSchedule):
        return 0
    due = last_run(rule.trigger, before, unit.moment.now, unit.moment.zone)
    return 0 if due is None else int(plan_batch(unit, rule, due, ""))


def plan_batch(unit: Unit, rule: Rule, due: datetime, after: str) -> bool:
    """Has a scheduled rule run on the records behind a cursor; "" for all. It begins in time; if
    they are many, the rest waits for what people do."""
    payload = {"rule": rule.name, "due": due.isoformat(), "after": after}
    key = f"{SCHEDULED}/{due_key(rule.name, after, due)}"
    about = {"object_name": rule.object, "rule": rule.name}
    turn = IN_BULK if after else BY_THE_CLOCK
    return add(unit.connection, SCHEDULED, payload, key, at=due, turn=turn, **about)


def plan(unit: Unit, rule: Rule, record_id: str, due: datetime) -> bool:
    """Has a rule run on a record when it is due; says whether that was not planned before."""
    payload = {"rule": rule.name, "due": due.isoformat()}
    key = f"{DUE}/{due_key(rule.name, record_id, due)}"
    about = {"object_name": rule.object, "record_id": record_id, "rule": rule.name}
    return add(unit.connection, DUE, payload, key, at=due, **about)


def plan_record(unit: Unit, object_name: str, record_id: str, record: Mapping[str, object]) -> None:
    """Plans what comes due soon for a record that is being written; `record` may hold a part."""
    now = unit.moment.now
    for rule in clock_rules(unit.catalog):
        trigger = rule.trigger
        if rule.object != object_name or not isinstance(trigger, OnDate):
            continue
        if is_own(trigger) and trigger.path.field in record:
            due = due_of(trigger, record, environment_of(unit))
            if due is not None and now < due <= now + UNSEEN + AHEAD:
                plan(unit, rule, record_id, due)


def coming(
    unit: Unit, rule: Rule, after: datetime, until: datetime
) -> Iterator[tuple[Rule, str, datetime]]:
    """Gives the records for which a rule on a date comes due in (after, until], and when."""
    if not isinstance(rule.trigger, OnDate):
        return
    environment, cursor = environment_of(unit), None
    while True:
        page = unit.records().list(
            rule.object,
            filter=window(rule.trigger, after, until, environment),
            after=cursor,
            limit=PAGE,
        )
        for record in page.items:
            due = due_of(rule.trigger, record, environment)
            if due is not None and after < due <= until:
                yield rule, str(record["id"]), due
        cursor = page.next
        if cursor is None:
            return


def window(trigger: OnDate, after: datetime, until: datetime, environment: Environment) -> str:
    """Gives a filter that leaves out no record whose date makes the rule due between instants."""
    first, last = (moved(one, trigger) for one in (after - MARGIN, until + MARGIN))
    path = ".".join(f"`{name}`" for name in way(trigger))
    if trigger.path.type.kind is Kind.DATE:
        low, high = (str(one.astimezone(environment.zone).date()) for one in (first, last))
    else:
        low, high = (one.strftime("%Y-%m-%dT%H:%MZ") for one in (first, last))
    return f"{path} >= {low} and {path} <= {high}"


def way(trigger: OnDate) -> tuple[str, ...]:
    """Gives the fields that lead to the date."""
    return (*(hop.field for hop in trigger.path.hops), trigger.path.field)


def moved(instant: datetime, trigger: OnDate) -> datetime:
    """Gives about the value that makes a rule due at an instant."""
    sign = 1 if trigger.timing == "before" else -1
    length = trigger.length
    if isinstance(length, timedelta):
        return dates.add_clock(instant, sign * length) or instant
    if not isinstance(length, CalendarLength):
        raise TypeError(f"a date trigger in {type(length).__name__}")  # the check refuses it
    day: date | None = dates.shift_date(instant.date(), length if sign > 0 else -length)
    return instant if day is None else datetime.combine(day, instant.timetz())


def is_own(trigger: Trigger) -> bool:
    """Says whether a rule is due by a date of the record itself."""
    return isinstance(trigger, OnDate) and not trigger.path.hops


def trigger_text(rule: Rule) -> str:
    """Gives what tells one trigger from another."""
    trigger = rule.trigger
    if isinstance(trigger, OnDate):
        about = f"{trigger.length} {trigger.timing} {'.'.join(way(trigger))}"
        return f"{rule.object}: {about} at {trigger.at}"
    return f"{rule.object}: {trigger}"


def read_reached(connection: sa.Connection, *, lock: bool = False) -> Reached:
    """Gives how far rules have been planned; who locks keeps other workers from planning."""
    if lock and connection.dialect.name == "postgresql":
        connection.execute(sa.text("LOCK TABLE rule_clock IN SHARE ROW EXCLUSIVE MODE"))
    rows = connection.execute(sa.select(rule_clock)).all()
    return {row.rule: (row.trigger, row.reached) for row in rows}


def keep_reached(connection: sa.Connection, rule: Rule, until: datetime) -> None:
    """Keeps how far a rule has been planned."""
    values = {"trigger": trigger_text(rule), "reached": until}
    statement = insert_into(connection, rule_clock).values(rule=rule.name, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["rule"], set_=values))
