"""The closed registry of functions: one module each, found by listing this folder.

A module defines one `FUNCTION`. Aggregates over links (count, sum, latest …) are part of the
language, not functions; `min`, `max`, `count` exist as both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from rule_engine.backends.dialects.dialect import Dialect
from rule_engine.backends.dialects.values import Amount, Element, Number, Plain, Value
from rule_engine.backends.javascript.calls import JavaScript
from rule_engine.core import Call, Node
from rule_engine.errors import Span
from rule_engine.types import Calendar, Environment, Kind, Schema, Type


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. `words` are the constant texts allowed (none: any value of `kinds`).

    `repeats` belongs to the last parameter only: it stands for one or more arguments. One that
    `names_calendar` takes a calendar's name; left out, the organisation's calendar is meant ("").
    """

    name: str
    kinds: frozenset[Kind]
    optional: bool = False
    repeats: bool = False
    words: tuple[str, ...] = ()
    names_calendar: bool = False


@dataclass(frozen=True, slots=True)
class SqlCall:
    """What the SQL side of a function gets: compiled arguments, and their checked nodes."""

    dialect: Dialect
    call: Call
    arguments: tuple[Value, ...]

    def element(self, position: int) -> Element:
        """Gives an argument that is one plain column: a text, a date, a boolean."""
        argument = self.arguments[position]
        if isinstance(argument, Plain):
            return argument.element
        raise TypeError(argument)

    def number(self, position: int) -> Number:
        """Gives an argument that is a number."""
        argument = self.arguments[position]
        if isinstance(argument, Number):
            return argument
        raise TypeError(argument)

    def day(self, position: int) -> Element:
        """Gives an argument's date; of an instant that in the organisation's zone."""
        element = self.element(position)
        is_instant = self.call.arguments[position].type.kind is Kind.INSTANT
        return self.dialect.times.date_of(element) if is_instant else element

    @property
    def nullable(self) -> bool:
        """Says whether an argument may be empty."""
        return any(argument.nullable for argument in self.arguments)


def on_number(value: Value, change: Callable[[Number], Number]) -> Value:
    """Gives a number changed, or an amount whose number is changed."""
    match value:
        case Number():
            return change(value)
        case Amount():
            return Amount(change(value.number), value.currency, value.may_lack_currency)
        case _:
            raise TypeError(value)


def any_nullable(arguments: Sequence[Node]) -> bool:
    """Says that a result can be empty when an argument can."""
    return any(argument.nullable for argument in arguments)


def always_nullable(arguments: Sequence[Node]) -> bool:
    """Says that a result can be empty even for full arguments."""
    del arguments
    return True


def never_nullable(arguments: Sequence[Node]) -> bool:
    """Says that a result is never empty."""
    del arguments
    return False


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the language.

    `result` gives the type for the arguments' types, or None when they do not go together;
    `python(environment, *values)` computes it. Unless `takes_empty`, an empty argument makes the
    result empty without a call. `sql` is None where databases cannot say it, `javascript` where
    browsers cannot. `examples` are expressions with their values as texts, told by
    `reference`. One that `asks_user` depends on who is acting. A function with `expand` is short
    for another expression, which takes the call's place (None: not so).
    """

    name: str
    parameters: tuple[Parameter, ...]
    result: Callable[[Sequence[Type]], Type | None]
    python: Callable[..., object]
    doc: str
    examples: tuple[tuple[str, str], ...]
    sql: Callable[[SqlCall], Value] | None
    javascript: JavaScript | None
    takes_empty: bool = False
    asks_user: bool = False
    nullable: Callable[[Sequence[Node]], bool] = field(default=any_nullable)
    expand: Callable[[Schema, Sequence[Node], Span], Node | None] | None = None

    @property
    def signature(self) -> str:
        """Gives the form to write it in, e.g. `round(x, [digits])`."""
        names = (f"{p.name}, …" if p.repeats else p.name for p in self.parameters)
        written = (
            f"[{name}]" if parameter.optional else name
            for name, parameter in zip(names, self.parameters, strict=True)
        )
        return f"{self.name}({', '.join(written)})"


def calendar_of(environment: Environment, name: str) -> Calendar:
    """Gives a calendar whose name was checked; raises KeyError where it is not known."""
    return environment.calendars[name]


def always(kind: Kind) -> Callable[[Sequence[Type]], Type]:
    """Gives a typing rule whose result is always of one kind."""
    return lambda types: Type(kind)


def same_as_first(types: Sequence[Type]) -> Type:
    """Gives the first argument's type as the result's."""
    return types[0]


def same_kind(types: Sequence[Type]) -> Type | None:
    """Gives the one type that all arguments have; choices beside texts are texts."""
    kinds = {one.kind for one in types}
    if len(kinds) == 1:
        return types[0] if all(one == types[0] for one in types) else Type(types[0].kind)
    return Type(Kind.TEXT) if kinds == {Kind.TEXT, Kind.CHOICE} else None


@cache
def functions() -> Mapping[str, Function]:
    """Gives all functions by name."""
    modules = (import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__))
    found: list[Function] = [module.FUNCTION for module in modules]
    return {function.name: function for function in found}
