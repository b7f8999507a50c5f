"""Search in one object: every word stands in one of the fields that are searched."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from metadata.problems import Problem
from metadata.query.answers import MAX_SEARCH_CHARACTERS, QueryProblem
from metadata.query.paths import Paths, ResolvedPath, Source
from metadata.query.selection import FOLD
from rule_engine.text import fold

MAX_WORDS = 10


def search_paths(paths: Paths, object_name: str) -> tuple[ResolvedPath, ...]:
    """Gives the texts that a search looks at and the principal may read in full."""
    definition = paths.catalog.objects[object_name]
    texts = dict.fromkeys((definition.name_field, *definition.search))
    found = (paths.resolve(object_name, text, "search", whole=True) for text in texts)
    return tuple(
        path for path in found if not isinstance(path, Problem) and FOLD in path.field.type.parts
    )


def read_words(text: str) -> tuple[str, ...]:
    """Gives the folded words of a search. Raises QueryProblem for a text that is too long."""
    if len(text) > MAX_SEARCH_CHARACTERS:
        limit = {"limit": MAX_SEARCH_CHARACTERS}
        raise QueryProblem([Problem("search", "search_too_long", limit)])
    return tuple(fold(text).split())[:MAX_WORDS]


def holds_words(
    source: Source, paths: Sequence[ResolvedPath], words: Sequence[str]
) -> sa.ColumnElement[bool]:
    """Gives the condition that each word stands in one of the paths; none matches nothing."""
    columns = [source.column(path, FOLD) for path in paths]
    return sa.and_(
        sa.true(),
        *(sa.or_(sa.false(), *(contains(column, word) for column in columns)) for word in words),
    )


def contains(column: sa.ColumnElement[object], word: str) -> sa.ColumnElement[bool]:
    """Gives the condition that a folded text contains a folded word, taken literally."""
    return column.contains(word, autoescape=True)
