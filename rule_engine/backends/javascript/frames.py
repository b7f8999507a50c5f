"""Whose fields a path reads, and constants: what all parts of the compiler build on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from rule_engine import core
from rule_engine.backends.javascript.code import (
    ENVIRONMENT,
    EXACT_BELOW,
    NULL,
    Code,
    Items,
    Literal,
    Member,
    Name,
    run_time,
    show,
)
from rule_engine.columns import write_instant
from rule_engine.core import Scope
from rule_engine.dates import to_milliseconds
from rule_engine.errors import NotTranslatableError, finding
from rule_engine.types import Kind
from rule_engine.values import CalendarLength, Money

#: The run-time function that reads a field's wire form into the value it is calculated with.
READERS: Mapping[Kind, str] = {
    Kind.TEXT: "text",
    Kind.NUMBER: "number",
    Kind.PERCENT: "number",
    Kind.MONEY: "money",
    Kind.BOOLEAN: "truth",
    Kind.DATE: "date",
    Kind.TIME: "time",
    Kind.CLOCK_LENGTH: "duration",
    Kind.CHOICE: "text",
    Kind.CHOICES: "choices",
    Kind.REFERENCE: "identity",
}


@dataclass(frozen=True, slots=True)
class Frame:
    """The record at hand, the one that `this.` means, and how deep in aggregates they are."""

    record: Code
    outer: Code
    depth: int = 0

    def inside(self) -> Frame:
        """Gives the frame of a related record, whose outer one is the record at hand."""
        return Frame(Name(f"record{self.depth + 1}"), self.record, self.depth + 1)


START = Frame(Name("record"), Member(ENVIRONMENT, "this"))


class Frames(ABC):
    """Reads fields and keeps constants, which are made once and passed in."""

    def __init__(self) -> None:
        self.constants: dict[str, Code] = {}
        self.names: dict[str, Name] = {}

    @abstractmethod
    def value(self, node: core.Node, frame: Frame) -> Code:
        """Gives code whose value is the node's, null for empty."""

    @abstractmethod
    def condition(self, node: core.Node, frame: Frame) -> Code:
        """Gives code that is true or false; empty counts as false."""

    def keep(self, code: Code) -> Code:
        """Gives the name of a constant that is made before the function."""
        written = show(code)
        name = self.names.setdefault(written, Name(f"constant{len(self.names) + 1}"))
        self.constants[name.name] = code
        return name

    def constant(self, node: core.Node, value: object) -> Code:
        """Gives a literal's value, kept unless it is as simple as a name."""
        code = self.literal(node, value)
        return code if isinstance(code, Literal) else self.keep(code)

    def literal(self, node: core.Node, value: object) -> Code:
        """Gives code that makes a literal's value."""
        match value:
            case None | bool() | str():
                return Literal(value)
            case Decimal():
                return run_time("number", Literal(f"{value:f}"))
            case Money():
                amount, currency = Literal(f"{value.amount:f}"), Literal(value.currency)
                return run_time("amountOf", amount, currency)
            case CalendarLength():
                months, days = Literal(str(value.months)), Literal(str(value.days))
                return run_time("calendarLength", months, days)
            case timedelta() if abs(to_milliseconds(value)) < EXACT_BELOW:
                return Literal(to_milliseconds(value))
            case datetime():
                return run_time("instant", NULL, Literal(write_instant(value)))
            case date():
                return run_time("date", Literal(value.isoformat()))
            case time():
                return run_time("time", Literal(value.isoformat("milliseconds")))
            case frozenset() | tuple():
                items = sorted(value) if isinstance(value, frozenset) else value
                return Items(tuple(self.literal(node, item) for item in items))
        raise not_said(node, "JavaScript has no literal of this kind")

    def path(self, path: core.Path, frame: Frame) -> Code:
        """Gives code that reads a field."""
        field = run_time("field", self.record_of(path, frame), Literal(path.field))
        kind = path.type.kind
        if kind is Kind.INSTANT:
            return run_time("instant", ENVIRONMENT, field)
        if kind is Kind.REFERENCE and path.field == "id":
            return run_time("text", field)
        if kind not in READERS:
            raise not_said(path, "JavaScript has no fields of this kind")
        return run_time(READERS[kind], field)

    def record_of(self, path: core.Path | core.Aggregate, frame: Frame) -> Code:
        """Gives code for the record at the end of the hops, or null."""
        record = _start(path.scope, frame)
        for hop in path.hops:
            reference = run_time("field", record, Literal(hop.field))
            record = run_time("follow", ENVIRONMENT, reference, Literal(hop.target))
        return record


def _start(scope: Scope, frame: Frame) -> Code:
    match scope:
        case Scope.RECORD:
            return frame.record
        case Scope.OUTER:
            return frame.outer
        case Scope.OLD:
            return Member(ENVIRONMENT, "old")
        case Scope.USER:
            return Member(ENVIRONMENT, "user")


def not_said(node: core.Node, template: str, **values: object) -> NotTranslatableError:
    """Gives the error for what JavaScript cannot say; the values fill the constant text."""
    return NotTranslatableError(finding("not_in_javascript", template, node.span, "", **values))
