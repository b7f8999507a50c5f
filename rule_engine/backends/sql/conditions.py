"""Conditions by polarity.

A positive test stays plain: NULL counts as false where it stands. Only a negation must make NULL
false first, and only if the test can be NULL at all: `NOT coalesce(x > 5, false)`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from rule_engine import core
from rule_engine.backends.chains import balance
from rule_engine.backends.dialects.numbers import OPERATORS, Condition
from rule_engine.backends.dialects.values import (
    Amount,
    Clock,
    Element,
    Length,
    Number,
    Plain,
    Value,
    literal,
)
from rule_engine.backends.sql.arithmetic import Arithmetic
from rule_engine.backends.sql.frames import Frame, not_said
from rule_engine.check.words import kind_name
from rule_engine.text import clean, fold
from rule_engine.types import Kind, Type

TEXT = sa.Text()
BOOLEAN = sa.Boolean()
LONG_CHAIN = 30
AND_PRECEDENCE, OR_PRECEDENCE = 3, 2


@dataclass(frozen=True, slots=True)
class Truth:
    """A condition; `nullable` says that it may be NULL, which means false."""

    element: Condition
    nullable: bool

    @property
    def certain(self) -> Condition:
        """Gives the condition as true or false."""
        if not self.nullable:
            return self.element
        return sa.func.coalesce(self.element, sa.false(), type_=BOOLEAN)


FALSE = Truth(sa.false(), False)


class Conditions(Arithmetic):
    """Compiles comparisons and tests."""

    @abstractmethod
    def aggregate(self, node: core.Aggregate, frame: Frame) -> Value:
        """Gives an aggregate's value."""

    def condition(self, node: core.Node, frame: Frame) -> Truth:
        """Gives a condition whose NULL means false."""
        match node:
            case core.Constant():
                return Truth(sa.true() if node.value is True else sa.false(), False)
            case core.Compare():
                return self._compare(node, frame)
            case core.AllOf():
                return _chain([self.condition(item, frame) for item in node.items], sa.and_)
            case core.AnyOf():
                return _chain([self.condition(item, frame) for item in node.items], sa.or_)
            case core.Not():
                return Truth(~self.condition(node.operand, frame).certain, False)
            case core.IsEmpty():
                return Truth(self._is_empty(node.operand, frame), False)
            case core.Member():
                return self._member(node, frame)
            case core.Contains():
                return self._contains(node, frame)
            case core.TextTest():
                return self._text_test(node, frame)
            case core.Matches():
                raise not_said(node, "databases have other regular expressions than matches")
            case core.Changed():
                raise not_said(node, "changed asks for the record before, which is not stored")
            case _ if node.type.kind is Kind.BOOLEAN:
                value = self.value(node, frame)
                return Truth(_plain(value).element, value.nullable)
            case _:
                raise not_said(node, "{kind} is no condition", kind=kind_name(node.type.kind))

    def truth_value(self, node: core.Node, frame: Frame) -> Plain:
        """Gives a test as a value, which is never empty."""
        return Plain(self.condition(node, frame).certain, False)

    # ------------------------------------------------------------ comparison

    def _compared(self, node: core.Node, frame: Frame) -> Value | None:
        """Gives a side of a comparison; None for one that is known to be empty.

        Computed text is compared trimmed, as NFC; fields and parameters are stored so.
        """
        if isinstance(node, core.Constant):
            cleaned = clean(node.value) if isinstance(node.value, str) else node.value
            is_text = node.type.kind is Kind.TEXT
            node = replace(node, value=cleaned) if is_text else node
            return None if node.value is None else self.value(node, frame)
        value = self.value(node, frame)
        if node.type.kind is Kind.TEXT and not isinstance(node, core.Path | core.Given):
            return Plain(self.texts.clean(_plain(value).element), True)
        return value

    def _compare(self, node: core.Compare, frame: Frame) -> Truth:
        if node.op == "!=":
            positive = self._compare(replace(node, op="="), frame)
            return Truth(~positive.certain, False)
        left, right = self._compared(node.left, frame), self._compared(node.right, frame)
        if left is None or right is None:
            return FALSE
        nullable = left.nullable or right.nullable
        return Truth(self._ordered(node, left, right), nullable)

    def _ordered(self, node: core.Compare, left: Value, right: Value) -> Condition:
        compare = self.numbers.compare
        match left, right:
            case Number(), Number():
                return compare(node.op, left, right)
            case Amount(), Amount():
                return self._ordered_amounts(node.op, left, right)
            case Clock(), Clock():
                return compare(node.op, left.milliseconds, right.milliseconds)
            case Length(), Length():
                return self._ordered_lengths(node, left, right)
            case Plain(), Plain() if node.left.type.kind is Kind.CHOICES:
                return self.texts.same_set(left.element, right.element)
            case Plain(), Plain():
                found: Condition = OPERATORS[node.op](left.element, right.element)
                return found
            case _:
                kinds = kind_name(node.left.type.kind), kind_name(node.right.type.kind)
                template = "SQL does not compare {left} with {right}"
                raise not_said(node, template, left=kinds[0], right=kinds[1])

    def _ordered_amounts(self, operator: str, left: Amount, right: Amount) -> Condition:
        """Compares amounts of one currency as they are, others by the base currency."""
        same = self.same_currency(left, right)
        alike = sa.and_(self.numbers.compare(operator, left.number, right.number), same)
        if same is sa.true():
            return alike
        unlike = self.numbers.compare(operator, *map(self.dialect.in_base, (left, right)))
        return sa.or_(alike, sa.and_(sa.not_(same), unlike))

    def _ordered_lengths(self, node: core.Compare, left: Length, right: Length) -> Condition:
        if left.months.constant is not None and left.months.constant == right.months.constant:
            return self.numbers.compare(node.op, left.days, right.days)
        if left.days.constant is not None and left.days.constant == right.days.constant:
            return self.numbers.compare(node.op, left.months, right.months)
        raise not_said(node, "SQL does not compare days with months")

    def _is_empty(self, node: core.Node, frame: Frame) -> Condition:
        value = self._compared(node, frame)
        match value:
            case None:
                return sa.true()
            case Number():
                return self.numbers.is_empty(value)
            case Amount():
                return self.numbers.is_empty(value.number)
            case Length():
                return sa.or_(*map(self.numbers.is_empty, (value.months, value.days)))
            case Clock():
                return self.numbers.is_empty(value.milliseconds)
            case _:
                return value.element.is_(None)

    # ------------------------------------------------------------ lists and texts

    def _member(self, node: core.Member, frame: Frame) -> Truth:
        constants = [item for item in node.items if isinstance(item, core.Constant)]
        kind = node.item.type.kind
        if len(constants) < len(node.items) or kind in (Kind.MONEY, Kind.CALENDAR_LENGTH):
            tests = [self._compare(_equals(node.item, item), frame) for item in node.items]
            return _chain(tests, sa.or_)
        item = self._compared(node.item, frame)
        values = [
            clean(v) if kind is Kind.TEXT and isinstance(v, str) else v
            for v in (constant.value for constant in constants)
        ]
        full = [value for value in values if value is not None]
        if item is None or not full:
            return FALSE
        if isinstance(item, Number):
            return Truth(self.numbers.one_of(item, _decimals(full)), item.nullable)
        if isinstance(item, Plain):
            return Truth(
                item.element.in_([literal(v, item.element.type) for v in full]), item.nullable
            )
        tests = [self._compare(_equals(node.item, constant), frame) for constant in constants]
        return _chain(tests, sa.or_)

    def _contains(self, node: core.Contains, frame: Frame) -> Truth:
        item = self._compared(node.item, frame)
        collection = self._compared(node.collection, frame)
        if item is None or collection is None:
            return FALSE
        held = self.texts.in_set(_plain(item).element, _plain(collection).element)
        return Truth(held, True)

    def _text_test(self, node: core.TextTest, frame: Frame) -> Truth:
        right = self._folded(node.right, frame)
        left = self._folded(node.left, frame)
        if left is None or right is None:
            return FALSE
        return Truth(self.texts.holds(node.kind, left, right), True)

    def _folded(self, node: core.Node, frame: Frame) -> Element | None:
        """Gives folded text; None for what is known to be empty."""
        if isinstance(node, core.Constant):
            return (
                literal(fold(node.value), TEXT)
                if isinstance(node.value, str) and node.value
                else None
            )
        if isinstance(node, core.Given):
            return _plain(self.value(node, frame)).element
        stored = self.folded(node, frame) if isinstance(node, core.Path) else None
        if stored is not None:
            return stored
        return self.texts.fold(_plain(self.value(node, frame)).element)


def _plain(value: Value) -> Plain:
    if isinstance(value, Plain):
        return value
    raise TypeError(value)


def _decimals(values: Sequence[object]) -> list[Any]:
    return list(values)


def _equals(left: core.Node, right: core.Node) -> core.Compare:
    return core.Compare(Type(Kind.BOOLEAN), False, right.span, "=", left, right)


def _chain(truths: Sequence[Truth], join: Any) -> Truth:
    """Gives a conjunction or disjunction; a long one is bracketed as a balanced tree."""
    nullable = any(truth.nullable for truth in truths)
    elements = [truth.element for truth in truths]
    if len(elements) <= LONG_CHAIN:
        return Truth(join(*elements), nullable)
    word, precedence = ("AND", AND_PRECEDENCE) if join is sa.and_ else ("OR", OR_PRECEDENCE)

    def pair(left: Condition, right: Condition) -> Condition:
        joined: Condition = left.op(word, precedence, return_type=BOOLEAN)(right)
        return joined

    return Truth(balance(elements, pair), nullable)
