"""Giving a record to somebody: the one place that changes whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from metadata.access import AUTOMATION
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from trellis.automation.environment import environment_of
from trellis.errors import Refused
from trellis.records.incoming import Incoming, find_record
from trellis.records.locked import refuse_locked
from trellis.records.save import Saved, followed, judged, store
from trellis.unit import Channel, Unit

Values = Mapping[str, object]
Record = Mapping[str, object]


def held_by_user(user: Record) -> Values:
    """Gives the system fields of a record that belongs to a user; her team comes with her."""
    return {"owner": user["id"], "owner_team": user["team"], "owner_queue": None}


def held_by_queue(queue: Record) -> Values:
    """Gives the system fields of a record that waits in a queue: nobody owns it yet."""
    return {"owner": None, "owner_team": queue["team"], "owner_queue": queue["id"]}


def holder_named(unit: Unit, definition: ObjectDefinition, to: str) -> Values:
    """Gives what a record holds that belongs to a user (by id or user name) or a queue (by id or
    name), as the acting person sees them.

    Raises Refused for an object without owners, for nobody, for a user who does not work here any
    more, and for a queue of other records.
    """
    if "owner" not in definition.fields:
        raise Refused([Problem("", "no_owner", {"object": definition.name})])
    known = replace(unit, principal=AUTOMATION).records()
    user_id = find_record(unit, "user", to)
    user = None if user_id is None else known.get("user", user_id, ["id", "active", "team"])
    if user is not None and user["active"]:
        return held_by_user(user)
    queue_id = find_record(unit, "queue", to) if user is None else None
    queue = None if queue_id is None else known.get("queue", queue_id, ["id", "team", "object"])
    if queue is None:
        raise Refused([Problem("/to", "unknown_reference", {"field": "to", "value": to})])
    if queue["object"] not in (None, "", definition.name):
        values = {"object": definition.name, "queue": to, "holds": queue["object"]}
        raise Refused([Problem("/to", "queue_of_other_object", values)])
    return held_by_queue(queue)


def hand_over(
    unit: Unit,
    definition: ObjectDefinition,
    old: Record,
    values: Values,
    *,
    channel: Channel,
    why: str | None = None,
) -> Saved:
    """Writes whose a record is from now on, with all that its rules make of it and what follows.

    `old` is all of the record, locked for the change. Raises Conflict when the record is locked,
    or Refused.
    """
    incoming = Incoming(values)
    refuse_locked(unit, definition, old, incoming)
    environment = environment_of(unit)
    judgement = judged(unit, definition, {**old, **values}, old, incoming, environment)
    saved = store(unit, definition, old, judgement, environment, channel=channel, why=why)
    return followed(unit, definition, "update", saved, old)
