"""Small builders of Python's own syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Sequence

Syntax = ast.expr


def name(identifier: str) -> ast.Name:
    """Gives a variable that is read."""
    return ast.Name(identifier, ast.Load())


def literal(value: str | int | bool | None) -> Syntax:
    """Gives a constant that Python's code objects can hold."""
    return ast.Constant(value)


def call(function: str, *arguments: Syntax) -> Syntax:
    """Gives `function(arguments…)`."""
    return ast.Call(name(function), list(arguments), [])


def method(owner: Syntax, attribute: str, *arguments: Syntax) -> Syntax:
    """Gives `owner.attribute(arguments…)`."""
    return ast.Call(member(owner, attribute), list(arguments), [])


def member(owner: Syntax, attribute: str) -> Syntax:
    """Gives `owner.attribute`."""
    return ast.Attribute(owner, attribute, ast.Load())


def compare(left: Syntax, operator: ast.cmpop, right: Syntax) -> Syntax:
    """Gives `left operator right`."""
    return ast.Compare(left, [operator], [right])


def walrus(identifier: str, value: Syntax) -> Syntax:
    """Gives `(identifier := value)`."""
    return ast.NamedExpr(ast.Name(identifier, ast.Store()), value)


def assign(identifier: str, value: Syntax) -> ast.stmt:
    """Gives `identifier = value`."""
    return ast.Assign([ast.Name(identifier, ast.Store())], value)


def all_of(items: Sequence[Syntax]) -> Syntax:
    """Gives `a and b and …`; True for no items."""
    if len(items) < 2:
        return items[0] if items else literal(True)
    return ast.BoolOp(ast.And(), list(items))


def any_of(items: Sequence[Syntax]) -> Syntax:
    """Gives `a or b or …`; False for no items."""
    if len(items) < 2:
        return items[0] if items else literal(False)
    return ast.BoolOp(ast.Or(), list(items))


def negation(item: Syntax) -> Syntax:
    """Gives `not item`."""
    return ast.UnaryOp(ast.Not(), item)


def choose(condition: Syntax, then: Syntax, otherwise: Syntax) -> Syntax:
    """Gives `then if condition else otherwise`."""
    return ast.IfExp(condition, then, otherwise)


def is_none(value: Syntax) -> Syntax:
    """Gives `value is None`."""
    return compare(value, ast.Is(), literal(None))


def is_full(value: Syntax) -> Syntax:
    """Gives `value is not None`."""
    return compare(value, ast.IsNot(), literal(None))


def is_true(value: Syntax) -> Syntax:
    """Gives `value is True`."""
    return compare(value, ast.Is(), literal(True))


def function(identifier: str, parameters: Sequence[str], body: Sequence[ast.stmt]) -> ast.Module:
    """Gives a module that holds one function."""
    arguments = ast.arguments(
        posonlyargs=[],
        args=[ast.arg(parameter) for parameter in parameters],
        kwonlyargs=[],
        kw_defaults=[],
        defaults=[],
    )
    definition = ast.FunctionDef(identifier, arguments, list(body), [])
    return ast.fix_missing_locations(ast.Module([definition], []))
