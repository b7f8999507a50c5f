"""Numbers on SQLite: scaled integers while they fit 64 bits, else text and exact functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal
from typing import Any

import sqlalchemy as sa

from rule_engine.arithmetic import EXACT, MAX_PLACES, ONE, scale_integer
from rule_engine.backends.dialects.numbers import MIRRORED, OPERATORS, Condition
from rule_engine.backends.dialects.sqlite_scales import (
    HALF,
    INTEGER,
    MAX_INTEGER,
    PRODUCT,
    STORED,
    TEXT,
    USUAL,
    SqliteScales,
    exact_of,
    function,
    guarded_leaves,
    integer,
    is_guarded,
    join_native,
    unusual,
    usual_bound,
)
from rule_engine.backends.dialects.values import Element, Native, Number, literal, retype, verbatim
from rule_engine.columns import DecimalText, Scaled


class SqliteNumbers(SqliteScales):
    """Scaled integers and decimal texts."""

    def constant(self, value: Decimal) -> Number:
        """Gives a bound integer of the constant's own scale, text for one beyond 64 bits."""
        scale = max(0, -int(value.as_tuple().exponent))
        whole = int(value.scaleb(scale, EXACT))
        if abs(whole) > MAX_INTEGER:
            return Number(literal(format(value, "f"), TEXT), False, constant=value)
        return Number(literal(whole, INTEGER), False, scale, abs(whole), value)

    def column(self, column: Element, *, nullable: bool) -> Number:
        """Gives the stored integer as it is."""
        scale = column.type.scale if isinstance(column.type, Scaled) else 0
        element = integer(column)
        native = Native(USUAL, (column,), False, exact_of(element, scale))
        return Number(element, nullable, scale, STORED, None, native)

    def parameter(self, name: str) -> Number:
        """Gives a bind parameter that is sent as text."""
        return Number(sa.bindparam(name, type_=DecimalText()), True)

    def whole(self, element: Element, bound: int, *, nullable: bool) -> Number:
        """Gives the integer expression."""
        return Number(integer(element), nullable, 0, bound)

    # ------------------------------------------------------------ comparison

    def compare(self, operator: str, left: Number, right: Number) -> Condition:
        """Gives an integer comparison where it is exact; a column beside a constant stays plain."""
        if left.constant is not None and right.constant is None:
            left, right, operator = right, left, MIRRORED[operator]
        if right.constant is not None and left.scale is not None and not is_guarded(left):
            return _compare_constant(operator, left.element, left.scale, right.constant)
        aligned = self.align([left, right])
        order = function("compare", self.exact(left), self.exact(right))
        exact: Condition = OPERATORS[operator](retype(order, INTEGER), 0)
        if aligned is None:
            return exact
        native: Condition = OPERATORS[operator](aligned[0].element, aligned[1].element)
        leaves = guarded_leaves(aligned)
        return sa.case((unusual(leaves), exact), else_=native) if leaves else native

    def one_of(self, number: Number, values: Sequence[Decimal]) -> Condition:
        """Gives an IN list of integers; constants with more places than the column never match."""
        settled = self.settle(number)
        if settled.scale is None:
            tests = [self.compare("=", settled, self.constant(value)) for value in values]
            return sa.or_(sa.false(), *tests)
        wholes = [scale_integer(value, settled.scale) for value in values]
        fitting = [each for each in wholes if each is not None and abs(each) <= MAX_INTEGER]
        return settled.element.in_(fitting) if fitting else sa.false()

    # ------------------------------------------------------------ arithmetic

    def add(self, left: Number, right: Number) -> Number:
        """Gives an integer sum, else that of texts."""

        def exact() -> Element:
            return function("add", self.exact(left), self.exact(right))

        nullable = left.nullable or right.nullable
        aligned = self.align([left, right])
        if aligned is None:
            return Number(exact(), nullable)
        first, second = aligned
        usual, bound = usual_bound(first) + usual_bound(second), first.bound + second.bound
        if usual > MAX_INTEGER:
            return Number(exact(), nullable)
        native = join_native(aligned, usual, bound, exact)
        element = integer(first.element + second.element)
        return Number(element, nullable, first.scale, min(bound, MAX_INTEGER), None, native)

    def multiply(self, left: Number, right: Number) -> Number:
        """Gives an integer product with a constant, else that of texts."""
        if left.constant is not None:
            left, right = right, left

        def exact() -> Element:
            return function("multiply", self.exact(left), self.exact(right))

        if right.constant is not None and None not in (left.scale, right.scale):
            whole = scale_integer(right.constant, right.scale or 0) or 0
            product = self._times(left, whole, (left.scale or 0) + (right.scale or 0))
            if product is not None and left.constant is None:
                native = product.native and replace(product.native, exact=exact)
                return replace(product, native=native)
        return Number(exact(), left.nullable or right.nullable)

    def negate(self, number: Number) -> Number:
        """Gives `-number`."""
        if number.constant is not None:
            return self.constant(number.constant.copy_negate())
        if number.scale is None:
            return Number(function("negate", number.element), number.nullable)

        def exact() -> Element:
            return function("negate", self.exact(number))

        native = number.native and replace(number.native, exact=exact)
        return replace(number, element=integer(-number.element), native=native)

    def _exactly(self, name: str, *numbers: Number, nullable: bool | None = None) -> Number:
        found = any(number.nullable for number in numbers) if nullable is None else nullable
        return Number(function(name, *map(self.exact, numbers)), found)

    def divide(self, left: Number, right: Number) -> Number:
        """Gives the quotient of texts."""
        return self._exactly("divide", left, right, nullable=True)

    def modulo(self, left: Number, right: Number) -> Number:
        """Gives the rest of texts."""
        return self._exactly("modulo", left, right, nullable=True)

    def round(self, number: Number, places: Number) -> Number:
        """Gives the rounded text."""
        scale, wanted = number.scale, places.constant
        if scale is not None and wanted is not None and scale <= wanted <= MAX_PLACES:
            return number
        return self._exactly("round", number, places, nullable=True)

    def floor(self, number: Number) -> Number:
        """Gives the rounded text."""
        return number if number.scale == 0 else self._exactly("floor", number)

    def ceiling(self, number: Number) -> Number:
        """Gives the rounded text."""
        return number if number.scale == 0 else self._exactly("ceiling", number)

    def absolute(self, number: Number) -> Number:
        """Gives abs()."""
        number = self.settle(number)
        if number.scale is None:
            return self._exactly("absolute", number)
        return replace(number, element=integer(sa.func.abs(number.element)), constant=None)

    def extreme(self, function: str, numbers: Sequence[Number]) -> Number:
        """Gives SQLite's min() or max() of several arguments, which is NULL when one is."""
        nullable = any(number.nullable for number in numbers)
        aligned = self.align([self.settle(number) for number in numbers])
        if aligned is None:
            texts = [self.exact(number) for number in numbers]
            name = {"min": "least", "max": "greatest"}[function]
            return Number(_call(name, texts), nullable)
        pick = sa.func.min if function == "min" else sa.func.max
        elements = [number.element for number in aligned]
        element = elements[0] if len(elements) == 1 else integer(pick(*elements))
        return Number(element, nullable, aligned[0].scale, max(each.bound for each in aligned))

    def first(self, numbers: Sequence[Number]) -> Number:
        """Gives coalesce()."""
        nullable = all(number.nullable for number in numbers)
        return self._unite(numbers, nullable, lambda found: _coalesce(found))

    def choose(self, arms: Sequence[tuple[Condition, Number]], otherwise: Number) -> Number:
        """Gives a CASE."""
        numbers = [*(number for _, number in arms), otherwise]
        conditions = [condition for condition, _ in arms]

        def case(elements: Sequence[Element]) -> Element:
            whens = zip(conditions, elements[:-1], strict=True)
            return sa.case(*whens, else_=elements[-1])

        return self._unite(numbers, any(number.nullable for number in numbers), case)

    def _unite(self, numbers: Sequence[Number], nullable: bool, build: Any) -> Number:
        """Gives one expression of several numbers: integers of one scale, else texts."""
        settled = [self.settle(number) for number in numbers]
        aligned = self.align(settled)
        if aligned is None:
            return Number(build([self.exact(number) for number in settled]), nullable)
        bound = max(number.bound for number in aligned)
        elements = [number.element for number in aligned]
        return Number(integer(build(elements)), nullable, aligned[0].scale, bound)

    def within(self, number: Number, limit: int) -> Number:
        """Gives rule_within()."""
        if number.scale is not None and number.bound // 10**number.scale <= limit:
            return number
        return Number(function("within", self.exact(number), verbatim(limit)), True)

    # ------------------------------------------------------------ aggregates

    def total(self, number: Number) -> Number:
        """Gives a sum; SQLite's own fails beyond 64 bits, so halves are summed apart."""
        number = self.settle(number)
        if number.scale is None:
            return Number(function("sum", number.element), False)
        half = verbatim(HALF)
        high = sa.func.sum(number.element.op("/", PRODUCT)(half))
        low = sa.func.sum(number.element.op("%", PRODUCT)(half))
        nothing = verbatim(0)
        sums = (sa.func.coalesce(high, nothing), sa.func.coalesce(low, nothing))
        return Number(function("total", *sums, verbatim(number.scale)), False)

    def aggregate_extreme(self, function: str, number: Number) -> Number:
        """Gives the aggregate min() or max()."""
        number = self.settle(number)
        if number.scale is None:
            name = {"min": "lowest", "max": "highest"}[function]
            return Number(_call(name, [number.element]), True)
        aggregate = sa.func.min if function == "min" else sa.func.max
        element = integer(aggregate(number.element))
        return Number(element, True, number.scale, number.bound)

    # ------------------------------------------------------------ ways out

    def whole_element(self, number: Number, limit: int) -> Element:
        """Gives what the functions take for a whole number; they look at the limit themselves."""
        if number.constant is not None and abs(number.constant) > limit:
            return sa.null()
        if number.scale == 0 and not is_guarded(number):
            return number.element
        return self.exact(self.settle(number))

    def result(self, number: Number) -> sa.ColumnElement[Decimal]:
        """Gives the integer with its scale, or the text."""
        settled = self.settle(number)
        if settled.scale is None:
            return retype(settled.element, DecimalText())
        return retype(settled.element, Scaled(settled.scale))

    def stored(self, number: Number, scale: int) -> Element:
        """Gives the integer of that scale, by rule_stored() where it is rounded or may be long."""
        aligned = None if is_guarded(number) else self.align([number, _ruler(scale)])
        if aligned is not None and aligned[0].scale == scale and aligned[0].bound <= STORED:
            return aligned[0].element
        text = self.exact(self.settle(number))
        return integer(function("stored", text, verbatim(scale)))

    def order_element(self, number: Number) -> Element:
        """Gives the integer, or a text that sorts as the number does."""
        settled = self.settle(number)
        return (
            settled.element if settled.scale is not None else function("sort_key", settled.element)
        )

    def digits(self, number: Number) -> Element:
        """Gives the text without trailing zeros."""
        return function("digits", self.exact(self.settle(number)))

    def parse(self, text: Element) -> Number:
        """Gives the number that a text is."""
        return Number(function("number", text), True)


def _ruler(scale: int) -> Number:
    """Gives a zero that others are aligned to."""
    return Number(verbatim(0), False, scale, 0)


def _call(name: str, arguments: Sequence[Element]) -> Element:
    return function(name, *arguments)


def _coalesce(elements: Sequence[Element]) -> Element:
    return sa.func.coalesce(*elements) if len(elements) > 1 else elements[0]


def _compare_constant(operator: str, element: Element, scale: int, constant: Decimal) -> Condition:
    """Gives a comparison of a scaled integer with a constant moved to that scale."""
    scaled = constant.scaleb(scale, EXACT)
    whole = (
        int(scaled.quantize(ONE, ROUND_FLOOR, EXACT)) if scaled.as_tuple().exponent else int(scaled)
    )
    if whole != scaled:
        if operator == "=":
            return sa.false()
        # Between two integers: below the constant is up to its floor, above is from the next on.
        operator, whole = ("<=", whole) if operator in ("<", "<=") else (">", whole)
    if abs(whole) > MAX_INTEGER:
        always = (whole > 0) == (operator in ("<", "<="))
        return element.is_not(None) if always and operator != "=" else sa.false()
    compared: Condition = OPERATORS[operator](element, literal(whole, INTEGER))
    return compared
