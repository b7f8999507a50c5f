"""What a plan means for clocks, as who plans it may see it: records go by her rights."""

from __future__ import annotations

from collections.abc import Iterator
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


def printed(plan: ClockPlan, *, choice: str) -> Iterator[str]:
    """Gives what becomes of a service level as lines of a terminal; `choice` says how its rules
    come to hold for what is open."""
    for shift, when in ((plan.calendar, ""), (plan.moved, f" {choice}")):
        if shift is not None and not shift.is_empty:
            yield f"clocks of {plan.key}{when}: {', '.join(parts_of(shift))}"
    if plan.looked_at < plan.open:
        yield f"  told of the first {plan.looked_at} of {plan.open} records"


def parts_of(shift: Shift) -> Iterator[str]:
    """Gives what becomes of clocks, number by number."""
    for (way, size), number in sorted(shift.moved.items()):
        yield f"{number} {way} by {'a day or more' if size == 'more' else f'less than one {size}'}"
    known = {"begin": shift.begin, "end": shift.end, "late at once": shift.late}
    for text, number in {**known, "not late any more": shift.saved}.items():
        if number:
            yield f"{number} {text}"
