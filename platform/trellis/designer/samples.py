"""Samples of what a conversion does, as far as who plans it may see the values."""

from __future__ import annotations

from metadata.conversion import Tally
from metadata.operations import Operation
from trellis.unit import Unit


def may_see(unit: Unit, operation: Operation) -> bool:
    """Says whether the acting administrator may read the field of all records.

    Administering definitions is no right to see data: without it there are numbers only.
    """
    source = str(operation.detail.get("source") or operation.element)
    for name, definition in unit.catalog.objects.items():
        for field in definition.own_fields:
            if field.id == source:
                access = unit.principal.access(name)
                return access.reads(field.name) and access.reach("read").all
    return False


def samples_json(unit: Unit, operation: Operation, tally: Tally) -> dict[str, object]:
    """Gives up to five samples of each kind; none of values that may not be seen."""
    if not may_see(unit, operation):
        return {kind: [] for kind in tally.samples}
    return {
        kind: [{"id": one.id, "before": one.before, "after": one.after} for one in found]
        for kind, found in tally.samples.items()
    }
