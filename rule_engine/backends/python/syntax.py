"""Small builders of Python's own syntax tree.

Every node gets its place here: looking for those without one, as the ast module does, would take
longer than compiling.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TypeVar

Syntax = ast.expr
Placed = TypeVar("Placed", bound=ast.expr | ast.stmt | ast.arg)

LOAD, STORE = ast.Load(), ast.Store()


def at(node: Placed) -> Placed:
    """Gives the node with a place; compiled rules have no lines of their own."""
    node.lineno = 1
    node.col_offset = 0
    return node


def give(value: Syntax) -> ast.stmt:
    """Gives `return value`."""
    return at(ast.Return(value))


def new_list() -> Syntax:
    """Gives `[]`."""
    return at(ast.List([], LOAD))


def name(identifier: str) -> ast.Name:
    """Gives a variable that is read."""
    return at(ast.Name(identifier, LOAD))


def literal(value: str | int | bool | None) -> Syntax:
    """Gives a constant that Python's code objects can hold."""
    return at(ast.Constant(value))


def call(function: str, *arguments: Syntax) -> Syntax:
    """Gives `function(arguments…)`."""
    return at(ast.Call(name(function), list(arguments), []))


def method(owner: Syntax, attribute: str, *arguments: Syntax) -> Syntax:
    """Gives `owner.attribute(arguments…)`."""
    return at(ast.Call(member(owner, attribute), list(arguments), []))


def member(owner: Syntax, attribute: str) -> Syntax:
    """Gives `owner.attribute`."""
    return at(ast.Attribute(owner, attribute, LOAD))


def compare(left: Syntax, operator: ast.cmpop, right: Syntax) -> Syntax:
    """Gives `left operator right`."""
    return at(ast.Compare(left, [operator], [right]))


def walrus(identifier: str, value: Syntax) -> Syntax:
    """Gives `(identifier := value)`."""
    return at(ast.NamedExpr(_target(identifier), value))


def assign(identifier: str, value: Syntax) -> ast.stmt:
    """Gives `identifier = value`."""
    return at(ast.Assign([_target(identifier)], value))


def all_of(items: Sequence[Syntax]) -> Syntax:
    """Gives `a and b and …`; True for no items."""
    if len(items) < 2:
        return items[0] if items else literal(True)
    return at(ast.BoolOp(ast.And(), list(items)))


def any_of(items: Sequence[Syntax]) -> Syntax:
    """Gives `a or b or …`; False for no items."""
    if len(items) < 2:
        return items[0] if items else literal(False)
    return at(ast.BoolOp(ast.Or(), list(items)))


def negation(item: Syntax) -> Syntax:
    """Gives `not item`."""
    return at(ast.UnaryOp(ast.Not(), item))


def choose(condition: Syntax, then: Syntax, otherwise: Syntax) -> Syntax:
    """Gives `then if condition else otherwise`."""
    return at(ast.IfExp(condition, then, otherwise))


def is_none(value: Syntax) -> Syntax:
    """Gives `value is None`."""
    return compare(value, ast.Is(), literal(None))


def is_full(value: Syntax) -> Syntax:
    """Gives `value is not None`."""
    return compare(value, ast.IsNot(), literal(None))


def differs(left: Syntax, right: Syntax) -> Syntax:
    """Gives `left is not right`."""
    return compare(left, ast.IsNot(), right)


def fold(value: Syntax) -> Syntax:
    """Gives `normalize("NFC", value).casefold()`, which is what text.fold does."""
    return method(call("normalize", literal("NFC"), value), "casefold")


def is_true(value: Syntax) -> Syntax:
    """Gives `value is True`."""
    return compare(value, ast.Is(), literal(True))


def when(condition: Syntax, then: Sequence[ast.stmt]) -> ast.stmt:
    """Gives `if condition: then`."""
    return at(ast.If(condition, list(then), []))


def increase(identifier: str, by: Syntax) -> ast.stmt:
    """Gives `identifier += by`."""
    return at(ast.AugAssign(_target(identifier), ast.Add(), by))


def run(call: Syntax) -> ast.stmt:
    """Gives a call for its effect."""
    return at(ast.Expr(call))


def items(*values: Syntax) -> Syntax:
    """Gives the tuple of the values."""
    return at(ast.Tuple(list(values), LOAD))


def unpack(identifiers: Sequence[str], value: Syntax) -> ast.stmt:
    """Gives `identifier, … = value`."""
    names: list[Syntax] = [_target(identifier) for identifier in identifiers]
    return at(ast.Assign([at(ast.Tuple(names, STORE))], value))


def element(value: Syntax, place: int) -> Syntax:
    """Gives `value[place]`."""
    return at(ast.Subscript(value, literal(place), LOAD))


def function(identifier: str, parameters: Sequence[str], body: Sequence[ast.stmt]) -> ast.Module:
    """Gives a module that holds one function."""
    arguments = ast.arguments(
        posonlyargs=[],
        args=[at(ast.arg(parameter)) for parameter in parameters],
        kwonlyargs=[],
        kw_defaults=[],
        defaults=[],
    )
    definition = at(ast.FunctionDef(identifier, arguments, list(body), []))
    return ast.Module([definition], [])


def _target(identifier: str) -> ast.Name:
    return at(ast.Name(identifier, STORE))
