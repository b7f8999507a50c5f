"""Filters: a text of the rule language, checked against what the principal may see, as SQL."""

from __future__ import annotations

import sqlalchemy as sa

from metadata.problems import Problem
from metadata.query.answers import MAX_FILTER_BYTES, QueryProblem
from metadata.query.lifted import with_numbers
from metadata.query.nesting import is_readable
from metadata.query.sealed import sealed_problems, use_indexes
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
SQLITE = "sqlite"


def resolve_filter(text: str, schema: Schema, object_name: str, this: str | None = None) -> Node:
    """Gives the checked condition; `this` names the object that `this.` means, if another record.

    Raises QueryProblem with everything that is wrong.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_FILTER_BYTES:
        limit = {"limit": MAX_FILTER_BYTES}
        raise QueryProblem([Problem(PARAMETER, "filter_too_long", limit)])
    try:
        condition = parse_condition(text)
        node = condition.resolve(schema, object_name, expect=Kind.BOOLEAN, this=this)
    except (RuleSyntaxError, RuleCheckError) as error:
        raise QueryProblem([as_problem(found) for found in error.diagnostics]) from error
    sealed = list(sealed_problems(node, schema, PARAMETER))
    if sealed:
        raise QueryProblem(sealed)
    return node


def compile_filter(
    node: Node, tables: PermittedTables, root: sa.FromClause, object_name: str
) -> sa.ColumnElement[bool]:
    """Gives a checked condition on an object's records as SQL.

    Raises QueryProblem for what SQL cannot say, and what is nested deeper than SQLite reads.
    """
    used = use_indexes(node, tables.catalog, tables.cipher)

    def compiled(node: Node, chosen: PermittedTables) -> sa.ColumnElement[bool]:
        return compile_node_sql(node, chosen.needing(node, object_name), root)

    try:
        made = on_sqlite = compiled(used, tables)
        if tables.dialect != SQLITE:
            on_sqlite = compiled(with_numbers(used), tables.on(SQLITE))
    except NotTranslatableError as error:
        raise QueryProblem([as_problem(error.diagnostic)]) from error
    if not is_readable([on_sqlite]):
        raise QueryProblem([Problem(PARAMETER, "too_nested")])
    return made


def as_problem(found: Diagnostic) -> Problem:
    """Gives a finding of the language as a problem of the parameter, with its place."""
    values = {"message": found.said, "hint": found.advice}
    return Problem(PARAMETER, "bad_filter", values, found.span.line, found.span.column)
