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
from typing import Any

import sqlalchemy as sa

from rule_engine.core import Call, Node
from rule_engine.types import Kind, Type


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. `words` are the constant texts allowed (none: any value of `kinds`).

    `repeats` belongs to the last parameter only: it stands for one or more arguments.
    """

    name: str
    kinds: frozenset[Kind]
    optional: bool = False
    repeats: bool = False
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SqlCall:
    """What the SQL side of a function gets.

    `arguments` are compiled already; `call.arguments` are their checked nodes (types, constants);
    `bind` gives a run's parameter: now, today, zone, user_<field>.
    """

    dialect: str
    call: Call
    arguments: tuple[sa.ColumnElement[Any], ...]
    bind: Callable[[str], sa.ColumnElement[Any]]


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
    result empty without a call. `sql` is None when a database cannot say it.
    """

    name: str
    parameters: tuple[Parameter, ...]
    result: Callable[[Sequence[Type]], Type | None]
    python: Callable[..., object]
    doc: str
    sql: Callable[[SqlCall], sa.ColumnElement[Any]] | None = None
    takes_empty: bool = False
    nullable: Callable[[Sequence[Node]], bool] = field(default=any_nullable)

    @property
    def signature(self) -> str:
        """Gives the form to write it in, e.g. `round(x, [digits])`."""
        names = (f"{p.name}, …" if p.repeats else p.name for p in self.parameters)
        written = (
            f"[{name}]" if parameter.optional else name
            for name, parameter in zip(names, self.parameters, strict=True)
        )
        return f"{self.name}({', '.join(written)})"


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
