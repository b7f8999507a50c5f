"""Who has what somebody left behind, also what comes back only later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from trellis.errors import Refused
from trellis.jobs.running import job_table
from trellis.records.holders import held_by_queue, held_by_user
from trellis.unit import Unit

USER, QUEUE = "user", "queue"
TRANSFER: Final = "transfer"
"""The job that hands over what somebody owned; it keeps whose it was and who gets it."""

Record = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Successors:
    """The people who take over in turn, or the queue in which records wait; `approver` is asked
    for what the leaver was asked to approve."""

    people: tuple[str, ...]
    queue: str | None
    approver: str

    def to_json(self) -> dict[str, object]:
        """Gives what a job keeps."""
        return {"people": list(self.people), "queue": self.queue, "approver": self.approver}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Successors:
        """Gives what a job has kept."""
        return cls(tuple(kept["people"]), kept["queue"], kept["approver"])

    def holder(self, unit: Unit, turn: int) -> Mapping[str, object]:
        """Gives what the record whose turn it is holds from now on.

        Raises Refused when the person or queue has gone meanwhile.
        """
        known = unit.as_automation().records()
        if self.queue is not None:
            queue = known.get(QUEUE, self.queue, ["id", "team"])
            if queue is not None:
                return held_by_queue(queue)
        else:
            found = known.by_ids(USER, self.people, ["id", "team", "active"])
            active = [found[one] for one in self.people if one in found and found[one]["active"]]
            if active:
                return held_by_user(active[turn % len(active)])
        raise Refused([Problem("/to", "successors_gone")])


def holder_instead(
    unit: Unit, definition: ObjectDefinition, record: Record, asker: Unit
) -> Mapping[str, object] | None:
    """Gives what a record holds that comes back to an owner who does not work here any more: who
    got her others, or whoever asks for it where that is not known. None for one that stays hers."""
    owner = record.get("owner")
    if owner is None or definition.append_only:
        return None
    known = unit.as_automation().records()
    user = known.get(USER, str(owner))
    if user is not None and user.get("active", True):
        return None
    successors = successors_of(unit, str(owner))
    if successors is not None:
        try:
            return successors.holder(unit, UUID(str(record["id"])).int)
        except Refused:
            pass  # gone as well: as if nobody had been named
    person = known.get(USER, asker.user_id, ["id", "team"]) if asker.user_id else None
    return None if person is None else held_by_user(person)


def successors_of(unit: Unit, user_id: str) -> Successors | None:
    """Gives who took over when a user departed last, as long as that job is kept."""
    of_user = job_table.c.params["user"].as_string() == user_id
    query = sa.select(job_table.c.params).where(job_table.c.kind == TRANSFER, of_user)
    newest = query.order_by(job_table.c.created_at.desc(), job_table.c.id.desc()).limit(1)
    params = unit.connection.execute(newest).scalar()
    return None if params is None else Successors.from_json(params["successors"])
