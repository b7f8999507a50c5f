"""The checks of all kinds of expressions, and the session that knows them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC
from typing import TypeVar

from rule_engine import core, tree
from rule_engine.check.arithmetic import check_arithmetic, check_sign
from rule_engine.check.calls import check_call
from rule_engine.check.comparisons import (
    check_between,
    check_changed,
    check_compare,
    check_in,
    check_is_empty,
    check_text_test,
)
from rule_engine.check.paths import check_path
from rule_engine.check.patterns import check_matches
from rule_engine.check.session import CheckFunction, Formula, Place, Session, is_kind
from rule_engine.check.times import check_duration, check_older_than, check_window
from rule_engine.check.words import say
from rule_engine.currencies import CURRENCIES
from rule_engine.messages import Phrase
from rule_engine.spelling import did_you_mean
from rule_engine.types import Kind, Schema, Type
from rule_engine.values import Money

_BOOLEAN = Type(Kind.BOOLEAN)
_E = TypeVar("_E", bound=tree.Expression)


def _check_path(session: Session, place: Place, expression: tree.Expression) -> core.Node | None:
    return check_path(session, place, _as(tree.Path, expression))


def _as(kind: type[_E], expression: tree.Expression) -> _E:
    if not isinstance(expression, kind):
        raise TypeError(f"{expression!r} is no {kind.__name__}")
    return expression


def _check_literal(session: Session, place: Place, expression: tree.Expression) -> core.Node | None:
    del place
    kind, value = Kind.EMPTY, None
    span = expression.span
    match expression:
        case tree.Number(value=number):
            return core.Constant(Type(Kind.NUMBER), False, span, number)
        case tree.Percent(value=fraction):
            return core.Constant(Type(Kind.PERCENT), False, span, fraction)
        case tree.String(value=text):
            return core.Constant(Type(Kind.TEXT), False, span, text)
        case tree.Boolean(value=truth):
            return core.Constant(_BOOLEAN, False, span, truth)
        case tree.DateLiteral(value=day):
            return core.Constant(Type(Kind.DATE), False, span, day)
        case tree.TimeLiteral(value=clock):
            return core.Constant(Type(Kind.TIME), False, span, clock)
        case tree.MoneyLiteral():
            return _money(session, expression)
        case tree.DateTimeLiteral():
            return _instant(expression)
    return core.Constant(Type(kind), True, span, value)


def _money(session: Session, expression: tree.MoneyLiteral) -> core.Node | None:
    if expression.currency not in CURRENCIES:
        template, word = '"{name}" is not a currency', expression.currency
        hint = did_you_mean("CNY" if word == "RMB" else word, CURRENCIES)
        session.report("unknown_currency", template, expression.span, hint, name=word)
        return None
    value = Money(expression.amount, expression.currency)
    return core.Constant(Type(Kind.MONEY), False, expression.span, value)


def _instant(expression: tree.DateTimeLiteral) -> core.Node:
    """Without an offset the literal means the organisation's zone."""
    moment, span = expression.value, expression.span
    if moment.tzinfo is not None:
        return core.Constant(Type(Kind.INSTANT), False, span, moment.astimezone(UTC))
    day = core.Constant(Type(Kind.DATE), False, span, moment.date())
    return core.LocalInstant(Type(Kind.INSTANT), False, span, day, moment.time())


def _check_list(session: Session, place: Place, expression: tree.Expression) -> core.Node | None:
    """Gives the constant of a list; only `in [..]` takes what is not constant."""
    written = _as(tree.ListLiteral, expression)
    checked = [session.check(place, item) for item in written.items]
    nodes = [node for node in checked if node is not None]
    if len(nodes) < len(checked):
        return None
    values = []
    for node in nodes:
        if not isinstance(node, core.Constant):
            template, hint = "such a list holds only fixed values", "names stand alone:  status"
            session.report("not_constant", template, node.span, hint)
            return None
        values.append(node.value)
    item = nodes[0].type if nodes else Type(Kind.EMPTY)
    return core.Constant(Type(Kind.LIST, item=item), not nodes, written.span, tuple(values))


