"""Numbers on PostgreSQL: NUMERIC, which is exact for all but quotients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from math import prod
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, array

from rule_engine.arithmetic import MAX_PLACES, QUOTIENT_PLACES, round_places
from rule_engine.backends.dialects.numbers import OPERATORS, Condition, Numbers
from rule_engine.backends.dialects.values import Element, Number, literal, retype, verbatim
from rule_engine.columns import MAX_DIGITS, DecimalText, DeferredText

NUMERIC = sa.Numeric()
WHOLE = sa.BigInteger()
#: How large whole constants, and sums of them, may be.
MAX_SMALL = 2**62

#: Multiplying by it gives a quotient 60 places before it is rounded (a NUMERIC quotient has as
#: many places as its operands), without the overflow a cast to a fixed precision could cause.
MANY_PLACES = "1." + "0" * 60

#: The same texts as `rule_engine.text.parse_number` takes.
NUMBER_PATTERN = r"^[+-]?(?:[0-9]{1,100}(?:\.[0-9]{0,100})?|\.[0-9]{1,100})$"


def numeric(element: Element) -> Element:
    """Gives an expression that SQLAlchemy takes as a plain NUMERIC."""
    return retype(element, NUMERIC)


class PostgresqlNumbers(Numbers):
    """Elements are NUMERIC.

    But sums of small whole constants, which scores are made of, are BIGINT as long as their
    `bound` says that they fit; `scale` is 0 then, else None.
    """

    def _element(self, number: Number) -> Element:
        """Gives the number as NUMERIC."""
        return sa.cast(number.element, NUMERIC) if number.scale == 0 else number.element

    def _wholes(
        self,
        numbers: Sequence[Number],
        build: Callable[[Sequence[Element]], Element],
        bound: Callable[[Sequence[int]], int],
    ) -> Number | None:
        """Gives one BIGINT of several; None when one is not, or they could overflow."""
        known = [_small(number) for number in numbers]
        if any(number is None for number in known):
            return None
        small = [number for number in known if number is not None]
        most = bound([number.bound for number in small])
        if most > MAX_SMALL:
            return None
        element = retype(build([number.element for number in small]), WHOLE)
        return Number(element, any(number.nullable for number in small), 0, most)

    def _made(self, element: Element, *numbers: Number, nullable: bool = False) -> Number:
        return Number(numeric(element), nullable or any(number.nullable for number in numbers))

    def constant(self, value: Decimal) -> Number:
        """Gives a bound NUMERIC."""
        return Number(literal(value, NUMERIC), False, constant=value)

    def column(self, column: Element, *, nullable: bool) -> Number:
        """Gives the column as it is; an integer is cast, its arithmetic would overflow."""
        if isinstance(column.type, sa.Integer):
            return Number(sa.cast(column, NUMERIC), nullable)
        return Number(numeric(column), nullable)

    def parameter(self, name: str) -> Number:
        """Gives a bind parameter; an empty one has no type without the cast."""
        return Number(sa.cast(sa.bindparam(name, type_=NUMERIC), NUMERIC), True)

    def given(self, name: str) -> Number:
        """Gives it bare, as a literal is."""
        return Number(sa.bindparam(name, type_=NUMERIC), False)

    def empty(self) -> Number:
        """Gives NULL as NUMERIC: a bare NULL would be text."""
        return Number(sa.cast(sa.null(), NUMERIC), True)

    def whole(self, element: Element, bound: int, *, nullable: bool) -> Number:
        """Gives a cast to NUMERIC: integer arithmetic would overflow."""
        return Number(sa.cast(element, NUMERIC), nullable)

    def compare(self, operator: str, left: Number, right: Number) -> Condition:
        """Gives the plain comparison."""
        compared: Condition = OPERATORS[operator](left.element, right.element)
        return compared

    def one_of(self, number: Number, values: Sequence[Decimal]) -> Condition:
        """Gives an IN list."""
        return number.element.in_([literal(value, NUMERIC) for value in values])

    def add(self, left: Number, right: Number) -> Number:
        """Gives `left + right`."""
        small = self._wholes([left, right], lambda both: both[0] + both[1], sum)
        return small or self._made(left.element + right.element, left, right)

    def subtract(self, left: Number, right: Number) -> Number:
        """Gives `left - right`."""
        small = self._wholes([left, right], lambda both: both[0] - both[1], sum)
        return small or self._made(left.element - right.element, left, right)

    def multiply(self, left: Number, right: Number) -> Number:
        """Gives `left * right`."""
        small = self._wholes([left, right], lambda both: both[0] * both[1], prod)
        return small or self._made(left.element * right.element, left, right)

    def negate(self, number: Number) -> Number:
        """Gives `-number`."""
        if number.constant is not None:
            return self.constant(number.constant.copy_negate())
        small = self._wholes([number], lambda one: -one[0], max)
        return small or self._made(-number.element, number)

    def divide(self, left: Number, right: Number) -> Number:
        """Gives a quotient of many places, rounded."""
        exact = self._element(left) * sa.cast(verbatim(f"'{MANY_PLACES}'"), NUMERIC)
        quotient = _operate(exact, "/", sa.func.nullif(self._element(right), verbatim(0)))
        return self._made(sa.func.round(quotient, QUOTIENT_PLACES), nullable=True)

    def modulo(self, left: Number, right: Number) -> Number:
        """Gives mod(mod(a, b) + b, b), which has the divisor's sign; a and b are written once."""
        call = sa.func.unnest(array([self._element(left)]), array([self._element(right)]))
        row = call.table_valued("dividend", "divisor").render_derived()
        divisor = numeric(row.c.divisor)
        rest = self._remainder(numeric(row.c.dividend), divisor)
        result = self._remainder(rest + divisor, divisor)
        return self._made(sa.select(result).scalar_subquery(), nullable=True)

    def _remainder(self, left: Element, right: Element) -> Element:
        return numeric(sa.func.mod(left, sa.func.nullif(right, verbatim(0))))

    def round(self, number: Number, places: Number) -> Number:
        """Gives round(), which rounds ties away from zero."""
        return self._made(
            sa.func.round(self._element(number), self.whole_element(places, MAX_PLACES)),
            nullable=True,
        )

    def floor(self, number: Number) -> Number:
        """Gives floor()."""
        return self._made(sa.func.floor(self._element(number)), number)

    def ceiling(self, number: Number) -> Number:
        """Gives ceiling()."""
        return self._made(sa.func.ceiling(self._element(number)), number)

    def absolute(self, number: Number) -> Number:
        """Gives abs()."""
        return self._made(sa.func.abs(self._element(number)), number)

    def extreme(self, function: str, numbers: Sequence[Number]) -> Number:
        """Gives least() or greatest(); they pass over NULL: then the extreme of a row."""
        pick = sa.func.least if function == "min" else sa.func.greatest
        empties = [number.element for number in numbers if number.nullable]
        if all(map(_is_column, empties)):
            small = self._wholes(numbers, lambda found: pick(*found), max)
            if small is not None and not empties:
                return small
            picked = pick(*map(self._element, numbers))
            tests = [element.is_(None) for element in empties]
            strict = sa.case((sa.or_(*tests), None), else_=picked) if tests else picked
            return self._made(strict, *numbers)
        elements = list(map(self._element, numbers))
        return self._made(strict_extreme(function, elements, NUMERIC), *numbers)

    def first(self, numbers: Sequence[Number]) -> Number:
        """Gives coalesce()."""
        found = sa.func.coalesce(*map(self._element, numbers))
        return self._made(found, nullable=all(number.nullable for number in numbers))

    def rate(self, currency: Element) -> Number:
        """Looks the currency up in the JSON object of rates."""
        rates = sa.cast(sa.bindparam("rates", type_=DeferredText()), JSONB)
        found = rates.op("->>", return_type=sa.Text())(currency)
        return self._made(sa.cast(found, NUMERIC), nullable=True)

    def choose(self, arms: Sequence[tuple[Condition, Number]], otherwise: Number) -> Number:
        """Gives a CASE."""
        numbers = [*(number for _, number in arms), otherwise]
        conditions = [condition for condition, _ in arms]

        def case(elements: Sequence[Element]) -> Element:
            whens = zip(conditions, elements[:-1], strict=True)
            return sa.case(*whens, else_=elements[-1])

        if not arms:
            return otherwise
        small = self._wholes(numbers, case, max)
        return small or self._made(case(list(map(self._element, numbers))), *numbers)

    def total(self, number: Number) -> Number:
        """Gives coalesce(sum(), 0)."""
        return self._made(sa.func.coalesce(sa.func.sum(self._element(number)), verbatim(0)))

    def aggregate_extreme(self, function: str, number: Number) -> Number:
        """Gives min() or max()."""
        aggregate = sa.func.min if function == "min" else sa.func.max
        return self._made(aggregate(self._element(number)), nullable=True)

    def whole_element(self, number: Number, limit: int) -> Element:
        """Gives an integer clamped just beyond the limit, where it becomes NULL."""
        kind = sa.Integer() if limit < 2**31 else sa.BigInteger()
        if number.constant is not None:
            within = abs(number.constant) <= limit
            whole = int(round_places(number.constant, 0))
            return literal(whole, kind) if within else sa.null()
        return sa.cast(_bounded(number.element, limit), kind)

    def within(self, number: Number, limit: int) -> Number:
        """Gives the number clamped just beyond the limit, where it becomes NULL."""
        return self._made(_bounded(self._element(number), limit), nullable=True)

    def result(self, number: Number) -> sa.ColumnElement[Decimal]:
        """Gives the element."""
        return retype(self._element(number), DecimalText())

    def stored(self, number: Number, scale: int, most: int | None = None) -> Element:
        """Gives the rounded number."""
        if most is not None and most * 10**scale < 10**MAX_DIGITS:
            return numeric(sa.func.round(self._element(number), verbatim(scale)))
        whole = _bounded(self._element(number) * verbatim(10**scale), 10**MAX_DIGITS - 1)
        return numeric(sa.func.round(whole)) * verbatim(f"1E-{scale}")

    def digits(self, number: Number) -> Element:
        """Gives trim_scale() as text."""
        return sa.cast(sa.func.trim_scale(self._element(number)), sa.Text())

    def parse(self, text: Element) -> Number:
        """Gives a cast of what a pattern finds in the text: other texts give NULL."""
        found = sa.func.substring(text, NUMBER_PATTERN)
        return self._made(sa.cast(found, NUMERIC), nullable=True)


