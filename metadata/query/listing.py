"""A page of a list: one statement, and one more when a count is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sqlalchemy as sa

from metadata.problems import Problem
from metadata.query.answers import COUNT_CAP, Page, QueryProblem
from metadata.query.cursor import BadCursor, digest_of, pieces_after, read_cursor, write_cursor
from metadata.query.filter import compile_filter
from metadata.query.order import SortKey, sort_keys
from metadata.query.page import count_statement, page_statement
from metadata.query.paths import Source
from metadata.query.question import Question, Resolved
from metadata.query.run import Row, Statement
from metadata.query.search import holds_words
from metadata.query.selection import Selection
from metadata.query.tables import PermittedTables

Run = Callable[[Statement], Sequence[Row]]


def list_page(resolved: Resolved, tables: PermittedTables, run: Run) -> Page:
    """Gives the page that a question asks for."""
    question = resolved.question
    source = Source(tables, question.object)
    where = conditions(resolved, tables, source)
    counted = source.clause
    keys = sort_keys(source, resolved.sort)
    digest = digest_of(
        *(question.object, question.sort, question.filter, question.search),
        [(path.text, value) for path, value in resolved.match],
    )
    pieces = pieces_of(question, keys, digest, source)
    selection = Selection(source, resolved.fields)
    rows = run(page_statement(source, selection.columns, keys, where, pieces, question.limit + 1))
    items = tuple(selection.read(row) for row in rows[: question.limit])
    cursor = None
    if len(rows) > question.limit:
        last = rows[question.limit - 1]
        cursor = write_cursor(digest, last[len(selection.columns) :][: len(keys)], last[0])
    return Page(items, cursor, *counts(question, counted, where, run))


def conditions(
    resolved: Resolved, tables: PermittedTables, source: Source
) -> list[sa.ColumnElement[bool]]:
    """Gives the row rule together with filter, search and match."""
    where = [*tables.conditions(source.root, source.object)]
    for path, value in resolved.match:
        column = source.column(path)
        where.append(column.is_(None) if value is None else column == value)
    if resolved.filter is not None:
        where.append(compile_filter(resolved.filter, tables, source.root))
    if resolved.words is not None:
        where.append(holds_words(source, resolved.searched, resolved.words))
    return where


def pieces_of(
    question: Question, keys: Sequence[SortKey], digest: str, source: Source
) -> list[sa.ColumnElement[bool]]:
    """Gives the conditions of the rows after the question's cursor; none for the first page."""
    if question.after is None:
        return []
    try:
        values, record_id = read_cursor(question.after, digest, keys)
    except BadCursor as error:
        raise QueryProblem([Problem("after", "bad_cursor")]) from error
    return pieces_after(keys, values, record_id, source.root.c.id)


def counts(
    question: Question, clause: sa.FromClause, where: Sequence[sa.ColumnElement[bool]], run: Run
) -> tuple[int | None, str | None]:
    """Gives how many records there are, as far as it was asked, and what sort of number it is."""
    if question.count == "none":
        return None, None
    capped = question.count == "capped"
    number = int(run(count_statement(clause, where, capped=capped))[0][0])
    return number, "capped" if capped and number >= COUNT_CAP else "exact"
