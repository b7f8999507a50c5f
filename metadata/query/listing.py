"""A page of a list: one statement, which counts too where that is asked for with the first page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from metadata.columns import indexes_of
from metadata.encryption import cipher_of
from metadata.fields.encrypted import INDEX
from metadata.prepared import Prepared
from metadata.problems import Problem
from metadata.query.answers import COUNT_CAP, Page, QueryProblem
from metadata.query.cursor import (
    BadCursor,
    cursor_values,
    digest_of,
    pieces_after,
    read_cursor,
    write_cursor,
)
from metadata.query.estimate import expected_rows, may_estimate
from metadata.query.filter import compile_filter
from metadata.query.order import SortKey, sort_keys
from metadata.query.page import count_statement, page_statement
from metadata.query.paths import Source
from metadata.query.question import Question, Resolved
from metadata.query.rows import IDS
from metadata.query.run import Row, Runner
from metadata.query.search import Searched, asked_values, best_first, holds
from metadata.query.selection import Selection
from metadata.query.tables import PermittedTables, many, one_of
from rule_engine.core import Node

Empties = tuple[bool, ...] | None
"""Which values of a cursor are empty; None for the first page."""


class Listing:
    """A list as all ask for it who have rights of one shape: everything but the values.

    `condition` is the filter, with parameters in the place of values that may differ.
    Statements are made when they are first needed, and kept.
    """

    def __init__(self, resolved: Resolved, condition: Node | None, tables: PermittedTables) -> None:
        self.question = resolved.question
        self.source = Source(tables, resolved.question.object)
        self.where = conditions(resolved, condition, tables, self.source)
        self.counted = self.source.clause
        self.estimates = may_estimate(resolved, tables.catalog, tables.principal)
        self.searched = resolved.searched
        self.keys = order_of(resolved, self.source)
        self.selection = Selection(self.source, resolved.fields)
        self.bound = tables.bound
        self._pages: dict[Empties, Prepared] = {}
        self._counts: dict[bool, Prepared] = {}

    def page(self, empties: Empties) -> Prepared:
        """Gives the statement of the first page, or of one after a cursor."""
        made = self._pages.get(empties)
        if made is None:
            id_column = self.source.root.c.id
            pieces = [] if empties is None else pieces_after(self.keys, empties, id_column)
            limit = self.question.limit + 1
            columns = self.selection.columns
            statement = page_statement(self.source, columns, self.keys, self.where, pieces, limit)
            if empties is None and self.counts_along:
                number = self._counted(capped=self.question.count == "capped")
                statement = statement.add_columns(number.correlate(None).scalar_subquery())
            made = self._pages[empties] = Prepared(statement, planned_anew=True)
        return made

    @property
    def counts_along(self) -> bool:
        """Whether each row of the first page has, behind all else, how many there are."""
        return self.question.count in ("exact", "capped")

    def count(self, *, capped: bool) -> Prepared:
        """Gives the statement that counts."""
        made = self._counts.get(capped)
        if made is None:
            made = self._counts[capped] = Prepared(self._counted(capped=capped), planned_anew=True)
        return made

    def _counted(self, *, capped: bool) -> sa.Select[int]:
        return count_statement(self.counted, self.where, capped=capped)

    def last_values(self, row: Row) -> Sequence[object]:
        """Gives a row's sort values, which stand behind what was selected."""
        start = len(self.selection.columns)
        return row[start : start + len(self.keys)]


def conditions(
    resolved: Resolved, condition: Node | None, tables: PermittedTables, source: Source
) -> list[sa.ColumnElement[bool]]:
    """Gives the row rule together with filter, search, match and ids."""
    where = [*tables.conditions(source.root, source.object)]
    for place, path in enumerate(resolved.match):
        column, is_empty = source.column(path), resolved.question.match[place][1]
        if path.field.type.is_sealed and not is_empty:
            column, bound = source.column(path, INDEX), many(f"match_{place}", tables.dialect)
            where.append(one_of(column, bound, tables.dialect))
        else:
            equal = column == sa.bindparam(f"match_{place}", type_=column.type)
            where.append(column.is_(None) if is_empty else equal)
    if resolved.question.among:
        where.append(one_of(source.root.c.id, many(IDS, tables.dialect), tables.dialect))
    if condition is not None:
        where.append(compile_filter(condition, tables, source.root, source.object))
    if resolved.searched is not None and resolved.question.terms is not None:
        where.append(holds(source, resolved.searched, resolved.question.terms))
    return where