def _small(number: Number) -> Number | None:
    """Gives the number as BIGINT, if it is one or a small whole constant."""
    if number.constant is None:
        return number if number.scale == 0 else None
    value = number.constant
    if value != value.to_integral_value() or abs(value) > MAX_SMALL:
        return None
    return Number(literal(int(value), WHOLE), False, 0, abs(int(value)))


def _is_column(element: Element) -> bool:
    """Says whether an expression costs nothing to be written twice."""
    while isinstance(element, (sa.TypeCoerce, sa.Cast)):
        element = element.clause
    return isinstance(element, sa.ColumnClause)


def _bounded(element: Element, limit: int) -> Element:
    """Gives NULL beyond ±limit; least() and greatest() pass over NULL, so it needs no CASE."""
    low, high = verbatim(-limit - 1), verbatim(limit + 1)
    clamped = sa.func.least(sa.func.greatest(element, low), high)
    return sa.func.nullif(sa.func.nullif(clamped, low), high)


def _operate(left: Element, operator: str, right: Element) -> Element:
    """Gives an operation exactly as written: SQLAlchemy casts the divisor of a `/`."""
    return numeric(left.op(operator, precedence=8)(right))


def strict_extreme(
    function: str, elements: Sequence[Element], kind: sa.types.TypeEngine[Any]
) -> Element:
    """Gives the least or greatest of some values, NULL when one is; each is written once."""
    row = sa.func.unnest(array(list(elements))).table_valued("value").render_derived()
    value = retype(row.c.value, kind)
    aggregate = sa.func.min(value) if function == "min" else sa.func.max(value)
    full = sa.func.count() == sa.func.count(value)
    select = sa.select(sa.case((full, aggregate), else_=None)).select_from(row)
    return retype(select.scalar_subquery(), kind)
