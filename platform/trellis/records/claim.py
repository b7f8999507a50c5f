"""Taking a record from a queue, within what one member may take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, time

import sqlalchemy as sa

from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from trellis.errors import Conflict, NotAllowed
from trellis.records.claim_log import claims_open, claims_since, lost_at, take_as_own
from trellis.records.handover import hand_over
from trellis.records.holders import held_by_user
from trellis.records.queue_terms import TERMS, Terms
from trellis.records.reach import definition_of, stale, target_of
from trellis.records.save import Saved
from trellis.security.standing import Standing
from trellis.unit import Channel, Unit

LIMITS = ("claims_per_day", "claims_open")


def claim_record(
    unit: Unit,
    object_name: str,
    record_id: str,
    *,
    channel: Channel,
    expected_version: int | None = None,
) -> Saved:
    """Makes the acting person the owner of a record that waits in a queue of hers.

    No right to assign is needed. Raises Missing, NotAllowed for who does not belong to the queue,
    Stale, Conflict when nobody waits any more or the person may take no more, or not again
    yet, or Refused.
    """
    definition = definition_of(unit, object_name)
    old = target_of(unit, definition, record_id, "read")
    if expected_version is not None and expected_version != old["version"]:
        raise stale(unit, definition, record_id)
    queue_id = old.get("owner_queue")
    if queue_id is None:
        raise Conflict([Problem("", "not_in_queue", {"object": object_name})])
    user = acting_user(unit)
    take_turn(unit, str(user["id"]))
    problems = in_the_way(unit, definition, old, user)
    if problems:
        raise Conflict(problems)
    saved = hand_over(unit, definition, old, held_by_user(user), channel=channel)
    take_as_own(unit, definition, record_id, str(user["id"]))
    return saved


def claimable(
    unit: Unit, definition: ObjectDefinition, record: Mapping[str, object]
) -> Sequence[Problem] | None:
    """Gives what keeps the acting person from taking a record that was read now; None when it does
    not wait in a queue from which she takes."""
    queue_id, user = record.get("owner_queue"), unit.principal.user
    if queue_id is None or user is None or str(queue_id) not in queues_of(unit, user):
        return None
    return in_the_way(unit, definition, record, user)


def in_the_way(
    unit: Unit,
    definition: ObjectDefinition,
    record: Mapping[str, object],
    user: Mapping[str, object],
) -> Sequence[Problem]:
    """Gives what keeps a user from taking a record from its queue now. Raises NotAllowed for who
    does not belong to it."""
    queue, user_id = queue_of(unit, str(record["owner_queue"]), user, definition), str(user["id"])
    cools = cooling(unit, queue, definition, str(record["id"]), user_id)
    return [*broken_limits(unit, definition, queue, user_id), *cools]


def acting_user(unit: Unit) -> Mapping[str, object]:
    """Gives the fields of who acts. Raises NotAllowed for the system, which takes nothing."""
    user = unit.principal.user
    if user is None:
        raise NotAllowed([Problem("", "only_people_claim")])
    return user


def take_turn(unit: Unit, user_id: str) -> None:
    """Lets one claim of a user wait for the other: both must not count the same number."""
    users = unit.catalog.tables["user"]
    unit.connection.execute(sa.select(users.c.id).where(users.c.id == user_id).with_for_update())


def queues_of(unit: Unit, user: Mapping[str, object]) -> frozenset[str]:
    """Gives the queues from which a user takes today."""
    standing = Standing(unit.connection, unit.catalog, unit.moment.today)
    team = user.get("team")
    user_id = str(user["id"])
    return standing.queues(user_id, standing.teams(user_id, str(team) if team else None))


def queue_of(
    unit: Unit, queue_id: str, user: Mapping[str, object], definition: ObjectDefinition
) -> Mapping[str, object]:
    """Gives the queue in which a record waits. Raises NotAllowed for who does not belong to it."""
    records = unit.as_automation().records()
    queue = records.get("queue", queue_id, ["id", "name", *LIMITS, *TERMS])
    if queue is None or queue_id not in queues_of(unit, user):
        raise NotAllowed([Problem("", "queue_of_others", {"object": definition.name})])
    return queue


def broken_limits(
    unit: Unit, definition: ObjectDefinition, queue: Mapping[str, object], user_id: str
) -> Iterator[Problem]:
    """Gives the limits of a queue that are reached."""
    queue_id = str(queue["id"])
    midnight = datetime.combine(unit.moment.today, time(), unit.moment.zone)
    counts = (
        claims_since(unit, queue_id, user_id, midnight),
        claims_open(unit, definition, queue_id, user_id),
    )
    for name, count in zip(LIMITS, counts, strict=True):
        limit = queue[name]
        if limit is not None and count >= int(str(limit)):
            yield Problem("", f"{name}_reached", {"limit": limit, "queue": queue["name"]})


def cooling(
    unit: Unit,
    queue: Mapping[str, object],
    definition: ObjectDefinition,
    record_id: str,
    user_id: str,
) -> Iterator[Problem]:
    """Gives what keeps somebody from taking a record again that she had a short while ago."""
    lost = lost_at(unit, definition, record_id, str(queue["id"]), user_id)
    if lost is None:
        return
    until = Terms.of(queue).cool_until(lost)
    if until > unit.moment.now:
        told = until.astimezone(unit.moment.zone).strftime("%Y-%m-%d %H:%M")
        yield Problem("", "claim_cooling", {"until": told, "queue": queue["name"]})
