"""What a plan means for clocks, as who plans it may see it: records go by her rights."""

from __future__ import annotations

from dataclasses import dataclass

from trellis.automation.readable import Reader
from trellis.service_levels.preview import ClockPlan, Moved, Shift
from trellis.unit import Unit


@dataclass(frozen=True, slots=True)
class Named:
    """A promise that moves, with the name of its record."""

    name: str
    moved: Moved


def named_samples(unit: Unit, plan: ClockPlan, shift: Shift) -> list[Named]:
    """Gives the first promises that move, of records that the principal may read; none of a
    service level that looks at fields which are hidden from her."""
    ids = {one.record_id for one in shift.samples}
    exists = unit.principal.access(plan.object).exists
    if not ids or not exists or not Reader(unit).may_see_level(plan.definition):
        return []
    names = unit.records().names(plan.object, ids)
    return [Named(names[one.record_id], one) for one in shift.samples if one.record_id in names]