def order_of(resolved: Resolved, source: Source) -> tuple[SortKey, ...]:
    """Gives the order that is asked for; of what is searched without one the best come first."""
    if resolved.searched is not None and not resolved.sort:
        return best_first(source, resolved.searched)
    return sort_keys(source, resolved.sort)


def read_page(
    listing: Listing,
    question: Question,
    run: Runner,
    after: str | None,
    searched: Searched | None,
    match: Mapping[str, object],
    around: Mapping[str, object],
) -> Page:
    """Gives the page after a cursor, for this text and values; `around` are those of `this`, the
    filter and the ids."""
    values = asked_values(listing.searched, searched, run.connection.dialect.name)
    matched = {
        f"match_{place}": matched_value(listing, run.connection, name, value)
        for place, (name, value) in enumerate(match.items())
    }
    asked = {**around, **values, **matched}
    text = None if searched is None else searched.text
    among = [around[IDS]] if question.among else []
    equal = list(match.items())
    digest = digest_of(question.object, question.sort, question.filter, text, equal, *among)
    empties, position = read_position(listing, after, digest)
    rows = run(listing.page(empties), listing.bound, {**asked, **position})
    items = tuple(listing.selection.read(row, run.connection) for row in rows[: question.limit])
    cursor = None
    if len(rows) > question.limit:
        final = rows[question.limit - 1]
        cursor = write_cursor(digest, listing.last_values(final), final[0])
    if after is None and listing.counts_along:
        return Page(items, cursor, *told(listing, int(rows[0][-1]) if rows else 0))
    return Page(items, cursor, *read_count(listing, run, asked))


def matched_value(listing: Listing, connection: sa.Connection, name: str, value: object) -> object:
    """Gives what a column is to be equal to: of an encrypted field its blind indexes."""
    definition = listing.source.tables.catalog.objects[listing.question.object]
    field = definition.fields.get(name)
    if value is None or field is None or not field.type.is_sealed:
        return value
    return indexes_of(cipher_of(connection), definition, field, value)


def read_position(
    listing: Listing, after: str | None, digest: str
) -> tuple[Empties, dict[str, object]]:
    """Gives where a page begins. Raises QueryProblem for a cursor of another question."""
    if after is None:
        return None, {}
    try:
        values, record_id = read_cursor(after, digest, listing.keys)
    except BadCursor as error:
        raise QueryProblem([Problem("after", "bad_cursor")]) from error
    return tuple(value is None for value in values), cursor_values(values, record_id)


def read_count(
    listing: Listing, run: Runner, asked: Mapping[str, object]
) -> tuple[int | None, str | None]:
    """Gives how many records there are, as far as it was asked, and what sort of number it is."""
    how = listing.question.count
    if how == "none":
        return None, None
    if how == "estimate" and listing.estimates and run.connection.dialect.name == "postgresql":
        id_column = listing.source.root.c.id
        rows = sa.select(id_column).select_from(listing.counted).where(*listing.where)
        expected = expected_rows(run.connection, rows, {**run.outside, **asked})
        if expected >= COUNT_CAP:
            return expected, how
    capped = how in ("capped", "estimate")
    return told(listing, int(run(listing.count(capped=capped), listing.bound, asked)[0][0]))


def told(listing: Listing, number: int) -> tuple[int, str]:
    """Gives a number of records that were counted, and what sort of number it is."""
    is_capped = listing.question.count != "exact" and number >= COUNT_CAP
    return number, "capped" if is_capped else "exact"
