"""Aggregates over the records of a link, as correlated subqueries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from rule_engine import core
from rule_engine.arithmetic import NO_CURRENCY, ZERO
from rule_engine.backends.dialects.values import (
    Amount,
    Clock,
    Element,
    Number,
    Plain,
    Value,
    literal,
    map_parts,
    retype,
    verbatim,
)
from rule_engine.backends.sql.arithmetic import base_currency
from rule_engine.backends.sql.conditions import Conditions
from rule_engine.backends.sql.frames import Frame, not_said
from rule_engine.types import Kind, Type

TEXT = sa.Text()

#: More rows than a database holds.
ROWS_BOUND = 10**15


@dataclass(frozen=True, slots=True)
class Rows:
    """The records of a link as the table of a frame of their own, and what selects them."""

    frame: Frame
    select: sa.Select[Any]


@dataclass(frozen=True, slots=True)
class Arranged:
    """A column of a derived table, and the columns that give its order."""

    value: Element
    places: tuple[Element, ...]


class Aggregates(Conditions):
    """Compiles count, sum, min, max, avg, any, all, none, latest, join."""

    def aggregate(self, node: core.Aggregate, frame: Frame) -> Value:
        """Gives an aggregate's value."""
        if node.function in ("any", "all", "none"):
            return self._test(node, frame)
        rows = self._rows(node, frame)
        if node.where is not None:
            where = self.condition(node.where, rows.frame).element
            rows = replace(rows, select=rows.select.where(where))
        if node.function == "count":
            return self._count(node, rows, frame)
        if node.argument is None:
            raise not_said(node, "{function} of nothing", function=node.function)
        argument = self.value(node.argument, rows.frame)
        match node.function:
            case "latest":
                return self._latest(node, argument, rows, frame)
            case "join":
                return self._join(node, argument, rows, frame)
            case _:
                return self._folded_rows(node, argument, rows, frame)

    def _rows(self, node: core.Aggregate, frame: Frame) -> Rows:
        table = self.schema.table(node.target).alias()
        owner = core.Path(
            Type(Kind.REFERENCE, node.owner),
            True,
            node.span,
            node.scope,
            node.hops,
            node.owner,
            "id",
        )
        reference = self.schema.column(table, node.target, node.field)
        condition = reference == self._element(self.path(owner, frame))
        return Rows(Frame(table, frame), sa.select().select_from(table).where(condition))

    def _test(self, node: core.Aggregate, frame: Frame) -> Plain:
        rows = self._rows(node, frame)
        select = rows.select
        if node.where is not None:
            truth = self.condition(node.where, rows.frame)
            select = select.where(~truth.certain if node.function == "all" else truth.element)
        elif node.function == "all":
            return Plain(sa.true(), False)
        exists = select.with_only_columns(literal(1, sa.Integer()), maintain_column_froms=True)
        found = exists.correlate(*frame.tables).exists()
        return Plain(found if node.function == "any" else ~found, False)

    def _count(self, node: core.Aggregate, rows: Rows, frame: Frame) -> Number:
        counted: Element = sa.func.count()
        if node.argument is not None:
            counted = sa.func.count(self._main(self.value(node.argument, rows.frame)))
        element = self.subquery(rows.select, counted, frame)
        return self.numbers.whole(element, ROWS_BOUND, nullable=False)

    def _main(self, value: Value) -> Element:
        """Gives the element that is NULL when the value is empty."""
        match value:
            case Plain():
                return value.element
            case Number():
                return self.numbers.settle(value).element
            case Amount():
                return self.numbers.settle(value.number).element
            case Clock():
                return self.numbers.settle(value.milliseconds).element
            case _:
                raise TypeError(value)

    # ------------------------------------------------------------ sum, avg, min, max

    def _folded_rows(
        self, node: core.Aggregate, argument: Value, rows: Rows, frame: Frame
    ) -> Value:
        match argument:
            case Number():
                result: Value = self._fold_number(node.function, argument)
            case Amount():
                return self._money_of_rows(node, argument, rows, frame)
            case Clock():
                count = self._fold_number(node.function, argument.milliseconds)
                result = self._clock(self._rounded_count(count))
            case Plain() if node.function in ("min", "max"):
                aggregate = sa.func.min if node.function == "min" else sa.func.max
                element = aggregate(argument.element, type_=argument.element.type)
                result = Plain(element, True)
            case _:
                raise not_said(node, "SQL has no {function} of this kind", function=node.function)
        embedded = self.embed(result, rows.select, frame)
        if node.function == "sum" and isinstance(embedded, Number):
            return replace(embedded, nullable=False)
        return embedded

    def _rounded_count(self, count: Number) -> Number:
        """Averages of lengths are whole milliseconds."""
        return self.numbers.round(count, self.numbers.constant(ZERO))

    def _fold_number(self, function: str, number: Number) -> Number:
        if function == "sum":
            return self.numbers.total(number)
        if function == "avg":
            count = sa.func.count(self.numbers.settle(number).element)
            rows = self.numbers.whole(count, ROWS_BOUND, nullable=False)
            return self.numbers.divide(self.numbers.total(number), rows)
        return self.numbers.aggregate_extreme(function, number)

    def _fold_amount(self, function: str, amount: Amount) -> Amount:
        """Gives an aggregate of amounts of one currency; empty for those of several."""
        full = self._main(amount).is_not(None)
        currency: Element = sa.case((full, amount.currency), else_=None)
        lowest = sa.func.min(currency, type_=TEXT)
        is_one = sa.or_(lowest.is_(None), lowest == sa.func.max(currency, type_=TEXT))
        number = self._fold_number(function, amount.number)
        number = self.numbers.choose([(is_one, number)], self.numbers.empty())
        nothing = literal(NO_CURRENCY, TEXT)
        common = sa.func.coalesce(lowest, nothing, type_=TEXT) if function == "sum" else lowest
        return Amount(number, sa.case((is_one, common), else_=None), function == "sum")

    def _money_of_rows(
        self, node: core.Aggregate, argument: Amount, rows: Rows, frame: Frame
    ) -> Amount:
        """Gives an aggregate of money. Only where currencies meet is the second one computed."""
        alike = self.embed(self._fold_amount(node.function, argument), rows.select, frame)
        if node.function in ("sum", "avg"):
            unlike = self._sum_in_base(node.function, argument, rows, frame)
        else:
            unlike = self._extreme_by_base(node, argument, rows, frame)
        if not isinstance(alike, Amount):
            raise TypeError(node)
        number = self.numbers.first([alike.number, unlike.number])
        currency = sa.func.coalesce(alike.currency, unlike.currency, type_=TEXT)
        return Amount(number, currency, node.function == "sum")

    def _sum_in_base(self, function: str, amount: Amount, rows: Rows, frame: Frame) -> Amount:
        """Gives a sum or an average in the base currency; empty when a rate is missing."""
        base = self.dialect.in_base(amount)
        full = sa.func.count(self._main(amount)) == sa.func.count(self._main(base))
        number = self.numbers.choose(
            [(full, self._fold_number(function, base))], self.numbers.empty()
        )
        embedded = self.embed(number, rows.select, frame)
        if not isinstance(embedded, Number):
            raise TypeError(number)
        return Amount(embedded, base_currency())

    def _extreme_by_base(
        self, node: core.Aggregate, amount: Amount, rows: Rows, frame: Frame
    ) -> Amount:
        """Gives the amount worth least or most, the first of several; empty without all rates."""
        base = self.dialect.in_base(amount)
        worth, main = self.numbers.order_element(base), self._main(amount)
        unknown = self.numbers.is_empty(base)
        full = replace(rows, select=rows.select.where(main.is_not(None)))
        missing = full.select.where(unknown).with_only_columns(
            literal(1, sa.Integer()), maintain_column_froms=True
        )
        is_known = ~missing.correlate(*frame.tables).exists()
        order_by = sa.asc if node.function == "min" else sa.desc

        def first(part: Number | Plain) -> Number | Plain:
            settled = self.numbers.settle(part) if isinstance(part, Number) else part
            found = self._arrange(settled.element, [worth, *self._created(node, rows)], full, frame)
            places = [order_by(found.places[0]), *found.places[1:]]
            one = sa.select(found.value).where(is_known).order_by(*places).limit(verbatim(1))
            element = retype(one.scalar_subquery(), settled.element.type)
            if isinstance(settled, Number):
                return replace(settled, element=element, nullable=True, constant=None)
            return Plain(element, True)

        found = map_parts(amount, first)
        if not isinstance(found, Amount):
            raise TypeError(node)
        return found

    # ------------------------------------------------------------ in order

    def _latest(self, node: core.Aggregate, argument: Value, rows: Rows, frame: Frame) -> Value:
        places = self._places(node, rows)

        def latest(part: Number | Plain) -> Number | Plain:
            settled = self.numbers.settle(part) if isinstance(part, Number) else part
            found = self._arrange(settled.element, places, rows, frame)
            order = [place.desc().nulls_last() for place in found.places]
            last = sa.select(found.value).order_by(*order).limit(literal(1, sa.Integer()))
            element = retype(last.scalar_subquery(), settled.element.type)
            if isinstance(settled, Number):
                return replace(settled, element=element, nullable=True, constant=None)
            return Plain(element, True)

        return map_parts(argument, latest)

    def _join(self, node: core.Aggregate, argument: Value, rows: Rows, frame: Frame) -> Plain:
        if not isinstance(argument, Plain):
            raise not_said(node, "SQL joins only text")
        found = self._arrange(argument.element, self._places(node, rows), rows, frame)
        order = [place.asc().nulls_first() for place in found.places]
        value = found.value
        if self.dialect.name == "sqlite":
            # SQLite's aggregate takes rows as they come: here in order.
            value = sa.select(value.label("value")).order_by(*order).subquery().c.value
        joined = self.texts.joined(value, node.separator, order)
        text = sa.func.nullif(joined, literal("", TEXT), type_=TEXT)
        return Plain(retype(sa.select(text).scalar_subquery(), TEXT), True)

    def _arrange(
        self, element: Element, places: Sequence[Element], rows: Rows, frame: Frame
    ) -> Arranged:
        """Gives a column beside the places of its rows.

        They are columns of a derived table: SQLite does not let a subquery in ORDER BY see more
        than one select outwards.
        """
        labels = [place.label(f"place{number}") for number, place in enumerate(places)]
        columns = [element.label("value"), *labels]
        select = rows.select.with_only_columns(*columns, maintain_column_froms=True)
        table = select.correlate(*frame.tables).subquery()
        found: list[Element] = [table.c[label.name] for label in labels]
        found[-1] = self.dialect.as_identifier(found[-1])
        return Arranged(table.c.value, tuple(found))

    def _created(self, node: core.Aggregate, rows: Rows) -> list[Element]:
        """Gives the order of creation, then of ids."""
        table = rows.frame.table
        return [self.schema.column(table, node.target, name) for name in ("created_at", "id")]

    def _places(self, node: core.Aggregate, rows: Rows) -> list[Element]:
        """Gives what the records are ordered by: `by` or creation, then the id."""
        table = rows.frame.table
        identifier = self.schema.column(table, node.target, "id")
        if node.order is None:
            return self._created(node, rows)
        match self.value(node.order, rows.frame):
            case Number() as number:
                return [self.numbers.order_element(number), identifier]
            case Amount() as amount:
                return [self.numbers.order_element(amount.number), identifier]
            case Clock() as clock:
                return [self.numbers.order_element(clock.milliseconds), identifier]
            case Plain() as plain:
                return [plain.element, identifier]
            case _:
                raise not_said(node, "SQL has no order of this kind")
