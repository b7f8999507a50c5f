"""What is grouped by and measured, read and checked for one principal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from metadata.fields.base import FieldDefinition
from metadata.json_text import nearest
from metadata.problems import Problem
from metadata.query.aggregate_buckets import DATED, LABELS
from metadata.query.aggregate_measures import MEASURED, MeasurePath, kind_of
from metadata.query.order import SORTABLE
from metadata.query.paths import Paths, ResolvedPath
from metadata.query.selection import value_parts
from rule_engine.types import Kind

MAX_GROUP_KEYS: Final = 4
MAX_MEASURES: Final = 20
CALL: Final = re.compile(r"(\w+)\(([^()]*)\)", re.ASCII)
GROUP: Final = "group"
MEASURE: Final = "measure"
COUNT: Final = "count"
FUNCTIONS: Final = (COUNT, *MEASURED)


@dataclass(frozen=True, slots=True)
class GroupPath:
    """A field to group by, as it was asked for; `unit` is the period of a date."""

    text: str
    path: ResolvedPath
    unit: str | None = None


def resolve_groups(
    paths: Paths, object_name: str, texts: Sequence[str], problems: list[Problem]
) -> tuple[GroupPath, ...]:
    """Gives the groups that exist; what is wrong with the others goes to `problems`."""
    if len(texts) > MAX_GROUP_KEYS:
        problems.append(Problem(GROUP, "too_many_groups_asked", {"limit": MAX_GROUP_KEYS}))
    found = [resolve_group(paths, object_name, text) for text in texts[:MAX_GROUP_KEYS]]
    problems.extend(one for one in found if isinstance(one, Problem))
    return tuple(one for one in found if not isinstance(one, Problem))


def resolve_group(paths: Paths, object_name: str, text: str) -> GroupPath | Problem:
    """Gives `stage` or `month(close_date)`, or what is wrong with it."""
    call = CALL.fullmatch(text)
    unit, inside = (call[1], call[2].strip()) if call else (None, text)
    if unit is not None and unit not in LABELS:
        values = {"name": unit, "nearest": nearest(unit, LABELS), "known": list(LABELS)}
        return Problem(GROUP, "unknown_value", values)
    path = paths.resolve(object_name, inside, GROUP, whole=True)
    if isinstance(path, Problem):
        return path
    if unit is not None and (path.field.type.is_sealed or kind_of(path.field) not in DATED):
        return Problem(GROUP, "not_a_date", {"name": path.text, "unit": unit})
    if not is_groupable(path.field):
        return Problem(GROUP, "not_groupable", {"name": path.text})
    return GroupPath(text, path, unit)


def is_groupable(field: FieldDefinition) -> bool:
    """Says whether records can be grouped by a field: its value is one column with an order."""
    kind = kind_of(field)
    plain = not field.type.is_sealed and value_parts(field) == ("",)
    return plain and kind in SORTABLE and kind is not Kind.MONEY


def resolve_measures(
    paths: Paths, object_name: str, texts: Sequence[str], problems: list[Problem]
) -> tuple[MeasurePath, ...]:
    """Gives the measures that exist; what is wrong with the others goes to `problems`."""
    if len(texts) > MAX_MEASURES:
        problems.append(Problem(MEASURE, "too_many_measures", {"limit": MAX_MEASURES}))
    found = [resolve_measure(paths, object_name, text) for text in texts[:MAX_MEASURES]]
    problems.extend(one for one in found if isinstance(one, Problem))
    return tuple(one for one in found if not isinstance(one, Problem))


def resolve_measure(paths: Paths, object_name: str, text: str) -> MeasurePath | Problem:
    """Gives `count()` or `sum(amount)`, or what is wrong with it."""
    call = CALL.fullmatch(text)
    if call is None:
        return Problem(MEASURE, "measure_expected", {"value": text[:40]})
    function, inside = call[1], call[2].strip()
    if function not in FUNCTIONS:
        near = nearest(function, FUNCTIONS)
        values = {"name": function, "nearest": near, "known": list(FUNCTIONS)}
        return Problem(MEASURE, "unknown_value", values)
    if not inside:
        if function == COUNT:
            return MeasurePath(text, function)
        return Problem(MEASURE, "field_to_measure", {"function": function})
    path = paths.resolve(object_name, inside, MEASURE, whole=True)
    if isinstance(path, Problem):
        return path
    kinds = MEASURED.get(function)
    if kinds is not None and (path.field.type.is_sealed or kind_of(path.field) not in kinds):
        return Problem(MEASURE, "not_measurable", {"name": path.text, "function": function})
    return MeasurePath(text, function, path)
