"""Whose a record can be: what it holds when it belongs to a user, or waits in a queue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from metadata.access import AUTOMATION
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from trellis.errors import Refused
from trellis.records.incoming import find_record
from trellis.unit import Unit

Values = Mapping[str, object]
Record = Mapping[str, object]


def held_by_user(user: Record) -> Values:
    """Gives the system fields of a record that belongs to a user; her team comes with her."""
    return {"owner": user["id"], "owner_team": user["team"], "owner_queue": None}


def held_by_queue(queue: Record) -> Values:
    """Gives the system fields of a record that waits in a queue: nobody owns it yet."""
    return {"owner": None, "owner_team": queue["team"], "owner_queue": queue["id"]}


def holder_named(unit: Unit, definition: ObjectDefinition, to: str, name: str = "to") -> Values:
    """Gives what a record holds that belongs to a user (by id or user name) or a queue (by id or
    name), as the acting person sees them.

    Raises Refused for an object without owners, for nobody, for a user who does not work here any
    more, and for a queue of other records; `name` is what the caller calls `to`.
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
        raise Refused([Problem(f"/{name}", "unknown_reference", {"field": name, "value": to})])
    if queue["object"] not in (None, "", definition.name):
        values = {"object": definition.name, "queue": to, "holds": queue["object"]}
        raise Refused([Problem(f"/{name}", "queue_of_other_object", values)])
    return held_by_queue(queue)
