"""The compiler of values to SQL: literals, choices, functions. Literals are always bound."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import sqlalchemy as sa

from rule_engine import core
from rule_engine.backends.dialects.dialect import NoWordError
from rule_engine.backends.dialects.values import (
    Amount,
    Clock,
    Element,
    Length,
    Plain,
    Value,
    literal,
    parts,
)
from rule_engine.backends.sql.aggregates import Aggregates
from rule_engine.backends.sql.frames import PLAIN_TYPES, Frame, not_said
from rule_engine.backends.sql.size import Sizes
from rule_engine.check.words import kind_name
from rule_engine.columns import Instant
from rule_engine.dates import to_milliseconds
from rule_engine.functions import SqlCall, functions
from rule_engine.types import SqlSchema
from rule_engine.values import CalendarLength, Money


class Compiler(Aggregates):
    """Compiles any node."""

    def __init__(self, schema: SqlSchema) -> None:
        super().__init__(schema)
        self.sizes = Sizes()

    def whole_condition(self, node: core.Node, frame: Frame) -> Element:
        """Gives a condition whose NULL means false. Raises NotTranslatableError when it is too
        long."""
        element: Element = self.condition(node, frame).element
        self.sizes.refuse_long(node, [element])
        return element

    def value(self, node: core.Node, frame: Frame) -> Value:
        """Gives the value of any node. Raises NotTranslatableError when it is too long: before
        something is made of it that is longer by far."""
        found = self._value(node, frame)
        self.sizes.refuse_long(node, (part.element for part in parts(found).values()))
        return found

    def _value(self, node: core.Node, frame: Frame) -> Value:
        match node:
            case core.Constant():
                return self._constant(node, node.value)
            case core.Given():
                return self.given(node)
            case core.Path():
                return self.path(node, frame)
            case core.Parameter(name="today"):
                return Plain(sa.bindparam("today", type_=sa.Date()), False)
            case core.Parameter():
                return Plain(sa.bindparam("now", type_=Instant()), False)
            case core.LocalInstant():
                return self._local_instant(node, frame)
            case core.OptionAttribute():
                return self._option_attribute(node, frame)
            case core.Arithmetic():
                return self.computed(node, frame)
            case core.Negate():
                return self._negate(node, frame)
            case core.If():
                arms = [(node.condition, node.then)]
                return self._choose(arms, node.otherwise, frame)
            case core.Case():
                return self._choose(node.arms, node.otherwise, frame)
            case core.Call():
                return self._call(node, frame)
            case core.Aggregate():
                return self.aggregate(node, frame)
            case _:
                return self.truth_value(node, frame)

    def _constant(self, node: core.Node, value: object) -> Value:
        numbers = self.numbers
        match value:
            case None:
                return Plain(sa.null(), True)
            case Decimal():
                return numbers.constant(value)
            case Money():
                return Amount(numbers.constant(value.amount), literal(value.currency, sa.Text()))
            case CalendarLength():
                months, days = Decimal(value.months), Decimal(value.days)
                return Length(numbers.constant(months), numbers.constant(days))
            case timedelta():
                return Clock(numbers.constant(Decimal(to_milliseconds(value))))
        if node.type.kind not in PLAIN_TYPES:
            raise not_said(
                node, "SQL has no literal of the kind {kind}", kind=kind_name(node.type.kind)
            )
        return Plain(literal(value, PLAIN_TYPES[node.type.kind]), False)

    def _local_instant(self, node: core.LocalInstant, frame: Frame) -> Value:
        date = self.value(node.date, frame)
        if not isinstance(date, Plain):
            raise not_said(node, "SQL needs a date here")
        return Plain(self.times.local_instant(date.element, node.at), True)

    def _option_attribute(self, node: core.OptionAttribute, frame: Frame) -> Value:
        option = self._element(self.path(node.path, frame))
        arms = [
            (option == literal(name, sa.Text()), self._constant(node, value))
            for name, value in node.values
        ]
        return self.dialect.choose(arms, Plain(sa.null(), True))

    def _negate(self, node: core.Negate, frame: Frame) -> Value:
        found = self.negated(self.value(node.operand, frame))
        if found is None:
            raise not_said(
                node, "SQL has no negative {kind}", kind=kind_name(node.operand.type.kind)
            )
        return found

    def _choose(
        self,
        arms: list[tuple[core.Node, core.Node]] | tuple[tuple[core.Node, core.Node], ...],
        otherwise: core.Node,
        frame: Frame,
    ) -> Value:
        chosen = [
            (self.condition(condition, frame).element, self.value(value, frame))
            for condition, value in arms
        ]
        return self.dialect.choose(chosen, self.value(otherwise, frame))

    def _call(self, node: core.Call, frame: Frame) -> Value:
        function = functions()[node.function]
        if function.sql is None:
            raise not_said(node, "{function} is not for databases", function=node.function)
        arguments = tuple(self.value(argument, frame) for argument in node.arguments)
        try:
            return function.sql(SqlCall(self.dialect, node, arguments))
        except NoWordError as error:
            raise not_said(node, "SQL does not know {what}", what=error.what) from error
