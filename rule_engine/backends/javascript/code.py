"""JavaScript expressions as trees, and how they are printed.

Texts are printed as ASCII JSON in which nothing can end a script element or a line, names are
checked: whatever a rule says stays data.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
#: What HTML could take for the end of a script or the start of a comment.
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})
#: Whole numbers that a double holds exactly lie below.
EXACT_BELOW = 2**53


@dataclass(frozen=True, slots=True)
class Literal:
    """A text, a truth, a small whole number or null."""

    value: str | bool | int | None


@dataclass(frozen=True, slots=True)
class Name:
    """A variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """`owner.name`."""

    owner: Code
    name: str


@dataclass(frozen=True, slots=True)
class Invoke:
    """`function(arguments)`."""

    function: Code
    arguments: tuple[Code, ...]


@dataclass(frozen=True, slots=True)
class Function:
    """`(parameters) => body`."""

    parameters: tuple[str, ...]
    body: Code


@dataclass(frozen=True, slots=True)
class Join:
    """`item && item` or `item || item`."""

    operator: str
    items: tuple[Code, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """`!operand`."""

    operand: Code


@dataclass(frozen=True, slots=True)
class Choice:
    """`condition ? then : otherwise`."""

    condition: Code
    then: Code
    otherwise: Code


@dataclass(frozen=True, slots=True)
class Items:
    """`[item, item]`."""

    items: tuple[Code, ...]


Code = Literal | Name | Member | Invoke | Function | Join | Negation | Choice | Items

NULL, FALSE, TRUE = Literal(None), Literal(False), Literal(True)
ENVIRONMENT = Name("env")


def run_time(name: str, *arguments: Code) -> Code:
    """Gives a call of the run-time library."""
    return Invoke(Member(Name("rules"), name), arguments)


def show(code: Code) -> str:
    """Gives the text of an expression. Raises ValueError for a name that is none."""
    match code:
        case Literal():
            return _literal(code.value)
        case Name():
            return _name(code.name)
        case Member():
            return f"{show(code.owner)}.{_name(code.name)}"
        case Invoke():
            function = show(code.function)
            called = f"({function})" if isinstance(code.function, Function) else function
            return f"{called}({_listed(code.arguments)})"
        case Function():
            return f"({', '.join(map(_name, code.parameters))}) => {show(code.body)}"
        case Join():
            if code.operator not in ("&&", "||"):
                raise ValueError(code.operator)
            return f"({f' {code.operator} '.join(map(show, code.items))})"
        case Negation():
            return f"!{show(code.operand)}"
        case Choice():
            parts = (code.condition, code.then, code.otherwise)
            return "({} ? {} : {})".format(*map(show, parts))
        case Items():
            return f"[{_listed(code.items)}]"


def _listed(items: Sequence[Code]) -> str:
    return ", ".join(map(show, items))


def _literal(value: str | bool | int | None) -> str:
    if isinstance(value, int) and abs(value) >= EXACT_BELOW:
        raise ValueError(value)
    return json.dumps(value, ensure_ascii=True).translate(_ESCAPES)


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(name)
    return name
