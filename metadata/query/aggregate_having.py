"""Which groups of an aggregate are kept: conditions on what was measured of them.

A condition speaks of measures that are asked for, and so of nothing that the answer would not
tell anyway.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from metadata.fields.base import Refused
from metadata.json_text import nearest
from metadata.problems import Problem
from metadata.query.aggregate_measures import ADDED, Measure, kind_of
from rule_engine.types import Kind

MOST_CONDITIONS: Final = 20
OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}
WRITTEN: Final = re.compile(r"([^<>=!]+)(<=|>=|!=|=|<|>)([^<>=!]+)")
NUMBER: Final = re.compile(r"-?\d{1,30}(\.\d{1,30})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Having:
    """A condition on a measure: `key operator text`, as it was written."""

    key: str
    operator: str
    text: str


@dataclass(frozen=True, slots=True)
class Test:
    """A condition that is ready: `value` is of the kind that its measure is ranked by."""

    key: str
    holds: Callable[[Any, Any], bool]
    value: object

    def fulfilled(self, rank: tuple[bool, Any]) -> bool:
        """Says whether a group whose measure has this rank fulfils it; one of which nothing can be
        said does not."""
        is_known, value = rank
        return is_known and self.holds(value, self.value)


def read_having(
    texts: Sequence[str], measures: Sequence[str], problems: list[Problem]
) -> tuple[Having, ...]:
    """Gives conditions such as `count() > 5`; adds what is wrong with them to `problems`."""
    found = []
    if len(texts) > MOST_CONDITIONS:
        problems.append(Problem("having", "too_many_conditions", {"limit": MOST_CONDITIONS}))
    for text in texts[:MOST_CONDITIONS]:
        written = WRITTEN.fullmatch(text)
        if written is None:
            problems.append(Problem("having", "bad_having", {"text": text}))
            continue
        key, sign, value = (part.strip() for part in written.groups())
        if key not in measures:
            values = {"name": key, "nearest": nearest(key, measures), "known": list(measures)}
            problems.append(Problem("having", "unknown_value", values))
        else:
            found.append(Having(key, sign, value))
    return tuple(found)


def tests_of(
    asked: Sequence[Having], measures: Sequence[Measure], zone: ZoneInfo, problems: list[Problem]
) -> list[Test]:
    """Gives conditions ready to be asked; adds those whose value does not fit to `problems`."""
    by_key = {one.text: one for one in measures}
    tests = []
    for one in asked:
        try:
            value = value_of(one.text, by_key[one.key], zone)
        except Refused:
            values = {"name": one.key, "text": one.text}
            problems.append(Problem("having", "having_value", values))
        else:
            tests.append(Test(one.key, OPERATORS[one.operator], value))
    return tests


def value_of(text: str, measure: Measure, zone: ZoneInfo) -> object:
    """Gives what a measure is compared with: a number, an amount in the base currency, a length of
    time, or a date. Raises Refused for what is none."""
    kind = None if measure.function == "count" else kind_of(measure.field)
    if kind is None or (kind in ADDED and kind is not Kind.CLOCK_LENGTH):
        if NUMBER.fullmatch(text) is None:
            raise Refused("number_expected", value=text)
        return Decimal(text)
    if measure.field is None:
        raise TypeError(measure.text)
    return measure.field.type.coerce(text, measure.field, zone)
