"""Records counted and added up by groups, in one statement."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from metadata.exchange import base_currency
from metadata.fields.base import FieldDefinition, Writer
from metadata.fields.numbers import plain
from metadata.json_text import nearest
from metadata.prepared import Prepared
from metadata.problems import Problem
from metadata.query.aggregate_buckets import LABELS, bucket
from metadata.query.aggregate_having import Test
from metadata.query.aggregate_measures import (
    Measure,
    MeasurePath,
    kind_of,
    measure,
    measured_columns,
)
from metadata.query.aggregate_paths import GroupPath, resolve_groups, resolve_measures
from metadata.query.answers import QueryProblem, This
from metadata.query.listing import conditions
from metadata.query.paths import Paths, Source
from metadata.query.question import Question, Resolved, resolve_question
from metadata.query.run import Row, Runner
from metadata.query.search import Searched
from metadata.query.tables import PermittedTables
from rule_engine.text import fold
from rule_engine.types import Kind, Schema

MAX_GROUPS: Final = 10_000
COUNTED: Final = "count()"


@dataclass(frozen=True, slots=True)
class AggregateQuestion:
    """What is asked: which records, by what they are grouped, what is measured.

    Questions that are equal share a statement.
    """

    records: Question
    groups: tuple[str, ...]
    measures: tuple[str, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """Gives the keys of a group in the answer."""
        return tuple(dict.fromkeys((*self.groups, *self.measures)))


@dataclass(frozen=True, slots=True)
class AggregateColumn:
    """A key of the answer: of a group or a measure, with the field that it is about.

    `unit` is the period of a bucket, `function` the measure's.
    """

    key: str
    field: FieldDefinition | None = None
    unit: str | None = None
    function: str | None = None

    def writer(self) -> Writer | None:
        """Gives what puts values, none of them empty, into the form that fields of their type
        have on the wire; None where they are in it already."""
        if self.field is None or self.unit or self.function == "count":
            return None
        is_mean = self.function == "avg" and kind_of(self.field) in (Kind.NUMBER, Kind.PERCENT)
        return plain if is_mean else self.field.type.writer(self.field)  # type: ignore[return-value]  # the mean of numbers is one


@dataclass(frozen=True, slots=True)
class Aggregated:
    """The groups with Python values by key: periods as texts, the empty group as None."""

    columns: tuple[AggregateColumn, ...]
    items: tuple[dict[str, object], ...]

    def wire(self) -> list[dict[str, object]]:
        """Gives the groups in wire form."""
        items = [dict(item) for item in self.items]
        for key, write in ((one.key, one.writer()) for one in self.columns):
            if write is None:
                continue
            for item in items:
                if item[key] is not None:
                    item[key] = write(item[key])
        return items


@dataclass(frozen=True, slots=True)
class ResolvedAggregate:
    """The question with its names resolved."""

    records: Resolved
    groups: tuple[GroupPath, ...]
    measures: tuple[MeasurePath, ...]


def resolve_aggregate(
    asked: AggregateQuestion, paths: Paths, schema: Schema, others: Sequence[Problem] = ()
) -> ResolvedAggregate:
    """Gives the question resolved.

    Raises QueryProblem with everything that is wrong, `others` included.
    """
    problems: list[Problem] = [*others]
    groups = resolve_groups(paths, asked.records.object, asked.groups, problems)
    measures = resolve_measures(paths, asked.records.object, asked.measures, problems)
    resolved = resolve_question(asked.records, paths, schema, problems)
    return ResolvedAggregate(resolved, groups, measures)


Rank = tuple[bool, Any]
"""What a group is sorted by: whether there is a value, and the value."""


class Aggregation:
    """An aggregate as all ask for it who have rights of one shape."""

    def __init__(self, asked: ResolvedAggregate, tables: PermittedTables) -> None:
        source = Source(tables, asked.records.question.object)
        self.groups = groups = asked.groups
        inner: list[sa.ColumnElement[Any]] = [group_column(source, one) for one in groups]
        spans = []
        for one in asked.measures:
            found = measured_columns(source, one)
            spans.append((len(inner), len(inner) + len(found)))
            inner.extend(found)
        where = conditions(asked.records, asked.records.filter, tables, source)
        labelled = [column.label(f"a{place}") for place, column in enumerate(inner)]
        only = [*labelled, sa.literal_column("1", sa.Integer()).label("one")]
        rows = sa.select(*only).select_from(source.clause).where(*where).subquery("rows")
        taken = [rows.c[label.name] for label in labelled]
        self.measures: list[Measure] = [
            measure(one, taken[start:end])
            for one, (start, end) in zip(asked.measures, spans, strict=True)
        ]
        self.pieces = [one.pieces(tables.dialect) for one in self.measures]
        keys = taken[: len(groups)]
        outer = [*keys, *(piece for pieces in self.pieces for piece in pieces)]
        numbered = [column.label(f"p{place}") for place, column in enumerate(outer)]
        statement = sa.select(*numbered).select_from(rows).group_by(*keys)
        self.statement = Prepared(statement.limit(MAX_GROUPS + 1), planned_anew=True)
        self.bound = tables.bound
        self.searched = asked.records.searched
        self.columns = tuple(
            [
                *(AggregateColumn(one.text, one.path.field, unit=one.unit) for one in groups),
                *(
                    AggregateColumn(one.text, one.field, function=one.function)
                    for one in self.measures
                ),
            ]
        )
        self._values = {one.text: (place, group_value(one)) for place, one in enumerate(groups)}
        self._ranks = {one.text: group_rank(one) for one in groups}
        self._spans = self._placed()
        self._paths = {one.text: one.path.text for one in groups} | {
            one.text: one.path.text for one in asked.measures if one.path is not None
        }

    def _placed(self) -> dict[str, tuple[Measure, slice]]:
        """Gives the measures with where their pieces stand in a row."""
        found, start = {}, len(self.groups)
        for one, pieces in zip(self.measures, self.pieces, strict=True):
            found[one.text] = one, slice(start, start + len(pieces))
            start += len(pieces)
        return found

    def values(self, key: str, rows: Sequence[Row], base: str) -> list[object]:
        """Gives what is told of the groups of some rows by a key."""
        if key in self._spans:
            one, span = self._spans[key]
            return [one.value(row[span], base) for row in rows]
        place, made = self._group_values(key, rows)
        return [made[row[place]] for row in rows]

    def ranks(self, key: str, rows: Sequence[Row], base: str) -> list[Rank]:
        """Gives what the groups of some rows are sorted by when it is by a key; empties are
        lowest."""
        if key in self._spans:
            one, span = self._spans[key]
            return [ranked(one.rank(row[span], base)) for row in rows]
        place, made = self._group_values(key, rows)
        rank = self._ranks[key]
        known = {
            stored: ranked(None if value is None else rank(value)) for stored, value in made.items()
        }
        return [known[row[place]] for row in rows]

    def shown_paths(self, items: Sequence[Mapping[str, object]]) -> list[str]:
        """Gives the paths by which some groups hold a value: of what is grouped by and measured."""
        held = {key for item in items for key, value in item.items() if value is not None}
        return [path for key, path in self._paths.items() if key in held]

    def _group_values(self, key: str, rows: Sequence[Row]) -> tuple[int, dict[Any, object]]:
        """Gives where a group stands in a row, and its values by what is stored: far fewer than
        rows where it is not the only group."""
        place, value = self._values[key]
        stored = {row[place] for row in rows}
        return place, {one: None if one is None else value(one) for one in stored}


def ranked(value: object) -> Rank:
    """Gives a value's rank, the lowest for None."""
    return (False, 0) if value is None else (True, value)


