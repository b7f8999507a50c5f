"""Checked expressions as Python functions, made through `ast` from the tree, never from text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from rule_engine.backends.python.compiler import Compiled, compile_node
from rule_engine.backends.python.trace import Trace, trace_node
from rule_engine.types import Environment, Schema

if TYPE_CHECKING:
    from rule_engine.expression import Expression

__all__ = ["Compiled", "Trace", "compile_node", "compile_python", "trace_node"]


def compile_python(
    expression: Expression, schema: Schema, object_name: str
) -> Callable[[Mapping[str, object], Environment], object]:
    """Gives a function of a record and an environment; its value may be None (empty).

    Raises RuleCheckError for an expression that does not fit the schema, NotTranslatableError for
    one that needs what only the platform knows (business time without a calendar).
    """
    return compile_node(expression.resolve(schema, object_name))
