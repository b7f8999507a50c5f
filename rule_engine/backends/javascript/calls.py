"""How functions of the registry say what they are in JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rule_engine import core
from rule_engine.backends.javascript.code import ENVIRONMENT, Code, Member, Name, run_time
from rule_engine.types import Kind

#: The run-time function that orders two values of a kind: negative, 0, positive, or null.
_ORDERS = {
    **dict.fromkeys((Kind.NUMBER, Kind.PERCENT), "orderNumbers"),
    **dict.fromkeys((Kind.DATE, Kind.INSTANT, Kind.TIME, Kind.CLOCK_LENGTH), "orderCounts"),
    Kind.MONEY: "orderMoney",
    Kind.CALENDAR_LENGTH: "orderCalendar",
    Kind.CHOICES: "orderSets",
}


@dataclass(frozen=True, slots=True)
class JavaScriptCall:
    """What the JavaScript side of a function gets: compiled arguments, and their checked nodes.

    An empty value is null; what a run-time function gives for one is its own affair.
    """

    call: core.Call
    arguments: tuple[Code, ...]

    def kind(self, position: int) -> Kind:
        """Gives the kind of an argument."""
        return self.call.arguments[position].type.kind

    def day(self, position: int) -> Code:
        """Gives an argument's date; of an instant that in the organisation's zone."""
        argument = self.arguments[position]
        is_instant = self.kind(position) is Kind.INSTANT
        return run_time("dateIn", ENVIRONMENT, argument) if is_instant else argument


JavaScript = Callable[[JavaScriptCall], Code]


def plain(name: str) -> JavaScript:
    """Gives a call of a run-time function with the arguments."""
    return lambda call: run_time(name, *call.arguments)


def with_environment(name: str) -> JavaScript:
    """Gives a call of a run-time function with the environment before the arguments."""
    return lambda call: run_time(name, ENVIRONMENT, *call.arguments)


def of_day(name: str) -> JavaScript:
    """Gives a call of a run-time function with the first argument's date."""
    return lambda call: run_time(name, call.day(0))


def of_order(name: str) -> JavaScript:
    """Gives a call of a run-time function with how the arguments' kind is ordered."""
    return lambda call: run_time(name, order_of(call.kind(0)), ENVIRONMENT, *call.arguments)


def order_of(kind: Kind) -> Code:
    """Gives the run-time function that orders two values; kinds without order are just equal."""
    return Member(Name("rules"), _ORDERS.get(kind, "orderNothing"))
