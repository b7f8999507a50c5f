"""Giving a record to somebody else: the one way to change its owner."""

from __future__ import annotations

from dataclasses import replace

from metadata.access import AUTOMATION
from metadata.problems import Problem
from trellis.automation.environment import environment_of
from trellis.errors import Refused
from trellis.records.incoming import Incoming, find_record
from trellis.records.reach import definition_of, stale, target_of
from trellis.records.save import Saved, judged, refuse_locked, store
from trellis.unit import Channel, Unit


def assign_record(
    unit: Unit,
    object_name: str,
    record_id: str,
    to: str,
    *,
    channel: Channel,
    expected_version: int | None = None,
    why: str | None = None,
) -> Saved:
    """Makes a user, given by id or user name, the owner of a record; her team comes with her.

    Raises Missing, NotAllowed without the right to assign, Stale, Conflict when the record is
    locked, or Refused.
    """
    definition = definition_of(unit, object_name)
    old = target_of(unit, definition, record_id, "assign")
    if expected_version is not None and expected_version != old["version"]:
        raise stale(unit, definition, record_id)
    if "owner" not in definition.fields:
        raise Refused([Problem("", "no_owner", {"object": object_name})])
    user_id = find_record(unit, "user", to)
    known = replace(unit, principal=AUTOMATION).records()
    user = None if user_id is None else known.get("user", user_id, ["id", "active", "team"])
    if user is None or not user["active"]:
        raise Refused([Problem("/to", "unknown_reference", {"field": "to", "value": to})])
    incoming = Incoming({"owner": user["id"], "owner_team": user["team"]})
    refuse_locked(unit, definition, old, incoming)
    environment = environment_of(unit)
    judgement = judged(unit, definition, {**old, **incoming.values}, old, incoming, environment)
    return store(unit, definition, old, judgement, environment, channel=channel, why=why)
