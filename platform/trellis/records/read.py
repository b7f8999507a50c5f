"""Reading one record for a door."""

from __future__ import annotations

from collections.abc import Sequence

from metadata.problems import Problem
from trellis.errors import Missing
from trellis.records.reach import definition_of
from trellis.unit import Unit


def sees(unit: Unit, object_name: str, record_id: str) -> bool:
    """Says whether a record is there for the acting principal."""
    if not unit.principal.access(object_name).exists:
        return False
    return unit.records().get(object_name, record_id, ["id"]) is not None


def read_record(
    unit: Unit, object_name: str, record_id: str, fields: Sequence[str] | None = None
) -> dict[str, object]:
    """Gives a record by path, with `id` and `version`; without `fields` all that is visible, rows
    and links included.

    Raises Missing, and QueryProblem for paths that do not exist for the principal.
    """
    definition_of(unit, object_name)
    record = unit.records().get(object_name, record_id, fields, nested=True)
    if record is None:
        values = {"object": object_name, "id": record_id}
        raise Missing([Problem("", "missing_record", values)])
    return record
