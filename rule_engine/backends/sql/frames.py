"""Whose fields a path reads: the record at hand, those outside, and records over references."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from rule_engine import core
from rule_engine.backends.dialects.dialect import DIALECTS
from rule_engine.backends.dialects.values import (
    Amount,
    Clock,
    Element,
    Number,
    Plain,
    Value,
    map_parts,
    retype,
)
from rule_engine.backends.sql.joins import Joins
from rule_engine.check.words import kind_name
from rule_engine.columns import Choices, Instant
from rule_engine.errors import NotTranslatableError, finding
from rule_engine.types import Kind, SqlSchema, Type

TEXT = sa.Text()

#: SQL types of kinds with one plain column.
PLAIN_TYPES: dict[Kind, sa.types.TypeEngine[Any]] = {
    Kind.TEXT: TEXT,
    Kind.CHOICE: TEXT,
    Kind.REFERENCE: TEXT,
    Kind.BOOLEAN: sa.Boolean(),
    Kind.DATE: sa.Date(),
    Kind.INSTANT: Instant(),
    Kind.TIME: sa.Time(),
    Kind.CHOICES: Choices(),
    Kind.EMPTY: TEXT,
}
NUMBERS = frozenset({Kind.NUMBER, Kind.PERCENT})


@dataclass(frozen=True, slots=True)
class Frame:
    """The table of the record at hand, and the frame of the record outside of an aggregate.

    With `joins` the statement is over many rows, and what can be is joined to the table: whoever
    selects from it takes `source` instead. Without, all else is looked up for each row.
    """

    table: sa.FromClause
    outer: Frame | None = None
    joins: Joins | None = None

    @property
    def tables(self) -> tuple[sa.FromClause, ...]:
        """Gives all tables that are in reach."""
        joined = self.joins.tables if self.joins else ()
        return (self.table, *joined, *(self.outer.tables if self.outer else ()))

    @property
    def source(self) -> sa.FromClause:
        """Gives the table with what is joined to it so far."""
        return self.joins.source(self.table) if self.joins else self.table


class Frames:
    """Compiles fields."""

    def __init__(self, schema: SqlSchema) -> None:
        self.schema = schema
        self.dialect = DIALECTS[schema.dialect]
        self.numbers = self.dialect.numbers
        self.texts = self.dialect.texts
        self.times = self.dialect.times

    def path(self, node: core.Path, frame: Frame) -> Value:
        """Gives the value of a field."""
        if not node.hops:
            return self._start(node.scope, node, frame)
        return self.follow(
            node.scope, node.hops, frame, lambda table: self._stored(table, node, node.type), node
        )

    def folded(self, node: core.Path, frame: Frame) -> Element | None:
        """Gives the stored case-folded companion of a text field; None where there is none."""

        def stored(table: sa.FromClause) -> Value:
            return Plain(self.schema.column(table, node.object, node.field, "fold"), True)

        table = self._table(node.scope, frame, node)
        if node.type.kind is not Kind.TEXT or (table is None and not node.hops):
            return None
        try:
            if node.hops:
                return self._element(self.follow(node.scope, node.hops, frame, stored, node))
            return self._element(stored(table)) if table is not None else None
        except KeyError:
            return None

    def _element(self, value: Value) -> Element:
        if isinstance(value, Plain):
            return value.element
        raise TypeError(value)

    def follow(
        self,
        scope: core.Scope,
        hops: Sequence[core.Hop],
        frame: Frame,
        build: Callable[[sa.FromClause], Value],
        node: core.Node,
    ) -> Value:
        """Gives what `build` makes of the record at the end of references.

        As scalar subqueries, or of a joined record where the frame has joins.
        """
        if frame.joins is not None and scope is core.Scope.RECORD:
            return _maybe_missing(build(self._joined(hops, frame, frame.joins, node)))
        tables = [self.schema.table(hop.target).alias() for hop in hops]
        reference = self._reference(scope, hops[0], frame, node)
        conditions = []
        for position, (hop, table) in enumerate(zip(hops, tables, strict=True)):
            conditions.append(self.schema.column(table, hop.target, "id") == reference)
            if position + 1 < len(hops):
                reference = self.schema.column(table, hop.target, hops[position + 1].field)
        rows = sa.select().select_from(*tables).where(*conditions)
        return self.embed(build(tables[-1]), rows, frame)

    def _reference(
        self, scope: core.Scope, hop: core.Hop, frame: Frame, node: core.Node
    ) -> Element:
        """Gives the first reference of some."""
        kind = Type(Kind.REFERENCE, hop.target)
        first = core.Path(kind, True, node.span, scope, (), hop.source, hop.field)
        return self._element(self._start(scope, first, frame))

    def _joined(
        self, hops: Sequence[core.Hop], frame: Frame, joins: Joins, node: core.Node
    ) -> sa.FromClause:
        """Gives the record at the end of references, joined once for all that speak of it."""
        key = tuple(hops)
        if key not in joins.paths:
            *before, last = hops
            if before:
                table = self._joined(before, frame, joins, node)
                reference = self.schema.column(table, last.source, last.field)
            else:
                reference = self._reference(core.Scope.RECORD, last, frame, node)
            joined = self.schema.table(last.target).alias()
            is_it = self.schema.column(joined, last.target, "id") == reference
            joins.paths[key] = joined, is_it
        return joins.paths[key][0]

    def embed(self, value: Value, rows: sa.Select[Any], frame: Frame) -> Value:
        """Gives a value of other rows as scalar subqueries that see the frame's tables."""

        def scalar(part: Number | Plain) -> Number | Plain:
            if isinstance(part, Number):
                settled = self.numbers.settle(part)
                element = self.subquery(rows, settled.element, frame)
                return replace(settled, element=element, nullable=True, constant=None)
            return Plain(self.subquery(rows, part.element, frame), True)

        return map_parts(value, scalar)

    def subquery(self, rows: sa.Select[Any], element: Element, frame: Frame) -> Element:
        """Gives one column of one row."""
        select = rows.with_only_columns(element, maintain_column_froms=True)
        return retype(select.correlate(*frame.tables).scalar_subquery(), element.type)

    def _start(self, scope: core.Scope, node: core.Path, frame: Frame) -> Value:
        """Gives a field of the record that the scope means."""
        table = self._table(scope, frame, node)
        if table is not None:
            return self._stored(table, node, node.type)
        prefix = "user" if scope is core.Scope.USER else "this"
        return self.parameter(f"{prefix}_{node.field}", node)

    def _table(self, scope: core.Scope, frame: Frame, node: core.Node) -> sa.FromClause | None:
        if scope is core.Scope.RECORD:
            return frame.table
        if scope is core.Scope.OUTER:
            return frame.outer.table if frame.outer else None
        if scope is core.Scope.OLD:
            raise not_said(node, "the record before the change is not in the database")
        return None

    def _stored(self, table: sa.FromClause, node: core.Path, kind: Type) -> Value:
        column = self.schema.column(table, node.object, node.field)
        if kind.kind in NUMBERS:
            return self.numbers.column(column, nullable=node.nullable)
        if kind.kind is Kind.MONEY:
            currency = self.schema.column(table, node.object, node.field, "currency")
            return Amount(self.numbers.column(column, nullable=node.nullable), currency)
        if kind.kind is Kind.CLOCK_LENGTH:
            return Clock(self.numbers.column(column, nullable=node.nullable))
        if kind.kind in PLAIN_TYPES:
            return Plain(column, node.nullable)
        raise not_said(node, "SQL has no column of the kind {kind}", kind=kind_name(node.type.kind))

    def given(self, node: core.Given) -> Value:
        """Gives the parameter that stands for a literal: used as the literal would be."""
        if node.type.kind in NUMBERS:
            return self.numbers.given(node.name)
        return Plain(sa.bindparam(node.name, type_=PLAIN_TYPES[node.type.kind]), False)

    def parameter(self, name: str, node: core.Node) -> Value:
        """Gives a bind parameter with a value of the node's kind."""
        kind = node.type.kind
        if kind in NUMBERS:
            return self.numbers.parameter(name)
        if kind is Kind.MONEY:
            currency = sa.bindparam(f"{name}_currency", type_=TEXT)
            return Amount(self.numbers.parameter(name), currency)
        if kind in PLAIN_TYPES:
            return Plain(sa.bindparam(name, type_=PLAIN_TYPES[kind]), True)
        raise not_said(
            node, "SQL has no parameter of the kind {kind}", kind=kind_name(node.type.kind)
        )


def _maybe_missing(value: Value) -> Value:
    """Gives a value of a record that there may be or not."""
    return map_parts(value, lambda part: replace(part, nullable=True))


def not_said(node: core.Node, template: str, **values: object) -> NotTranslatableError:
    """Gives the error for what SQL cannot say; the values fill the constant text."""
    return NotTranslatableError(finding("not_in_sql", template, node.span, "", **values))
