"""Whether SQLite can read what an expression is in SQL: the stack of its parser has an end, and so
have the trees that it makes.

How deep a text is nested for it only it can say. Newer versions let the stack grow: asked is the
one that is here, for PostgreSQL too, so that both databases take the same.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

AROUND: Final = 12
"""Brackets in which lists and roll-ups may put an expression."""
TOO_MUCH: Final = re.compile(
    "parser stack overflow|Expression tree is too large|too many |at most 64 tables"
)
"""How SQLite words its limits."""
DIALECT: Final = sqlite.dialect()


def is_readable(columns: Iterable[sa.ColumnElement[Any]]) -> bool:
    """Says whether SQLite reads expressions made for it, wherever they stand in a question."""
    try:
        text = str(sa.select(*columns).compile(dialect=DIALECT))
    except RecursionError:  # SQLAlchemy goes down as deep as it is nested
        return False
    question = f"EXPLAIN SELECT {'(' * AROUND}{text}{')' * AROUND}"
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute(question, [None] * question.count("?"))
    except sqlite3.Error as error:  # that there are no tables it says after it has read all
        return TOO_MUCH.search(str(error)) is None
    finally:
        connection.close()
    return True


def is_too_much(error: sa.exc.DBAPIError) -> bool:
    """Says whether a database refused a statement for its size or depth, or had no memory for it
    (PostgreSQL's class 54, and 53200)."""
    told = error.orig
    if isinstance(told, sqlite3.OperationalError):
        return TOO_MUCH.search(str(told)) is not None
    return str(getattr(told, "sqlstate", None)).startswith(("54", "53200"))
