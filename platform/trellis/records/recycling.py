"""Records that nobody works on go back to the queue they came from, after a warning.

Something is done with a record when a person changes it or its rows and links, over a page, the
API or an import, or keeps an activity for it. What rules do does not count. A record that has come
to its end (won, lost) stays with whose it is, and so does one that is locked or waits for approval,
as long as that is so.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from metadata.access import AUTOMATION, SYSTEM
from metadata.objects import ObjectDefinition
from rule_engine.services.assign import Assigned, Skipped
from trellis.automation import outbox
from trellis.automation.assignments import note_decision
from trellis.automation.requests import held_among
from trellis.automation.workload import is_open
from trellis.errors import Missing
from trellis.phrases import Sentence
from trellis.records.causes import PERSONAL
from trellis.records.claim_log import QUEUE, plan_look, plan_replan, queue_claim, terms_of
from trellis.records.history import record_history
from trellis.records.holders import holder_named
from trellis.records.queue_terms import TERMS, Held, Step, Terms, later, next_step
from trellis.records.reach import target_of
from trellis.records.writers import Writers
from trellis.unit import Unit

Record = Mapping[str, object]
Claim = Mapping[str, Any]

ACTIVITIES = "activities"
NEWEST = 20
BATCH = 200
RECYCLED = "recycled"
GOES_BACK = "recycle_warning"


def look_at_claim(unit: Unit, claim_id: str, at: datetime, writers: Writers) -> None:
    """Does what time asks of a record in somebody's hands: warns her, gives it back, or waits.

    `at` is when it was to be looked at; a timer that was planned before another one is void.
    """
    found = found_claim(unit, claim_id, at)
    definition = None if found is None else object_of(unit, found)
    if found is None or definition is None:
        return
    try:
        record = target_of(unit, definition, found["record_id"], "update")
    except Missing:
        return
    # What was read before the record was locked may be over by now.
    claim = found_claim(unit, claim_id, at)
    queue = unit.records().get(QUEUE, found["queue"], ["name", *TERMS])
    if claim is None or queue is None or record.get("owner") != claim["user"]:
        return
    terms = Terms.of(queue)
    step = step_of(unit, definition, claim, terms)
    if step is None:
        return
    now = unit.moment.now
    if step.at > now:
        plan_look(unit, definition, claim, step.at)
    elif held_among(unit.connection, [(definition.id, claim["record_id"])]):
        plan_look(unit, definition, claim, later(now, 1, unit.moment.zone))
    elif not is_open(definition, record):
        plan_look(
            unit, definition, claim, later(now, max(terms.recycle_days or 1, 1), unit.moment.zone)
        )
    elif step.kind == "warn":
        warn(unit, definition, claim, terms)
    else:
        give_back(unit, definition, claim, queue, writers)


def replan(unit: Unit, queue_id: str, version: int, after: str) -> None:
    """Plans some records anew that are out of a queue, and leaves the rest to the next effect."""
    here = queue_claim.c
    terms = terms_of(unit, queue_id)
    query = sa.select(queue_claim).where(
        here.queue == queue_id, here.ended_at.is_(None), here.id > after
    )
    found = unit.connection.execute(query.order_by(here.id).limit(BATCH))
    rows: list[Claim] = [dict(row) for row in found.mappings()]
    for claim in rows:
        definition = object_of(unit, claim)
        step = step_of(unit, definition, claim, terms) if terms and definition else None
        if definition is not None and step is not None:
            plan_look(unit, definition, claim, max(step.at, unit.moment.now))
    if len(rows) == BATCH:
        plan_replan(unit, queue_id, version, rows[-1]["id"])


def step_of(unit: Unit, definition: ObjectDefinition, claim: Claim, terms: Terms) -> Step | None:
    """Gives what comes next for a record in somebody's hands."""
    active_at = last_activity(unit, definition, claim["record_id"]) or claim["at"]
    held = Held(claim["at"], active_at, claim["warned_at"])
    return next_step(terms, held, unit.moment.zone)


