"""Giving a record to somebody, as a person or for one."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from metadata.objects import ObjectDefinition
from trellis.automation.environment import environment_of
from trellis.errors import RecordError
from trellis.records.incoming import Incoming
from trellis.records.judge import Judgement
from trellis.records.locked import refuse_locked
from trellis.records.reapproval import approve_again, approve_all_again, differing
from trellis.records.save import WRITERS, Saved, followed, judged, store
from trellis.unit import Channel, Unit

Values = Mapping[str, object]
Record = Mapping[str, object]


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
    hold = refuse_locked(unit, definition, old, incoming)
    environment = environment_of(unit)
    judgement = judged(unit, definition, {**old, **values}, old, incoming, environment)
    saved = store(unit, definition, old, judgement, environment, channel=channel, why=why)
    changed = differing(old, saved.record)
    approve_again(unit, definition, saved.id, hold, changed, WRITERS.change)
    return followed(unit, definition, "update", saved, old)


def hand_over_anyhow(
    unit: Unit,
    definition: ObjectDefinition,
    old: Record,
    values: Values,
    *,
    channel: Channel,
    why: str,
) -> bool:
    """Hands a record over, also one that no longer fulfils its own rules: nothing may stay with
    somebody who is gone. Says whether its rules were against it."""
    try:
        with unit.connection.begin_nested():
            hand_over(unit, definition, old, values, channel=channel, why=why)
    except RecordError:
        judgement = Judgement({**old, **values}, (), (), None)
        environment = environment_of(unit)
        saved = store(unit, definition, old, judgement, environment, channel=channel, why=why)
        changed = {(definition.name, saved.id): differing(old, saved.record)}
        with suppress(RecordError), unit.connection.begin_nested():
            approve_all_again(unit, changed, WRITERS.change)
        return True
    return False
