"""What a merge that is taken back gives: the survivor's values of before, and the merged records.

Nothing that happened since stands in the way: what cannot be as it was is left, and named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from trellis.automation.environment import environment_of
from trellis.duplicates.choice import as_told, opened
from trellis.errors import Refused
from trellis.records.computed import formula_values
from trellis.records.delete import restore_record
from trellis.records.history import changes_between, history_write, place_in_history, told_again
from trellis.records.reach import target_of
from trellis.records.rows import update_row
from trellis.records.save import save_record
from trellis.records.stamps import stamps_of_change
from trellis.unit import Channel, Unit

WHY: Final = "unmerged"
TAKEN: Final = frozenset({"unique", "unique_together"})

Record = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that does not become what it was before a merge, because it was changed since, or
    what it led to is gone, or its value is another record's now: a field of the survivor or of a
    restored record, or a record that pointed at one."""

    object: str
    record: str
    field: str


def values_before(
    unit: Unit, definition: ObjectDefinition, record: Record, values: Mapping[str, Any]
) -> tuple[dict[str, object], list[Kept]]:
    """Gives the values that the survivor had before, where it still has those of the merge, and
    the fields that were changed since."""
    survivor, now = str(record["id"]), opened(unit, definition, record)
    back: dict[str, object] = {}
    kept: list[Kept] = []
    for field in definition.fields.values():
        if field.id not in values:
            continue
        place = place_in_history(definition, field.id, survivor)
        before, after = (told_again(unit, place, one) for one in values[field.id])
        if as_told(field, now.get(field.name)) == after:
            back[field.name] = before
        else:
            kept.append(Kept(definition.name, survivor, field.name))
    return back, kept


def give_back(
    unit: Unit, definition: ObjectDefinition, survivor: str, values: Record, channel: Channel
) -> dict[str, object]:
    """Writes as many of the survivor's values of before as go, and gives those that are refused."""
    if not values:
        return {}
    trusted = unit.as_automation()
    try:
        with unit.connection.begin_nested():
            save_record(trusted, definition.name, survivor, values, channel=channel, why=WHY)
    except Refused as error:
        named = fields_of(error.problems) & values.keys()
    else:
        return {}
    refused = {name: value for name, value in values.items() if name in named}
    rest = {name: value for name, value in values.items() if name not in named}
    if refused:
        return refused | give_back(unit, definition, survivor, rest, channel)
    if len(rest) == 1:
        return rest
    for name, value in rest.items():
        refused |= give_back(unit, definition, survivor, {name: value}, channel)
    return refused


def fields_of(problems: Sequence[Problem]) -> set[str]:
    """Gives the fields that problems of a save are about."""
    return {problem.path.split("/")[1] for problem in problems if problem.path}


def restore_merged(
    unit: Unit, definition: ObjectDefinition, record_id: str, channel: Channel, why: str
) -> list[Kept]:
    """Restores a merged record, without unique values that another record has now; gives these.

    Raises Missing, NotAllowed, and Refused where such a value is required.
    """
    try:
        with unit.connection.begin_nested():
            restore_record(unit, definition.name, record_id, channel=channel, why=why)
    except Refused as error:
        taken = fields_of([problem for problem in error.problems if problem.code in TAKEN])
        old = target_of(unit, definition, record_id, "delete", deleted=True)
        held = (name for name in sorted(taken) if old.get(name) is not None)
        name = next((one for one in held if not definition.fields[one].required), None)
        if name is None:
            raise
    else:
        return []
    empty(unit, definition, old, name, channel, why)
    left = Kept(definition.name, record_id, name)
    return [left, *restore_merged(unit, definition, record_id, channel, why)]


def empty(
    unit: Unit, definition: ObjectDefinition, old: Record, name: str, channel: Channel, why: str
) -> None:
    """Takes a value from a deleted record, with what is computed from it; history keeps it."""
    record_id, version = str(old["id"]), int(str(old["version"]))
    record = {**old, name: None}
    record |= formula_values(unit.catalog, definition, record, old, environment_of(unit))
    changes = changes_between(definition, old, record)
    values = {one: record[one] for one in changes} | stamps_of_change(unit, version + 1)
    about = (unit, definition, record_id, version + 1, changes)
    history = history_write(*about, channel=channel, why=why)
    update_row(unit, definition, record_id, version, values, history)