def last_activity(unit: Unit, definition: ObjectDefinition, record_id: str) -> datetime | None:
    """Gives when a person last did something with a record."""
    here = record_history.c
    query = sa.select(sa.func.max(here.at)).where(
        here.object == definition.id,
        here.record_id == record_id,
        here.channel.in_(sorted(PERSONAL)),
    )
    found: list[datetime] = [at for at in (unit.connection.scalar(query),) if at is not None]
    link = unit.catalog.children(definition.name).get(ACTIVITIES)
    if link is not None and link.nested is None:
        page = (
            unit.as_automation()
            .records()
            .list(
                link.target,
                fields=["created_at", "created_by"],
                match={link.field: record_id},
                sort=("-created_at",),
                limit=NEWEST,
            )
        )
        own = (AUTOMATION.name, SYSTEM.name)
        by_people = (one["created_at"] for one in page.items if one["created_by"] not in own)
        found += [at for at in by_people if isinstance(at, datetime)]
    return max(found, default=None)


def warn(unit: Unit, definition: ObjectDefinition, claim: Claim, terms: Terms) -> None:
    """Tells whose record it is that it goes back, and looks again when it does."""
    now = unit.moment.now
    mine = sa.update(queue_claim).where(queue_claim.c.id == claim["id"])
    unit.connection.execute(mine.values(warned_at=now))
    tell(unit, definition, claim, GOES_BACK)
    step = step_of(unit, definition, {**claim, "warned_at": now}, terms)
    if step is not None:
        plan_look(unit, definition, claim, step.at)


def give_back(
    unit: Unit, definition: ObjectDefinition, claim: Claim, queue: Record, writers: Writers
) -> None:
    """Lets a record wait in its queue again, says why, and tells who had it."""
    terms, now, zone = Terms.of(queue), unit.moment.now, unit.moment.zone
    since = last_activity(unit, definition, claim["record_id"]) or claim["at"]
    values = {"day": since.astimezone(zone).date().isoformat()}
    why = Sentence("nothing was done with it since {day}", values)
    skipped = []
    if terms.cool_until(now) > now:
        until = terms.cool_until(now).astimezone(zone).strftime("%Y-%m-%d %H:%M")
        cools = Sentence("may not take it again until {until}", {"until": until})
        skipped.append(Skipped(0, claim["user"], "cooling", cools))
    decision = Assigned("", None, str(queue["name"]), None, why, tuple(skipped))
    note_decision(unit, definition, claim["record_id"], decision)
    given = holder_named(unit, definition, claim["queue"])
    rules, record_id = unit.as_automation(), claim["record_id"]
    writers.change(rules, definition, record_id, {}, channel="rule", why=RECYCLED, given=given)
    tell(unit, definition, claim, RECYCLED)


def tell(unit: Unit, definition: ObjectDefinition, claim: Claim, kind: str) -> None:
    """Leaves a message about a record for who has it, or had it."""
    key = f"{kind}/{claim['id']}/{unit.moment.now.isoformat()}"
    payload = {"recipients": [claim["user"]], "kind": kind, "title": "", "values": {}}
    about = {"object_name": definition.name, "record_id": claim["record_id"]}
    outbox.add(unit.connection, "notify", payload, key, **about)


def found_claim(unit: Unit, claim_id: str, at: datetime) -> Claim | None:
    """Gives a claim that is to be looked at now; None when it ended or waits for another time."""
    here = queue_claim.c
    query = sa.select(queue_claim).where(
        here.id == claim_id, here.ended_at.is_(None), here.look_at == at
    )
    row = unit.connection.execute(query).mappings().one_or_none()
    return None if row is None else dict(row)


def object_of(unit: Unit, claim: Claim) -> ObjectDefinition | None:
    """Gives the object of a claim's record; None for one that is gone."""
    found = (one for one in unit.catalog.objects.values() if one.id == claim["object"])
    return next(found, None)
