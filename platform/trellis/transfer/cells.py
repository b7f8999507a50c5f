"""From the cells of a row to values of fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from metadata.coerce import problem_of
from metadata.fields.base import FieldDefinition, Refused
from metadata.fields.types.decimal import Decimal as Number
from metadata.problems import Problem
from rule_engine.types import Kind
from trellis.transfer.notations import with_point
from trellis.transfer.settings import DAYS, NUMBERS, Column

DAY: Final = re.compile(r"(\d{1,4})\s*[-/. ]\s*(\d{1,2})\s*[-/. ]\s*(\d{1,4})(?:[T ]+(\S.*))?")
CENTURY: Final = 69
"""Years of two digits from here on are of the last century."""
SEPARATOR: Final = ";"
EXACT: Final = (Kind.NUMBER, Kind.PERCENT)
"""What is read as the API reads it: leniently read, 1.5 would be the whole number 2."""


def read_cell(
    cell: object, field: FieldDefinition, column: Column, zone: ZoneInfo, header: str = ""
) -> tuple[object, Problem | None]:
    """Gives the value that a cell of the column `header` holds for a field, or what is wrong with
    it."""
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return None, None
    given = cell
    try:
        if isinstance(cell, str):
            given = rewritten(mapped(cell, field, column.values), field, column)
    except Refused as refused:
        problem = problem_of(field, refused)
        return None, replace(problem, values={**problem.values, "column": header})
    try:
        return field.type.coerce(given, field, zone), None
    except Refused as refused:
        if field.type.kind in EXACT:
            return None, problem_of(field, refused)
        if isinstance(given, (int, float)) and not isinstance(given, bool):
            given = number_text(given)
        if not isinstance(given, str):
            return None, problem_of(field, refused)
        try:
            return field.type.read_text(given, field, zone), None
        except Refused:
            return None, problem_of(field, refused)


def number_text(number: float) -> str:
    """Gives a number as people write it."""
    return f"{Decimal(repr(number)).normalize():f}"


def mapped(text: str, field: FieldDefinition, values: Mapping[str, str]) -> str:
    """Gives what a text stands for; of a list of options each part."""
    if not values:
        return text
    plain = text.strip()
    if plain in values:
        return values[plain]
    if field.type.kind is Kind.CHOICES:
        parts: Iterable[str] = (part.strip() for part in text.split(SEPARATOR))
        return SEPARATOR.join(values.get(part, part) for part in parts)
    return text


def rewritten(text: str, field: FieldDefinition, column: Column) -> str:
    """Gives a number with a point, and a day as ISO 8601, as the column's settings say.

    Raises Refused for a number that is written otherwise.
    """
    if field.type.kind in NUMBERS and text.strip():
        return with_point(text, column.decimal, thousandths=keeps_thousandths(field))
    if column.date != "ymd" and field.type.kind in DAYS:
        return in_order(text, column.date)
    return text


def keeps_thousandths(field: FieldDefinition) -> bool:
    """Says whether a field has three places and more."""
    return not isinstance(field.type, Number) or field.type.scale(field) > 2


def in_order(text: str, order: str) -> str:
    """Gives a day that is written in the order dmy or mdy as ISO 8601, with its time if it has
    one; anything else as it is."""
    found = DAY.fullmatch(text.strip())
    if found is None or len(found[1]) == 4:
        return text
    parts = dict(zip(order, (found[1], found[2], found[3]), strict=True))
    year = int(parts["y"])
    if len(parts["y"]) == 2:
        year += 1900 if year >= CENTURY else 2000
    day = f"{year:04}-{int(parts['m']):02}-{int(parts['d']):02}"
    return f"{day}T{found[4]}" if found[4] else day
