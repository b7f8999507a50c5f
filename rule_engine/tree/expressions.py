"""Names, literals and expressions as written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal

from rule_engine.errors import Span


@dataclass(frozen=True, slots=True)
class Name:
    """A word as written, without backquotes, NFC."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Text:
    """A text literal, escapes resolved."""

    value: str
    span: Span


@dataclass(frozen=True, slots=True)
class Expression:
    """Any parsed expression."""

    span: Span


@dataclass(frozen=True, slots=True)
class Number(Expression):
    """`50_000`, `1.5`, `50万`; `text` is what was written."""

    value: Decimal
    text: str


@dataclass(frozen=True, slots=True)
class MoneyLiteral(Expression):
    """`50万 CNY`."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Percent(Expression):
    """`15%`; `value` is the fraction 0.15."""

    value: Decimal
    text: str


@dataclass(frozen=True, slots=True)
class Duration(Expression):
    """`8 business hours`; `unit` is in the singular; `text` is what was written."""

    amount: Decimal
    unit: str
    business: bool
    text: str


@dataclass(frozen=True, slots=True)
class DateLiteral(Expression):
    """`2026-03-01`."""

    value: date


@dataclass(frozen=True, slots=True)
class DateTimeLiteral(Expression):
    """`2026-03-02T10:00+08:00`; naive without an offset."""

    value: datetime


@dataclass(frozen=True, slots=True)
class TimeLiteral(Expression):
    """`09:30`."""

    value: time


@dataclass(frozen=True, slots=True)
class String(Expression):
    """`"New"`, escapes resolved, NFC."""

    value: str


@dataclass(frozen=True, slots=True)
class Boolean(Expression):
    """`true` or `false`."""

    value: bool


@dataclass(frozen=True, slots=True)
class ListLiteral(Expression):
    """`["a", "b"]`."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Path(Expression):
    """`account.owner.region`."""

    parts: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class Compare(Expression):
    """`left op right`; op as in core.Compare (`==` and `<>` already rewritten)."""

    op: str
    left: Expression
    right: Expression
    op_span: Span


@dataclass(frozen=True, slots=True)
class IsEmpty(Expression):
    """`x is empty`, `x is not empty`."""

    operand: Expression
    negated: bool


@dataclass(frozen=True, slots=True)
class In(Expression):
    """`x in [..]`, `"x" in tags`."""

    item: Expression
    collection: Expression
    negated: bool


@dataclass(frozen=True, slots=True)
class InWindow(Expression):
    """`x in last 7 days`; `window` is last or next."""

    operand: Expression
    window: str
    length: Expression
    negated: bool


@dataclass(frozen=True, slots=True)
class Between(Expression):
    """`x between low and high`, both ends included."""

    operand: Expression
    low: Expression
    high: Expression
    negated: bool


@dataclass(frozen=True, slots=True)
class TextTest(Expression):
    """`x contains y`; kind is contains, starts or ends."""

    kind: str
    left: Expression
    right: Expression
    negated: bool


@dataclass(frozen=True, slots=True)
class Matches(Expression):
    """`x matches "pattern"`."""

    operand: Expression
    pattern: Text
    negated: bool


@dataclass(frozen=True, slots=True)
class OlderThan(Expression):
    """`x older than 30 days`."""

    operand: Expression
    length: Expression
    negated: bool


@dataclass(frozen=True, slots=True)
class Changed(Expression):
    """`stage changed from "A" to "B"`."""

    path: Path
    before: Expression | None
    after: Expression | None


@dataclass(frozen=True, slots=True)
class AnyOf(Expression):
    """`a or b or c`."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class AllOf(Expression):
    """`a and b and c`."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Not(Expression):
    """`not a`."""

    operand: Expression


@dataclass(frozen=True, slots=True)
class Arithmetic(Expression):
    """`left op right`, op one of + - * /."""

    op: str
    left: Expression
    right: Expression
    op_span: Span


@dataclass(frozen=True, slots=True)
class Sign(Expression):
    """`-x` or `+x`."""

    op: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class If(Expression):
    """`if condition then a else b`."""

    condition: Expression
    then: Expression
    otherwise: Expression


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """`name(arguments by order where condition)`: a function or an aggregate."""

    function: Name
    arguments: tuple[Expression, ...]
    by: Expression | None
    where: Expression | None
