"""Handing over what somebody left behind: a job whose every step can be broken off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from metadata.objects import ObjectDefinition
from trellis.audit.events import note
from trellis.declared import declares
from trellis.departing.open_approvals import hand_on
from trellis.errors import Missing
from trellis.jobs.running import JobKind, RunningJob, Step
from trellis.phrases import Sentence
from trellis.records.handover import hand_over_anyhow
from trellis.records.reach import target_of
from trellis.records.successors import TRANSFER, Successors
from trellis.unit import Unit

CHUNK = 100


@declares("user", "administer")
class Transfer(JobKind):
    """Hands over object by object, the oldest records first, then the open approvals."""

    name = TRANSFER
    title = Sentence("Hand on what belongs to somebody who leaves")
    crowds = True

    def step(self, unit: Unit, job: RunningJob) -> Step:
        """Hands some records over, or ends with how many there were by object."""
        doing = replace(unit, principal=replace(unit.principal, unrestricted=True))
        successors = Successors.from_json(job.params["successors"])
        cursor: dict[str, Any] = job.cursor or {"done": {}, "forced": [], "approvals": 0}
        user_id, total = str(job.params["user"]), int(job.params["total"])
        for definition in transferable(unit):
            found = doing.records().list(
                definition.name, fields=["id"], match={"owner": user_id}, limit=CHUNK
            )
            if not found.items:
                continue
            ids = [str(one["id"]) for one in found.items]
            turn = sum(cursor["done"].values())
            why = f"{job.params['name']} departed"
            forced = list(transferred(doing, definition, ids, successors, turn, why))
            values = {"from": user_id, "job": job.id}
            note(unit, TRANSFER, object=definition.name, record_ids=ids, values=values)
            number = cursor["done"].get(definition.name, 0) + len(ids)
            cursor = {
                **cursor,
                "done": {**cursor["done"], definition.name: number},
                "forced": [*cursor["forced"], *forced][:CHUNK],
            }
            return Step(cursor, sum(cursor["done"].values()), total)
        moved = hand_on(doing, user_id, successors.approver, CHUNK)
        cursor = {**cursor, "approvals": cursor["approvals"] + moved}
        result = None if moved else {**cursor}
        return Step(cursor, sum(cursor["done"].values()), total, result)


def transferable(unit: Unit) -> Iterator[ObjectDefinition]:
    """Gives the objects whose records change hands, by name: what is only added to stays."""
    for name in sorted(unit.catalog.objects):
        definition = unit.catalog.objects[name]
        if definition.owner and not definition.append_only:
            yield definition


def transferred(
    unit: Unit,
    definition: ObjectDefinition,
    ids: list[str],
    successors: Successors,
    turn: int,
    why: str,
) -> Iterator[str]:
    """Hands records over; gives those that their own rules would have kept."""
    for place, record_id in enumerate(ids):
        try:
            old = target_of(unit, definition, record_id, "assign")
        except Missing:  # deleted meanwhile
            continue
        values = successors.holder(unit, turn + place)
        if hand_over_anyhow(unit, definition, old, values, channel="job", why=why):
            yield record_id
