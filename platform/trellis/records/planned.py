"""Keeps rules by the clock informed of the dates that are saved."""

from __future__ import annotations

from collections.abc import Sequence

from metadata.objects import ObjectDefinition
from trellis.automation.clock import plan_record
from trellis.records.written import Written
from trellis.unit import Unit


def follow_dates(unit: Unit, definition: ObjectDefinition, writes: Sequence[Written]) -> None:
    """Plans what comes due soon by the dates that were written."""
    for write in writes:
        if write.new is not None:
            plan_record(unit, definition.name, write.id, write.new)
