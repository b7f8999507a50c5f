"""Cursors: where a page ended, as a text that only fits the question it came from."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from metadata.query.order import SortKey, directed
from rule_engine.types import Kind

MAX_CURSOR_CHARACTERS = 8_192
MAX_NUMBER_CHARACTERS = 60
DIGEST_CHARACTERS = 16
LAST_ID = "last_id"

Column = sa.ColumnElement[Any]
Condition = sa.ColumnElement[bool]


class BadCursor(ValueError):  # noqa: N818  # becomes a Problem at once
    """A text that is no cursor of this question."""


def digest_of(*question: object) -> str:
    """Gives what ties a cursor to its object, filter, search and order."""
    text = json.dumps(question, ensure_ascii=True, default=str)
    return sha256(text.encode()).hexdigest()[:DIGEST_CHARACTERS]


def read_number(text: str) -> Decimal:
    """Reads a decimal of a size that databases know."""
    value = Decimal(text)
    if len(text) > MAX_NUMBER_CHARACTERS or not value.is_finite() or abs(value.adjusted()) > 40:
        raise ValueError(text)
    return value


def read_boolean(text: str) -> bool:
    """Reads what `str` wrote of a boolean."""
    return {"True": True, "False": False}[text]


def read_instant(text: str) -> datetime:
    """Reads an instant, which has an offset."""
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError(text)
    return value


READERS: Mapping[Kind, Callable[[str], object]] = {
    Kind.TEXT: str,
    Kind.REFERENCE: str,
    Kind.NUMBER: read_number,
    Kind.PERCENT: read_number,
    Kind.MONEY: read_number,
    Kind.BOOLEAN: read_boolean,
    Kind.DATE: date.fromisoformat,
    Kind.INSTANT: read_instant,
    Kind.TIME: time.fromisoformat,
    Kind.CLOCK_LENGTH: read_number,
}


def write_cursor(digest: str, values: Sequence[object], record_id: str) -> str:
    """Gives the cursor after a row with these sort values."""
    texts = [None if value is None else str(value) for value in values]
    packed = json.dumps([digest, record_id, *texts], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")


def read_cursor(cursor: str, digest: str, keys: Sequence[SortKey]) -> tuple[list[object], str]:
    """Gives the sort values and the id a cursor stands for. Raises BadCursor."""
    if len(cursor) > MAX_CURSOR_CHARACTERS:
        raise BadCursor(cursor[:20])
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        packed = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True).decode())
        tag, record_id, *texts = packed
        values = [read_value(text, key) for text, key in zip(texts, keys, strict=True)]
    except (ValueError, TypeError, KeyError, InvalidOperation, RecursionError) as error:
        raise BadCursor(cursor) from error
    if tag != digest or not isinstance(record_id, str):
        raise BadCursor(cursor)
    return values, record_id


def read_value(text: object, key: SortKey) -> object:
    """Gives a sort value in the form its column takes."""
    if text is None and key.nullable:
        return None
    if not isinstance(text, str):
        raise BadCursor(str(text))
    value = READERS[key.kind](text)
    whole = isinstance(key.expression.type, sa.Integer)
    return int(value) if whole and isinstance(value, Decimal) else value


def cursor_values(values: Sequence[object], record_id: str) -> dict[str, object]:
    """Gives the parameters that `pieces_after` counts on."""
    return {LAST_ID: record_id, **{f"last_{place}": value for place, value in enumerate(values)}}


def last(place: int, key: SortKey) -> sa.BindParameter[Any]:
    """Gives the parameter for a sort value of the last row."""
    return sa.bindparam(f"last_{place}", type_=key.expression.type)


def pieces_after(
    keys: Sequence[SortKey], empties: Sequence[bool], id_column: Column
) -> list[Condition]:
    """Gives conditions that together hold for all rows after a cursor, in the order of the list.

    `empties` tells which of the cursor's values are empty. One key gives a row comparison and,
    where the block of empties borders on it, a second piece: one condition with `or` made
    databases read the whole block (72,450 rows for a page of 50).
    """
    if not keys:
        return [beyond_id(id_column, descending=False)]
    if len(keys) == 1:
        return pieces_of_one(keys[0], empties[0], id_column)
    return [lexicographic(keys, empties, id_column)]


def pieces_of_one(key: SortKey, is_empty: bool, id_column: Column) -> list[Condition]:
    """Gives the pieces for an order by one key."""
    column, down = key.expression, key.descending
    if not key.nullable:
        return [beyond_id(id_column, down)]
    if is_empty:
        block = sa.and_(column.is_(None), beyond_id(id_column, down))
        return [block] if down else [block, column.is_not(None)]
    here = sa.tuple_(column, id_column)
    there = sa.tuple_(last(0, key), sa.bindparam(LAST_ID, type_=id_column.type))
    return [here < there, column.is_(None)] if down else [here > there]


def lexicographic(keys: Sequence[SortKey], empties: Sequence[bool], id_column: Column) -> Condition:
    """Gives the condition for an order by several keys."""
    condition = beyond_id(id_column, keys[-1].descending)
    settled = list(zip(range(len(keys)), keys, empties, strict=True))
    if not keys[-1].nullable:
        settled.pop()
    for place, key, is_empty in reversed(settled):
        column = key.expression
        same = column.is_(None) if is_empty else column == last(place, key)
        condition = sa.or_(beyond(place, key, is_empty), sa.and_(same, condition))
    return condition


def beyond(place: int, key: SortKey, is_empty: bool) -> Condition:
    """Gives the condition that a row's key is later than the cursor's."""
    column = key.expression
    if is_empty:
        return sa.false() if key.descending else column.is_not(None)
    if key.descending:
        return sa.or_(column < last(place, key), column.is_(None))
    return column > last(place, key)


def beyond_id(id_column: Column, descending: bool) -> Condition:
    """Gives the condition that a row's id is later than the cursor's."""
    bound = sa.bindparam(LAST_ID, type_=id_column.type)
    return id_column < bound if descending else id_column > bound


def order_by(keys: Sequence[SortKey], id_column: Column) -> list[sa.ColumnElement[Any]]:
    """Gives ORDER BY. The id follows the last key, so that one index serves both directions."""
    clauses = [key.clause for key in keys]
    if not keys or keys[-1].nullable:
        clauses.append(directed(id_column, bool(keys) and keys[-1].descending, nullable=False))
    return clauses
