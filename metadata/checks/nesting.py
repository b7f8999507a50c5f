"""Whether SQLite can read what a computed field is in SQL: the stack of its parser has an end.

How deep a text is nested for it only it can say. Newer versions let the stack grow: asked is the
one that is here.
"""

from __future__ import annotations

import sqlite3
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from metadata.computed.columns import Parts

AROUND: Final = 12
"""Brackets in which lists and roll-ups may put the columns of a field."""
OVERFLOW: Final = "parser stack overflow"
DIALECT: Final = sqlite.dialect()


def is_readable(parts: Parts) -> bool:
    """Says whether SQLite reads the columns of a field, wherever they stand in a question."""
    text = str(sa.select(*parts.values()).compile(dialect=DIALECT))
    question = f"EXPLAIN SELECT {'(' * AROUND}{text}{')' * AROUND}"
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute(question, [None] * question.count("?"))
    except sqlite3.Error as error:  # that there are no tables it says after it has read all
        return OVERFLOW not in str(error)
    finally:
        connection.close()
    return True
