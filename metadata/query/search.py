"""Search in one object: every word stands in one of the fields that are searched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from metadata.problems import Problem
from metadata.query.answers import MAX_SEARCH_CHARACTERS
from metadata.query.paths import Paths, ResolvedPath, Source
from metadata.query.selection import FOLD
from rule_engine.text import fold

MAX_WORDS = 10
ESCAPE = "/"


def search_paths(paths: Paths, object_name: str) -> tuple[ResolvedPath, ...]:
    """Gives the texts that a search looks at and the principal may read in full."""
    definition = paths.catalog.objects[object_name]
    texts = dict.fromkeys((definition.name_field, *definition.search))
    found = (paths.resolve(object_name, text, "search", whole=True) for text in texts)
    return tuple(
        path for path in found if not isinstance(path, Problem) and FOLD in path.field.type.parts
    )


def read_words(text: str | None) -> tuple[str, ...] | Problem | None:
    """Gives the folded words of a search, None for none, or that the text is too long."""
    if text is None or not text.strip():
        return None
    if len(text) > MAX_SEARCH_CHARACTERS:
        return Problem("search", "search_too_long", {"limit": MAX_SEARCH_CHARACTERS})
    return tuple(fold(text).split())[:MAX_WORDS]


def holds_words(
    source: Source, paths: Sequence[ResolvedPath], count: int
) -> sa.ColumnElement[bool]:
    """Gives the condition that each of the words stands in one of the paths.

    The words are the parameters `word_0` …, made by `contained`; no path matches nothing.
    """
    columns = [source.column(path, FOLD) for path in paths]
    return sa.and_(
        sa.true(),
        *(
            sa.or_(sa.false(), *(like(column, f"word_{place}") for column in columns))
            for place in range(count)
        ),
    )


def like(column: sa.ColumnElement[Any], parameter: str) -> sa.ColumnElement[bool]:
    """Gives the condition that a folded text fits a pattern, a parameter."""
    return column.like(sa.bindparam(parameter, type_=sa.Text()), escape=ESCAPE)


def literal(word: str) -> str:
    """Gives a word as part of a pattern that takes all its letters literally."""
    for special in (ESCAPE, "%", "_"):
        word = word.replace(special, ESCAPE + special)
    return word


def contained(word: str) -> str:
    """Gives the pattern of texts that contain a word."""
    return f"%{literal(word)}%"


def beginning(word: str) -> str:
    """Gives the pattern of texts that start with a word."""
    return f"{literal(word)}%"
