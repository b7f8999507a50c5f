"""Why a part of an expression is empty or false although nothing was compared: plain words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from rule_engine import arithmetic, core
from rule_engine.backends.reading import read
from rule_engine.types import Environment, Kind, Type
from rule_engine.values import Money

Evaluate = Callable[[core.Node], object]


def reason_of(node: core.Node, value: object, evaluate: Evaluate, environment: Environment) -> str:
    """Gives `employees is empty`, `the divisor is 0` and the like; "" when there is no such cause.

    `evaluate` gives the value of any part.
    """
    if value is not None and value is not False:
        return ""
    match node:
        case core.Compare() | core.TextTest() | core.Arithmetic():
            sides: tuple[core.Node, ...] = (node.left, node.right)
        case core.Member():
            sides = (node.item,)
        case core.Contains():
            sides = (node.collection, node.item)
        case core.Matches() | core.Negate():
            sides = (node.operand,)
        case core.OptionAttribute():
            sides = (node.path,)
        case core.Call() if value is None:
            sides = node.arguments
        case core.Path():
            return _missing_record(node, evaluate)
        case _:
            return ""
    return next(_empties(sides, evaluate), "") or _no_result(node, evaluate, environment)


def _empties(sides: tuple[core.Node, ...], evaluate: Evaluate) -> Iterator[str]:
    for side in sides:
        if evaluate(side) is None:
            missing = _missing_record(side, evaluate) if isinstance(side, core.Path) else ""
            yield missing or f"{read(side)} is empty"


def _missing_record(path: core.Path, evaluate: Evaluate) -> str:
    """Gives the first reference on the way that leads nowhere."""
    for count, hop in enumerate(path.hops):
        reference = replace(
            path,
            type=Type(Kind.REFERENCE, hop.target),
            hops=path.hops[:count],
            object=hop.source,
            field=hop.field,
        )
        if evaluate(reference) is None:
            return f"{read(reference)} is empty"
    return ""


def _no_result(node: core.Node, evaluate: Evaluate, environment: Environment) -> str:
    if not isinstance(node, core.Arithmetic | core.Compare):
        return ""
    left, right = evaluate(node.left), evaluate(node.right)
    amounts = (left, right) if isinstance(left, Money) and isinstance(right, Money) else None
    if amounts and arithmetic.agree(*amounts, environment.rates) is None:
        return f"there is no rate between {amounts[0].currency} and {amounts[1].currency}"
    if isinstance(node, core.Arithmetic) and node.op == "/" and not _amount(right):
        return "the divisor is 0"
    return ""


def _amount(value: object) -> object:
    return value.amount if isinstance(value, Money) else value
