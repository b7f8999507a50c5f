"""Arithmetic: a run-time function for each pair of kinds."""

from __future__ import annotations

from collections.abc import Mapping

from rule_engine import core
from rule_engine.backends.chains import NUMBERS, balance, is_plain, split_sum
from rule_engine.backends.javascript.code import ENVIRONMENT, Code, run_time
from rule_engine.backends.javascript.frames import Frame, Frames, not_said
from rule_engine.check.words import kind_name
from rule_engine.types import Kind

_NUMBER, _MONEY, _CALENDAR, _CLOCK = (
    *(Kind.NUMBER, Kind.MONEY),
    *(Kind.CALENDAR_LENGTH, Kind.CLOCK_LENGTH),
)

#: (left kind, operator, right kind) → run-time function. Percent stands as number here.
OPERATIONS: Mapping[tuple[Kind, str, Kind], str] = {
    (_NUMBER, "+", _NUMBER): "add",
    (_NUMBER, "-", _NUMBER): "subtract",
    (_NUMBER, "*", _NUMBER): "multiply",
    (_NUMBER, "/", _NUMBER): "divide",
    (_MONEY, "*", _NUMBER): "multiplyMoney",
    (_MONEY, "/", _NUMBER): "divideMoney",
    (Kind.DATE, "-", Kind.DATE): "daysApart",
    (Kind.DATE, "+", _CALENDAR): "shiftDate",
    (Kind.DATE, "-", _CALENDAR): "shiftDateBack",
    (Kind.INSTANT, "-", Kind.INSTANT): "apart",
    (Kind.INSTANT, "+", _CLOCK): "addClock",
    (Kind.INSTANT, "-", _CLOCK): "subtractClock",
    (Kind.TIME, "-", Kind.TIME): "apart",
    (Kind.TIME, "+", _CLOCK): "addToTime",
    (Kind.TIME, "-", _CLOCK): "subtractFromTime",
    (_CLOCK, "/", _CLOCK): "ratioOfLengths",
    (_CLOCK, "+", _CLOCK): "addLengths",
    (_CLOCK, "-", _CLOCK): "subtractLengths",
    (_CLOCK, "*", _NUMBER): "scaleClock",
    (_CLOCK, "/", _NUMBER): "divideClock",
    (_CALENDAR, "+", _CALENDAR): "addCalendar",
    (_CALENDAR, "-", _CALENDAR): "subtractCalendar",
    (_CALENDAR, "*", _NUMBER): "scaleCalendar",
    (_CALENDAR, "/", _NUMBER): "divideCalendar",
}
#: Those that need rates or the zone.
WITH_ENVIRONMENT: Mapping[tuple[Kind, str, Kind], str] = {
    (_MONEY, "+", _MONEY): "addMoney",
    (_MONEY, "-", _MONEY): "subtractMoney",
    (_MONEY, "/", _MONEY): "ratio",
    (Kind.INSTANT, "+", _CALENDAR): "shiftInstant",
    (Kind.INSTANT, "-", _CALENDAR): "shiftInstantBack",
}
_NEGATED: Mapping[Kind, str] = {
    _NUMBER: "negate",
    Kind.PERCENT: "negate",
    _MONEY: "negateMoney",
    _CALENDAR: "negateCalendar",
    _CLOCK: "negateClock",
}


class Arithmetic(Frames):
    """Compiles sums, products and the like. Run-time functions give null for a null."""

    def computed(self, node: core.Arithmetic, frame: Frame) -> Code:
        """Gives code for an operation."""
        if node.op in "+-" and is_plain(node):
            return self._sum(node, frame)
        left, right = self.value(node.left, frame), self.value(node.right, frame)
        first, second = (
            Kind.NUMBER if kind in NUMBERS else kind
            for kind in (node.left.type.kind, node.right.type.kind)
        )
        code = _call(first, node.op, second, left, right)
        if code is None and node.op in "+*":
            code = _call(second, node.op, first, right, left)
        if code is None:
            left_kind, right_kind = kind_name(first), kind_name(second)
            raise not_said(
                node,
                "JavaScript has no {left} {op} {right}",
                left=left_kind,
                op=node.op,
                right=right_kind,
            )
        return code

    def _sum(self, node: core.Arithmetic, frame: Frame) -> Code:
        added, taken = split_sum(node)
        total = self._total(added, frame)
        return run_time("subtract", total, self._total(taken, frame)) if taken else total

    def _total(self, terms: list[core.Node], frame: Frame) -> Code:
        codes = [self.value(term, frame) for term in terms]
        return balance(codes, lambda left, right: run_time("add", left, right))

    def negated(self, node: core.Negate, frame: Frame) -> Code:
        """Gives code for the value with the other sign."""
        name = _NEGATED.get(node.operand.type.kind)
        if name is None:
            raise not_said(node, "JavaScript has no negative of this kind")
        return run_time(name, self.value(node.operand, frame))


def _call(first: Kind, op: str, second: Kind, left: Code, right: Code) -> Code | None:
    if name := OPERATIONS.get((first, op, second)):
        return run_time(name, left, right)
    if name := WITH_ENVIRONMENT.get((first, op, second)):
        return run_time(name, ENVIRONMENT, left, right)
    return None
