"""Aggregates over the records of a link: correlated subqueries, or grouped ones that are joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from rule_engine import core
from rule_engine.arithmetic import NO_CURRENCY, ZERO
from rule_engine.backends.dialects.numbers import Condition
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
from rule_engine.backends.sql.joins import Group, Joins, meaning, sees_outside
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
        if frame.joins is not None and _is_grouped(node):
            return self._grouped(node, frame, frame.joins)
        if node.function in ("any", "all", "none"):
            return self._test(node, frame)
        rows = self._chosen_rows(node, frame)
        if node.function == "count":
            element = self.subquery(rows.select, self._counted(node, rows.frame), frame)
            return self.numbers.whole(element, ROWS_BOUND, nullable=False)
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
        reference = self.schema.column(table, node.target, node.field)
        condition = reference == self._owner(node, frame)
        return Rows(Frame(table, frame), sa.select().select_from(table).where(condition))

    def _owner(self, node: core.Aggregate, frame: Frame) -> Element:
        """Gives the id of the record that the link starts at."""
        kind = Type(Kind.REFERENCE, node.owner)
        owner = core.Path(kind, True, node.span, node.scope, node.hops, node.owner, "id")
        return self._element(self.path(owner, frame))

    # ------------------------------------------------------------ joined

    def _grouped(self, node: core.Aggregate, frame: Frame, joins: Joins) -> Value:
        """Gives an aggregate out of rows that are grouped once for all records."""
        if node.function == "all" and node.where is None:
            return Plain(sa.true(), False)
        group = self._group(node, frame, joins)
        if node.function in ("any", "all", "none"):
            return Plain(~group.missing if node.function == "any" else group.missing, False)
        if node.function == "count":
            counted = group.take(self._counted(node, group.frame))
            none = sa.func.coalesce(counted, verbatim(0), type_=counted.type)
            return self.numbers.whole(none, ROWS_BOUND, nullable=False)
        if node.argument is None:
            raise not_said(node, "{function} of nothing", function=node.function)
        argument = self.value(node.argument, group.frame)
        found = self._joined_parts(self._folded_value(node, argument), group)
        if node.function == "sum":
            found = self._sum_or_nothing(found, group)
        if isinstance(argument, Amount) and isinstance(found, Amount):
            rows = self._chosen_rows(node, frame)
            each = self.value(node.argument, rows.frame)
            if not isinstance(each, Amount):
                raise TypeError(node)
            return self._money_by_rates(node, found, each, rows, frame)
        return found

    def _group(self, node: core.Aggregate, frame: Frame, joins: Joins) -> Group:
        """Gives the rows of a link under a condition, the same for all aggregates of them."""
        link = node.hops, node.target, node.field
        key = link, node.function == "all", meaning(node.where)
        if key not in joins.groups:
            owner = self._owner(node, frame)
            inner = Frame(self.schema.table(node.target).alias(), frame, joins.inner())
            reference = self.schema.column(inner.table, node.target, node.field)
            conditions: list[Condition] = [reference.is_not(None)]
            if joins.ids is not None and not node.hops:
                conditions.append(joins.ids(reference))
            if node.where is not None:
                truth = self.condition(node.where, inner)
                conditions.append(~truth.certain if node.function == "all" else truth.element)
            name = f"total{joins.names()}"
            joins.groups[key] = Group(name, inner, reference, owner, tuple(conditions))
        return joins.groups[key]

    def _joined_parts(self, value: Value, group: Group) -> Value:
        """Gives a value of the rows of a group as columns beside the record they belong to."""

        def taken(part: Number | Plain) -> Number | Plain:
            if isinstance(part, Number):
                settled = self.numbers.settle(part)
                element = group.take(settled.element)
                return replace(settled, element=element, nullable=True, constant=None)
            return Plain(group.take(part.element), True)

        return map_parts(value, taken)

    def _sum_or_nothing(self, value: Value, group: Group) -> Value:
        """Gives a sum, which is 0 of a record without rows."""
        nothing = self.numbers.constant(ZERO)
        match value:
            case Number():
                return replace(self.numbers.first([value, nothing]), nullable=False)
            case Clock():
                return Clock(self.numbers.choose([(group.missing, nothing)], value.milliseconds))
            case Amount():
                number = self.numbers.choose([(group.missing, nothing)], value.number)
                none = literal(NO_CURRENCY, TEXT)
                currency = sa.case((group.missing, none), else_=value.currency)
                return Amount(number, currency, True)
            case _:
                raise TypeError(value)

    # ------------------------------------------------------------ looked up for each row

    def _chosen_rows(self, node: core.Aggregate, frame: Frame) -> Rows:
        rows = self._rows(node, frame)
        if node.where is None:
            return rows
        where = self.condition(node.where, rows.frame).element
        return replace(rows, select=rows.select.where(where))

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

    def _counted(self, node: core.Aggregate, inner: Frame) -> Element:
        if node.argument is None:
            return sa.func.count()
        return sa.func.count(self._main(self.value(node.argument, inner)))

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

    def _folded_value(self, node: core.Aggregate, argument: Value) -> Value:
        """Gives the aggregate of a select's rows; of money empty for unlike currencies."""
        match argument:
            case Number():
                return self._fold_number(node.function, argument)
            case Amount():
                return self._fold_amount(node.function, argument)
            case Clock():
                count = self._fold_number(node.function, argument.milliseconds)
                return self._clock(self._rounded_count(count))
            case Plain() if node.function in ("min", "max"):
                aggregate = sa.func.min if node.function == "min" else sa.func.max
                element = aggregate(argument.element, type_=argument.element.type)
                return Plain(element, True)
            case _:
                raise not_said(node, "SQL has no {function} of this kind", function=node.function)

    def _folded_rows(
        self, node: core.Aggregate, argument: Value, rows: Rows, frame: Frame
    ) -> Value:
        embedded = self.embed(self._folded_value(node, argument), rows.select, frame)
        if isinstance(argument, Amount) and isinstance(embedded, Amount):
            return self._money_by_rates(node, embedded, argument, rows, frame)
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

    def _money_by_rates(
        self, node: core.Aggregate, alike: Amount, argument: Amount, rows: Rows, frame: Frame
    ) -> Amount:
        """Gives an aggregate of money. Only where currencies meet is the second one computed."""
        if node.function in ("sum", "avg"):
            unlike = self._sum_in_base(node.function, argument, rows, frame)
        else:
            unlike = self._extreme_by_base(node, argument, rows, frame)
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


def _is_grouped(node: core.Aggregate) -> bool:
    """Says whether an aggregate is the same for a record whoever asks, and needs no order."""
    if node.scope is not core.Scope.RECORD or node.function in ("latest", "join"):
        return False
    inside = (node.argument, node.where)
    return not any(sees_outside(each) for each in inside if each is not None)
