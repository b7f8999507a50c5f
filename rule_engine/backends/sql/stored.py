"""Values as the columns of a field keep them: rounded, with a currency, with a folded companion."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from rule_engine import core
from rule_engine.arithmetic import NO_CURRENCY
from rule_engine.backends.dialects.values import (
    Amount,
    Clock,
    Element,
    Number,
    Plain,
    literal,
    parts,
    retype,
)
from rule_engine.backends.sql.compiler import Compiler
from rule_engine.backends.sql.frames import Frame
from rule_engine.columns import Kept, Places, Scaled

TEXT = sa.Text()


def stored_parts(
    compiler: Compiler, node: core.Node, frame: Frame, kept: Kept
) -> dict[str, sa.ColumnElement[Any]]:
    """Gives what an UPDATE writes into the columns of a field, by part.

    Numbers are rounded half up to the column's scale; one of more than 18 digits becomes NULL.
    The other parts of an empty value say nothing.
    """
    value = compiler.value(node, frame)
    match value:
        case Number() if isinstance(kept.column, Scaled):
            return {"": _scaled(compiler, value, kept.column)}
        case Amount() if isinstance(kept.column, Scaled):
            return _amount(compiler, value, kept, kept.column, once=frame.joins is None)
        case Clock() if isinstance(kept.column, Scaled):
            return {"": _scaled(compiler, value.milliseconds, kept.column)}
        case Plain() if kept.folds:
            return {"": value.element, "fold": compiler.texts.fold(value.element)}
    return {
        name: part.element if isinstance(part, Plain) else compiler.numbers.result(part)
        for name, part in parts(value).items()
    }


def _scaled(compiler: Compiler, number: Number, column: Scaled) -> Element:
    return retype(compiler.numbers.stored(number, column.scale), column)


def _amount(
    compiler: Compiler, amount: Amount, kept: Kept, column: Scaled, *, once: bool
) -> dict[str, sa.ColumnElement[Any]]:
    currency: Element = amount.currency
    if kept.currency and amount.may_lack_currency:
        lacking = currency == literal(NO_CURRENCY, TEXT)
        currency = sa.case((lacking, literal(kept.currency, TEXT)), else_=currency)
    number = amount.number
    if kept.places is not None:
        number = _to_places(compiler, number, currency, kept.places, once=once)
    made = {"": _scaled(compiler, number, column), "currency": currency}
    if kept.converts:
        base = compiler.dialect.in_base(Amount(number, currency))
        made["base"] = _scaled(compiler, base, column)
    return made


def _to_places(
    compiler: Compiler, number: Number, currency: Element, places: Places, *, once: bool
) -> Number:
    """Gives an amount with the places of its currency.

    Rounding to a place that is known is quicker, but writes the number for each: not `once`.
    """
    numbers = compiler.numbers
    usual = numbers.constant(Decimal(places.usual))
    arms = [
        # Literals one by one: a list would leave the text open until the statement is run.
        (
            currency.in_([literal(code, currency.type) for code in codes]),
            numbers.constant(Decimal(count)),
        )
        for count, codes in places.others.items()
    ]
    if once or not arms:
        return numbers.round(number, numbers.choose(arms, usual) if arms else usual)
    rounded = [(condition, numbers.round(number, count)) for condition, count in arms]
    return numbers.choose(rounded, numbers.round(number, usual))
