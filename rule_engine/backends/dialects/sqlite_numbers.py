"""Numbers on SQLite: scaled integers while they fit 64 bits, else text and exact functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal

import sqlalchemy as sa

from rule_engine.arithmetic import EXACT, ONE, QUOTIENT_PLACES, divide, scale_integer, shorten
from rule_engine.backends.dialects.numbers import MIRRORED, OPERATORS, Condition
from rule_engine.backends.dialects.sqlite_roundings import Roundings
from rule_engine.backends.dialects.sqlite_scales import (
    HALF,
    INTEGER,
    LEVELS,
    MAX_INTEGER,
    STORED,
    TEXT,
    exact_of,
    function,
    integer,
    is_guarded,
    make,
    operate,
    unusual,
)
from rule_engine.backends.dialects.values import (
    Element,
    Leaf,
    Native,
    Number,
    literal,
    retype,
    verbatim,
)
from rule_engine.columns import DecimalText, Scaled

#: The product of two columns is looked at itself: a float is near enough to see that it is small.
PRODUCT_LIMIT, PRODUCT_BOUND = 4 * 10**16, 5 * 10**16


class SqliteNumbers(Roundings):
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
        native = Native(LEVELS, (Leaf(column),), False, exact_of(element, scale))
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

        def exact() -> Condition:
            order = function("compare", self.exact(left), self.exact(right))
            compared: Condition = OPERATORS[operator](retype(order, INTEGER), 0)
            return compared

        if right.constant is not None and left.scale is not None:
            near = _compare_constant(operator, left.element, left.scale, right.constant)
            return self._trusted(left, near, exact)
        aligned = self.align([left, right])
        if aligned is None:
            return exact()
        native: Condition = OPERATORS[operator](aligned[0].element, aligned[1].element)
        both = make(aligned, native, 0, max, lambda: native)
        return exact() if both is None else self._trusted(both, native, exact)

    def _trusted(
        self, number: Number, native: Condition, exact: Callable[[], Condition]
    ) -> Condition:
        """Gives a native condition where a native number may be trusted, else the exact one."""
        strange = unusual(number) if is_guarded(number) else None
        return native if strange is None else sa.case((strange, exact()), else_=native)

    def one_of(self, number: Number, values: Sequence[Decimal]) -> Condition:
        """Gives an IN list of integers; constants with more places than the column never match."""

        def exact() -> Condition:
            texts = [literal(format(shorten(value), "f"), TEXT) for value in values]
            return function("digits", self.exact(number)).in_(texts)

        if number.scale is None:
            return exact()
        wholes = [scale_integer(value, number.scale) for value in values]
        fitting = [each for each in wholes if each is not None and abs(each) <= MAX_INTEGER]
        listed = [literal(value, INTEGER) for value in fitting]
        native = number.element.in_(listed) if fitting else sa.false()
        return self._trusted(number, native, exact)

    # ------------------------------------------------------------ arithmetic

    def add(self, left: Number, right: Number) -> Number:
        """Gives an integer sum, else that of texts."""

        def exact() -> Element:
            return function("add", self.exact(left), self.exact(right))

        aligned = self.align([left, right])
        if aligned is not None:
            first, second = aligned
            element = first.element + second.element
            total = make(aligned, element, first.scale or 0, sum, exact)
            if total is not None:
                return total
        return Number(exact(), left.nullable or right.nullable)

    def multiply(self, left: Number, right: Number) -> Number:
        """Gives an integer product, else that of texts."""
        if left.constant is not None:
            left, right = right, left

        def exact() -> Element:
            return function("multiply", self.exact(left), self.exact(right))

        product = None
        if left.scale is not None and right.scale is not None:
            product = self._product(left, right, left.scale + right.scale, exact)
        return product or Number(exact(), left.nullable or right.nullable)

    def _product(
        self, left: Number, right: Number, scale: int, exact: Callable[[], Element]
    ) -> Number | None:
        if right.constant is not None:
            whole = scale_integer(right.constant, right.scale or 0) or 0
            element = left.element * verbatim(whole)
            return make([left], element, scale, lambda found: found[0] * abs(whole), exact)
        element = left.element * right.element
        if self._is_column(left) and self._is_column(right):
            near = left.element.op("*")(verbatim("1.0")).op("*")(right.element)
            bounds = (PRODUCT_BOUND,) * len(LEVELS)
            native = Native(bounds, (Leaf(near, PRODUCT_LIMIT),), True, exact)
            return Number(integer(element), left.nullable or right.nullable, scale, 0, None, native)
        return make([left, right], element, scale, lambda both: both[0] * both[1], exact)

    def negate(self, number: Number) -> Number:
        """Gives `-number`."""
        if number.constant is not None:
            return self.constant(number.constant.copy_negate())

        def exact() -> Element:
            return function("negate", self.exact(number))

        if number.scale is not None:
            negated = make([number], -number.element, number.scale, max, exact)
            if negated is not None:
                return negated
        return Number(exact(), number.nullable)

    def divide(self, left: Number, right: Number) -> Number:
        """Gives a product where that is the exact quotient, else the quotient of texts."""
        inverse = _inverse(right.constant)
        if inverse is not None and left.scale is not None:
            times = self.constant(inverse)
            if left.scale + (times.scale or 0) <= QUOTIENT_PLACES:
                return self.multiply(left, times)
        return self._exactly("divide", left, right, nullable=True)

    def modulo(self, left: Number, right: Number) -> Number:
        """Gives the rest by a constant natively, else that of texts."""
        aligned = self.align([left, right])
        if aligned is not None and right.constant:
            divisor = scale_integer(right.constant, aligned[1].scale or 0) or 0
            rest = operate(aligned[0].element, "%", divisor)
            rest = operate(integer(rest + verbatim(divisor)), "%", divisor)

            def exact() -> Element:
                return function("modulo", self.exact(left), self.exact(right))

            found = make([aligned[0]], rest, aligned[0].scale or 0, max, exact)
            if found is not None:
                return found
        return self._exactly("modulo", left, right, nullable=True)

    def extreme(self, function_name: str, numbers: Sequence[Number]) -> Number:
        """Gives SQLite's min() or max() of several arguments, which is NULL when one is."""
        name = {"min": "least", "max": "greatest"}[function_name]
        pick = sa.func.min if function_name == "min" else sa.func.max

        def build(elements: Sequence[Element]) -> Element:
            return elements[0] if len(elements) == 1 else pick(*elements)

        def exact() -> Element:
            return function(name, *map(self.exact, numbers))

        return self._unite(numbers, build, exact)

    def first(self, numbers: Sequence[Number]) -> Number:
        """Gives coalesce()."""
        found = self._unite(numbers, _coalesce, lambda: _coalesce(self._texts(numbers)))
        return replace(found, nullable=all(number.nullable for number in numbers))

    def choose(self, arms: Sequence[tuple[Condition, Number]], otherwise: Number) -> Number:
        """Gives a CASE."""
        numbers = [*(number for _, number in arms), otherwise]
        conditions = [condition for condition, _ in arms]

        def case(elements: Sequence[Element]) -> Element:
            whens = zip(conditions, elements[:-1], strict=True)
            return sa.case(*whens, else_=elements[-1])

        if not arms:
            return otherwise
        return self._unite(numbers, case, lambda: case(self._texts(numbers)))

    def _texts(self, numbers: Sequence[Number]) -> list[Element]:
        return [self.exact(number) for number in numbers]

    def _unite(
        self,
        numbers: Sequence[Number],
        build: Callable[[Sequence[Element]], Element],
        exact: Callable[[], Element],
    ) -> Number:
        """Gives one expression of several numbers: integers of one scale, else texts."""
        aligned = self.align(numbers)
        if aligned is not None:
            element = build([number.element for number in aligned])
            found = make(aligned, element, aligned[0].scale or 0, max, exact)
            if found is not None:
                return found
        return Number(exact(), any(number.nullable for number in numbers))

    def within(self, number: Number, limit: int) -> Number:
        """Gives rule_within()."""
        known = number.scale is not None and not is_guarded(number)
        if known and number.bound // 10 ** (number.scale or 0) <= limit:
            return number
        return Number(function("within", self.exact(number), verbatim(limit)), True)

    # ------------------------------------------------------------ aggregates

    def total(self, number: Number) -> Number:
        """Gives a sum; SQLite's own fails beyond 64 bits, so halves are summed apart."""
        number = self.settle(number)
        if number.scale is None:
            return Number(function("sum", number.element), False)
        high = sa.func.sum(operate(number.element, "/", HALF))
        low = sa.func.sum(operate(number.element, "%", HALF))
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

    def stored(self, number: Number, scale: int, most: int | None = None) -> Element:
        """Gives the integer of that scale, by rule_stored() where it may be long."""

        def exact() -> Element:
            return integer(function("stored", self.exact(number), verbatim(scale)))

        aligned = self._to_scale(number, scale)
        if aligned is None:
            return exact()
        strange = unusual(aligned, STORED)
        if strange is None:
            return aligned.element
        return integer(sa.case((strange, exact()), else_=aligned.element))

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


def _inverse(divisor: Decimal | None) -> Decimal | None:
    """Gives 1 / divisor when that has few places, so that dividing is multiplying."""
    if not divisor:
        return None
    inverse = divide(ONE, divisor)
    return inverse if inverse and EXACT.multiply(inverse, divisor) == ONE else None
