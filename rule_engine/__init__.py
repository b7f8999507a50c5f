"""The rule language of Trellis. Knows no CRM, no web and no database session."""

from __future__ import annotations

from rule_engine.check.whole import check, compile_program
from rule_engine.errors import (
    Diagnostic,
    NotTranslatableError,
    RuleCheckError,
    RuleError,
    RuleSyntaxError,
    Span,
)
from rule_engine.expression import Expression
from rule_engine.parse import parse, parse_expression
from rule_engine.program import Program

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
    "compile_program",
    "parse",
    "parse_expression",
]
