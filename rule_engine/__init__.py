"""The rule language of Trellis. Knows no CRM, no web and no database session."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from rule_engine.check.whole import check, compile_program
from rule_engine.errors import (
    Diagnostic,
    NotTranslatableError,
    RuleCheckError,
    RuleError,
    RuleSyntaxError,
    Span,
    sentence,
    show,
)
from rule_engine.expression import Expression
from rule_engine.parse import parse, parse_expression
from rule_engine.program import Program

if TYPE_CHECKING:
    from rule_engine.backends.javascript.compiler import compile_javascript
    from rule_engine.backends.python import compile_python
    from rule_engine.backends.sql import compile_sql
    from rule_engine.editor import complete, format_text, hover, rename
    from rule_engine.testing import run_tests

__product__ = "trellis"

__all__ = [
    "Diagnostic",
    "Expression",
    "NotTranslatableError",
    "Program",
    "RuleCheckError",
    "RuleError",
    "RuleSyntaxError",
    "Span",
    "check",
    "compile_javascript",
    "compile_program",
    "compile_python",
    "compile_sql",
    "complete",
    "format_text",
    "hover",
    "parse",
    "parse_expression",
    "rename",
    "run_tests",
    "sentence",
    "show",
]

#: Where the names are that are imported when they are first asked for.
_LATER = {
    "compile_javascript": "rule_engine.backends.javascript.compiler",
    "compile_python": "rule_engine.backends.python",
    "compile_sql": "rule_engine.backends.sql",
    **dict.fromkeys(("complete", "format_text", "hover", "rename"), "rule_engine.editor"),
    "run_tests": "rule_engine.testing",
}


def __getattr__(name: str) -> object:
    """Gives a name of the public face that is not imported yet."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)
