"""Why a part of an expression is empty or false although nothing was compared: plain words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from rule_engine import arithmetic, core
from rule_engine.backends.reading import read
from rule_engine.messages import NOTHING, Phrase
from rule_engine.types import Environment, Kind, Type
from rule_engine.values import Money

Evaluate = Callable[[core.Node], object]


def reason_of(
    node: core.Node, value: object, evaluate: Evaluate, environment: Environment
) -> Phrase:
    """Gives `employees is empty`, `the divisor is 0` and the like; nothing without such a cause.

    `evaluate` gives the value of any part.
    """
    if value is not None and value is not False:
        return NOTHING
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
            return NOTHING
    return next(_empties(sides, evaluate), NOTHING) or _no_result(node, evaluate, environment)


def _empties(sides: tuple[core.Node, ...], evaluate: Evaluate) -> Iterator[Phrase]:
    for side in sides:
        if evaluate(side) is None:
            missing = _missing_record(side, evaluate) if isinstance(side, core.Path) else NOTHING
            yield missing or _is_empty(side)


def _is_empty(part: core.Node) -> Phrase:
    return Phrase("{field} is empty", {"field": read(part)})


def _missing_record(path: core.Path, evaluate: Evaluate) -> Phrase:
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
            return _is_empty(reference)
    return NOTHING


def _no_result(node: core.Node, evaluate: Evaluate, environment: Environment) -> Phrase:
    if not isinstance(node, core.Arithmetic | core.Compare):
        return NOTHING
    left, right = evaluate(node.left), evaluate(node.right)
    amounts = (left, right) if isinstance(left, Money) and isinstance(right, Money) else None
    if amounts and arithmetic.agree(*amounts, environment.rates) is None:
        currencies = {"first": amounts[0].currency, "second": amounts[1].currency}
        return Phrase("there is no rate between {first} and {second}", currencies)
    if isinstance(node, core.Arithmetic) and node.op == "/" and not _amount(right):
        return Phrase("the divisor is 0")
    return NOTHING


def _amount(value: object) -> object:
    return value.amount if isinstance(value, Money) else value
