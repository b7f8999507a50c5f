"""Why a record is whose it is: what assignments decided, and how it came out of a queue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from metadata.objects import ObjectDefinition
from rule_engine.services.assign import Assigned
from trellis.automation.assignments import decisions_on
from trellis.automation.readable import Reader
from trellis.phrases import Sentence
from trellis.records.claim_log import QUEUE, queue_claim, terms_of
from trellis.records.reach import definition_of
from trellis.records.read import read_record
from trellis.records.recycling import step_of
from trellis.unit import Unit


def explain_owner(unit: Unit, object_name: str, record_id: str) -> list[tuple[datetime, Assigned]]:
    """Gives what made people owners of a record, or let it wait, the newest first.

    Left out is what rests on fields that the principal may not read, and what assignments have
    decided that are gone. Raises Missing when the record is not to be seen.
    """
    definition = definition_of(unit, object_name)
    read_record(unit, object_name, record_id, ["id"])
    reader = Reader(unit)
    if not unit.principal.access(object_name).reads("owner"):
        return []
    seen = {
        one.name
        for one in unit.catalog.rules_of(object_name).assignments
        if reader.may_see_assignment(one)
    }
    found = decisions_on(unit, definition, record_id)
    told = [(at, one) for at, one in found if not one.assignment or one.assignment in seen]
    told += ways_out_of_queues(unit, definition, record_id)
    return sorted(told, key=lambda one: one[0], reverse=True)


def ways_out_of_queues(
    unit: Unit, definition: ObjectDefinition, record_id: str
) -> Iterator[tuple[datetime, Assigned]]:
    """Gives who took a record from which queue, or was given it, and when it goes back."""
    here = queue_claim.c
    query = sa.select(queue_claim).where(here.object == definition.id, here.record_id == record_id)
    rows: list[Mapping[str, Any]] = [dict(r) for r in unit.connection.execute(query).mappings()]
    queues = {row["queue"] for row in rows}
    may_see = bool(queues) and unit.principal.access(QUEUE).exists
    names = unit.records().names(QUEUE, queues) if may_see else {}
    for row in rows:
        because = because_of(unit, definition, row, names.get(row["queue"]))
        yield row["at"], Assigned("", row["user"], None, None, because)


def because_of(
    unit: Unit, definition: ObjectDefinition, claim: Mapping[str, Any], name: str | None
) -> Sentence:
    """Words how somebody got a record out of a queue; where it is not known to the reader, it is
    not named."""
    values: dict[str, object] = {"queue": name or Sentence("a queue")}
    terms = None if claim["ended_at"] is not None else terms_of(unit, claim["queue"])
    step = None if terms is None else step_of(unit, definition, claim, terms)
    if step is None:
        if claim["given"]:
            return Sentence("was given it out of {queue}", values)
        return Sentence("took it from {queue}", values)
    values["day"] = step.back_at.astimezone(unit.moment.zone).date().isoformat()
    if claim["given"]:
        text = "was given it out of {queue}; it goes back on {day} unless something is done with it"
        return Sentence(text, values)
    text = "took it from {queue}; it goes back on {day} unless something is done with it"
    return Sentence(text, values)
