"""Filters: a text of the rule language, checked against what the principal may see, as SQL."""

from __future__ import annotations

import sqlalchemy as sa

from metadata.problems import Problem
from metadata.query.answers import MAX_FILTER_BYTES, QueryProblem
from metadata.query.tables import PermittedTables, parse_condition
from rule_engine.backends.sql import compile_node_sql
from rule_engine.core import Node
from rule_engine.errors import (
    Diagnostic,
    NotTranslatableError,
    RuleCheckError,
    RuleSyntaxError,
)
from rule_engine.types import Kind, Schema

PARAMETER = "filter"


def resolve_filter(text: str, schema: Schema, object_name: str) -> Node:
    """Gives the checked condition. Raises QueryProblem with everything that is wrong."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_FILTER_BYTES:
        limit = {"limit": MAX_FILTER_BYTES}
        raise QueryProblem([Problem(PARAMETER, "filter_too_long", limit)])
    try:
        return parse_condition(text).resolve(schema, object_name, expect=Kind.BOOLEAN)
    except (RuleSyntaxError, RuleCheckError) as error:
        raise QueryProblem([as_problem(found) for found in error.diagnostics]) from error


def compile_filter(
    node: Node, tables: PermittedTables, root: sa.FromClause
) -> sa.ColumnElement[bool]:
    """Gives a checked condition as SQL. Raises QueryProblem for what SQL cannot say."""
    try:
        return compile_node_sql(node, tables, root)
    except NotTranslatableError as error:
        raise QueryProblem([as_problem(error.diagnostic)]) from error


def as_problem(found: Diagnostic) -> Problem:
    """Gives a finding of the language as a problem of the parameter, with its place."""
    values = {"message": found.said, "hint": found.advice}
    return Problem(PARAMETER, "bad_filter", values, found.span.line, found.span.column)