def read_groups(
    aggregation: Aggregation,
    run: Runner,
    values: Mapping[str, object],
    sort: Sequence[str],
    limit: int | None,
    tests: Sequence[Test] = (),
) -> Aggregated:
    """Gives the groups that fulfil all `tests`, in order: by their keys, where nothing else is
    asked for.

    Raises QueryProblem for more groups than anybody can look at.
    """
    rows = run(aggregation.statement, aggregation.bound, values)
    if len(rows) > MAX_GROUPS:
        raise QueryProblem([Problem("group", "too_many_groups", {"limit": MAX_GROUPS})])
    base = base_currency(run.connection)
    for test in tests:
        ranks = aggregation.ranks(test.key, rows, base)
        rows = [row for row, rank in zip(rows, ranks, strict=True) if test.fulfilled(rank)]
    for text in reversed([*sort, *(group.text for group in aggregation.groups)]):
        ranks = aggregation.ranks(text.removeprefix("-"), rows, base)
        order = sorted(range(len(rows)), key=ranks.__getitem__, reverse=text.startswith("-"))
        rows = [rows[place] for place in order]
    keys = [column.key for column in aggregation.columns]
    told = (aggregation.values(key, rows[:limit], base) for key in keys)
    items = tuple(dict(zip(keys, item, strict=True)) for item in zip(*told, strict=True))
    return Aggregated(aggregation.columns, items)


def ask_groups(
    object_name: str,
    group: Sequence[str],
    measure: Sequence[str],
    filter: str | None,  # noqa: A002  # the parameter's name everywhere
    searched: Searched | Problem | None,
    this: This | None,
) -> AggregateQuestion:
    """Gives a question."""
    records = Question(
        object=object_name,
        fields=(),
        filter=filter,
        terms=len(searched.terms) if isinstance(searched, Searched) else None,
        this=None if this is None else this.object_name,
    )
    return AggregateQuestion(
        records, tuple(dict.fromkeys(group)), tuple(dict.fromkeys(measure)) or (COUNTED,)
    )


def asked_problems(
    asked: AggregateQuestion,
    searched: Searched | Problem | None,
    sort: Sequence[str],
    limit: int | None,
) -> list[Problem]:
    """Finds what is wrong with the search, the order and the number of groups."""
    known = asked.keys
    problems = [searched] if isinstance(searched, Problem) else []
    problems += [
        Problem("sort", "unknown_value", {"name": key, "nearest": nearest(key, known)})
        for key in (text.removeprefix("-") for text in sort)
        if key not in known
    ]
    if limit is not None and not 1 <= limit <= MAX_GROUPS:
        problems.append(Problem("limit", "bad_limit", {"limit": MAX_GROUPS}))
    return problems


def group_column(source: Source, group: GroupPath) -> sa.ColumnElement[Any]:
    """Gives the column of a group, or the first day of its period."""
    column = source.column(group.path)
    kind = kind_of(group.path.field)
    if group.unit is None or kind is None:
        return column
    return bucket(column, kind, group.unit, source.tables.dialect)


def group_value(group: GroupPath) -> Callable[[Any], object]:
    """Gives what makes a group's value of what is stored: that of the field, or a period's name."""
    if group.unit is not None:
        return LABELS[group.unit]
    field = group.path.field
    return lambda stored: field.type.from_parts({"": stored}, field)


def group_rank(group: GroupPath) -> Callable[[Any], object]:
    """Gives what makes a rank of a group's value: the place of an option, folded text, or the
    value itself."""
    options = group.path.field.options
    if group.unit is not None:
        return lambda value: value
    if options and kind_of(group.path.field) is Kind.CHOICE:
        places = {option.value: place for place, option in enumerate(options)}
        return lambda value: (places.get(str(value), len(places)), str(value))
    return lambda value: (fold(value), value) if isinstance(value, str) else value
