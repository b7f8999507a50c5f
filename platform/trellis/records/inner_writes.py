"""Writing one row or link: its problems at their place in the record it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from metadata.fields.base import FieldDefinition
from metadata.fields.base import Refused as ValueRefused
from metadata.fields.values import read_value
from metadata.json_text import pointer
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from trellis.errors import Conflict, Missing, NotAllowed, Refused, Stale
from trellis.records.history import as_wire
from trellis.unit import Unit

Record = Mapping[str, object]
Written = TypeVar("Written")


def write_inner(
    unit: Unit,
    definition: ObjectDefinition,
    place: tuple[object, ...],
    found: list[Problem],
    write: Callable[[], Written],
) -> Written | None:
    """Runs one write; what is wrong with it goes to `found`, with paths below `place`.

    Raises NotAllowed and Conflict with such paths. A database's own refusal leaves the other
    writes of the transaction as they are.
    """
    try:
        if not may_collide(definition):
            return write()
        with unit.connection.begin_nested():
            return write()
    except Refused as refused:
        found.extend(below(place, refused.problems))
    except (Missing, Stale):
        found.append(Problem(pointer((*place, "id")), "unknown_row"))
    except NotAllowed as refused:
        raise NotAllowed(below(place, refused.problems)) from refused
    except Conflict as refused:
        raise Conflict(below(place, refused.problems)) from refused
    return None


def may_collide(definition: ObjectDefinition) -> bool:
    """Says whether the database itself may refuse a record of an object."""
    if definition.unique or definition.exclusions:
        return True
    return any(field.unique for field in definition.fields.values())


def below(place: tuple[object, ...], problems: tuple[Problem, ...]) -> list[Problem]:
    """Gives problems with paths below a place."""
    return [replace(problem, path=pointer(place) + problem.path) for problem in problems]


def changed_values(
    unit: Unit, definition: ObjectDefinition, shown: Record, sent: Record
) -> dict[str, object]:
    """Gives what was sent without what is there already, as the sender sees it.

    So an answer can be sent back as it came, computed fields and all.
    """
    return {
        name: given
        for name, given in sent.items()
        if name not in shown
        or name not in definition.fields
        or not is_same(unit, definition.fields[name], shown[name], given)
    }


def is_same(unit: Unit, field: FieldDefinition, value: object, given: object) -> bool:
    """Says whether what was given stands for a value that is there."""
    if given == value or given == as_wire(field, value):
        return True
    try:
        return bool(read_value(field, given, unit.moment.zone) == value)
    except ValueRefused:
        return False