def check_condition(
    session: Session, place: Place, expression: tree.Expression
) -> core.Node | None:
    """Gives a checked condition; what is not true or false is reported."""
    node = session.check(place, expression)
    if node is None:
        return None
    if is_kind(node, Kind.BOOLEAN):
        session.conditions.append(node)
        return node
    session.report(
        "not_a_condition",
        "{found} is not a condition",
        node.span,
        _condition_hint(node),
        found=say(node),
    )
    return None


def _condition_hint(node: core.Node) -> Phrase:
    if is_kind(node, Kind.NUMBER):
        return Phrase("compare it, e.g.  … > 0")
    return Phrase('write "is not empty", or compare it')


def _check_all(session: Session, place: Place, expression: tree.Expression) -> core.Node | None:
    written = _as(tree.AllOf, expression)
    nodes = _conditions(session, place, written.items)
    return None if nodes is None else core.AllOf(_BOOLEAN, False, written.span, nodes)


def _check_any(session: Session, place: Place, expression: tree.Expression) -> core.Node | None:
    written = _as(tree.AnyOf, expression)
    nodes = _conditions(session, place, written.items)
    return None if nodes is None else core.AnyOf(_BOOLEAN, False, written.span, nodes)


def _conditions(
    session: Session, place: Place, items: tuple[tree.Expression, ...]
) -> tuple[core.Node, ...] | None:
    checked = [check_condition(session, place, item) for item in items]
    nodes = tuple(node for node in checked if node is not None)
    return nodes if len(nodes) == len(checked) else None


def _check_not(session: Session, place: Place, expression: tree.Expression) -> core.Node | None:
    written = _as(tree.Not, expression)
    operand = check_condition(session, place, written.operand)
    return None if operand is None else core.Not(_BOOLEAN, False, written.span, operand)


def _check_if(session: Session, place: Place, expression: tree.Expression) -> core.Node | None:
    written = _as(tree.If, expression)
    condition = check_condition(session, place, written.condition)
    then, otherwise = (
        session.check(place, written.then),
        session.check(place, written.otherwise),
    )
    if condition is None or then is None or otherwise is None:
        return None
    kind = _common_type(then.type, otherwise.type)
    if kind is None:
        session.report(
            "different_types",
            "one branch gives {first}, the other {second}",
            otherwise.span,
            "both branches need one type",
            first=say(then),
            second=say(otherwise),
        )
        return None
    nullable = then.nullable or otherwise.nullable
    node = core.If(kind, nullable, written.span, condition, then, otherwise)
    session.conditions.append(node)
    return node


def _common_type(left: Type, right: Type) -> Type | None:
    if left == right:
        return left
    if left.kind is not right.kind:
        return Type(Kind.TEXT) if {left.kind, right.kind} == {Kind.TEXT, Kind.CHOICE} else None
    if left.kind is Kind.REFERENCE and left.target and right.target:
        return None
    options = None
    if left.options is not None and right.options is not None:
        options = tuple(dict.fromkeys((*left.options, *right.options)))
    return replace(left, target=left.target or right.target, options=options)


RULES: Mapping[type[tree.Expression], CheckFunction] = {
    **dict.fromkeys(
        (
            *(tree.Number, tree.Percent, tree.MoneyLiteral, tree.String, tree.Boolean),
            *(tree.DateLiteral, tree.DateTimeLiteral, tree.TimeLiteral),
        ),
        _check_literal,
    ),
    tree.Duration: check_duration,
    tree.ListLiteral: _check_list,
    tree.Path: _check_path,
    tree.Compare: check_compare,
    tree.IsEmpty: check_is_empty,
    tree.In: check_in,
    tree.InWindow: check_window,
    tree.Between: check_between,
    tree.TextTest: check_text_test,
    tree.Matches: check_matches,
    tree.OlderThan: check_older_than,
    tree.Changed: check_changed,
    tree.AnyOf: _check_any,
    tree.AllOf: _check_all,
    tree.Not: _check_not,
    tree.Arithmetic: check_arithmetic,
    tree.Sign: check_sign,
    tree.If: _check_if,
    tree.Call: check_call,
}


def new_session(
    schema: Schema,
    source: str = "<text>",
    formulas: Mapping[tuple[str, str], Formula] | None = None,
    calendars: Collection[str] = (),
) -> Session:
    """Gives a session that can check every kind of expression."""
    return Session(schema, RULES, source, formulas or {}, calendars=calendars)
