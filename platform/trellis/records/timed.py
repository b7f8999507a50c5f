"""Rules by the clock on records: run when they are due, and planned when a date is saved."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from rule_engine.program import Rule
from rule_engine.services.automate import run_due
from rule_engine.services.evaluate import holds
from trellis.automation.clock import clock_rules, plan, plan_batch
from trellis.automation.environment import environment_of
from trellis.automation.outbox import yield_to_people
from trellis.errors import Missing, RecordError
from trellis.records.aftermath import follow
from trellis.records.reach import target_of
from trellis.records.save import WRITERS
from trellis.unit import Unit

BATCH: Final = 200


def rule_named(unit: Unit, name: str) -> Rule | None:
    """Gives a rule by the clock; None for one that is gone, or goes by something else now."""
    return next((rule for rule in clock_rules(unit.catalog) if rule.name == name), None)


def run_timed(unit: Unit, name: str, record_id: str, due: datetime) -> None:
    """Runs a rule on a record if it still is due then and its condition holds.

    Raises what stands in the way of what it writes.
    """
    rule = rule_named(unit, name)
    if rule is None:
        return
    definition = unit.catalog.objects[rule.object]
    try:
        record = target_of(unit, definition, record_id, "update")
    except Missing:
        return
    outcome = run_due(rule, record, due, environment_of(unit), unit.directory)
    if outcome is not None:
        follow(unit, definition, record, "due", outcome, WRITERS)


def run_scheduled(unit: Unit, name: str, due: datetime, after: str) -> None:
    """Runs a rule on a schedule on the records behind a cursor, and plans those that are left.

    They may be many: what follows waits for what people do. A record on which it cannot be done is
    planned by itself, to be tried again and told of.
    """
    rule = rule_named(unit, name)
    if rule is None:
        return
    yield_to_people(unit.connection)
    page = unit.records().list(rule.object, after=after or None, limit=BATCH)
    environment = environment_of(unit)
    for record in page.items:
        if holds(rule.guard, record, environment):
            run_alone(unit, rule, str(record["id"]), due)
    if page.next is not None:
        plan_batch(unit, rule, due, page.next)


def run_alone(unit: Unit, rule: Rule, record_id: str, due: datetime) -> None:
    """Runs a rule on one record among several; what it wrote before it failed is undone."""
    inner = unit.connection.begin_nested()
    try:
        run_timed(unit, rule.name, record_id, due)
    except RecordError:
        inner.rollback()
        plan(unit, rule, record_id, due)
    else:
        inner.commit()
