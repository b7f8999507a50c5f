"""Checked expressions as SQL, for SQLite and PostgreSQL.

A condition is compiled for a place where NULL counts as false (WHERE, CASE WHEN): plain, so that
an index can be used. Bind parameters: `now`, `today`, `zone`, `user_<field>` (the acting person)
and, outside an aggregate, `this_<field>` for `this.`; where unlike
currencies may meet, `rates` and `base_currency`. `parameters` fills them all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from rule_engine import core
from rule_engine.backends.dialects.sqlite_functions import register_sqlite_functions
from rule_engine.backends.dialects.values import Plain, parts
from rule_engine.backends.sql.compiler import Compiler
from rule_engine.backends.sql.frames import Frame, not_said
from rule_engine.backends.sql.joins import Ids, Joins
from rule_engine.backends.sql.parameters import (
    named_parameters,
    parameter_names,
    parameters,
    rate_parameters,
)
from rule_engine.backends.sql.rescoring import Rescoring, compile_rescoring_sql
from rule_engine.backends.sql.scores import ScoreColumns, compile_score_sql
from rule_engine.backends.sql.stored import stored_parts
from rule_engine.check.words import kind_name
from rule_engine.columns import Kept
from rule_engine.types import Kind, Schema, SqlSchema

if TYPE_CHECKING:
    from rule_engine.expression import Expression

__all__ = [
    "Bulk",
    "Rescoring",
    "ScoreColumns",
    "compile_node_sql",
    "compile_parts_sql",
    "compile_rescoring_sql",
    "compile_score_sql",
    "compile_sql",
    "compile_stored_sql",
    "named_parameters",
    "parameter_names",
    "parameters",
    "rate_parameters",
    "register_sqlite_functions",
]


def compile_sql(
    expression: Expression,
    schema: Schema,
    object_name: str,
    sql_schema: SqlSchema,
    *,
    root: sa.FromClause | None = None,
) -> sa.ColumnElement[Any]:
    """Gives a condition or a value on `root` (default: the object's table itself).

    Raises RuleCheckError for an expression that does not fit the schema, NotTranslatableError for
    one that SQL cannot say.
    """
    node = expression.resolve(schema, object_name)
    return compile_node_sql(
        node, sql_schema, sql_schema.table(object_name) if root is None else root
    )


def compile_node_sql(
    node: core.Node, sql_schema: SqlSchema, root: sa.FromClause
) -> sa.ColumnElement[Any]:
    """Gives a condition (of a boolean node), else a value, NULL for empty.

    Raises NotTranslatableError, also for values of several parts: see `compile_parts_sql`.
    """
    if node.type.kind is Kind.BOOLEAN:
        return Compiler(sql_schema).whole_condition(node, Frame(root))
    found = compile_parts_sql(node, sql_schema, root)
    if len(found) == 1:
        return found[""]
    raise not_said(
        node, "a value of the kind {kind} is more than one column", kind=kind_name(node.type.kind)
    )


def compile_parts_sql(
    node: core.Node, sql_schema: SqlSchema, root: sa.FromClause
) -> dict[str, sa.ColumnElement[Any]]:
    """Gives the columns of a value by part: money has "" and "currency".

    A boolean is true, false or NULL (empty) here; clock lengths are milliseconds, calendar lengths
    have the parts "months" and "days".
    """
    return _columns(Compiler(sql_schema), node, Frame(root))


class Bulk:
    """Expressions for one statement over all or many rows of `root`.

    What is asked of links and references is joined to `root` once, where the functions above look
    it up for each row: select from `source`, to be taken after the last expression. No row is
    doubled or lost by it. `ids` may narrow the rows by their id: totals of links need no others.
    There can be one for each SELECT.

    It pays where all or most rows are computed: an UPDATE, an order by a total. For a page of rows
    that only shows one, looking it up is quicker by far (`tests/bench/rollups.py`).
    """

    def __init__(
        self, sql_schema: SqlSchema, root: sa.FromClause, *, ids: Ids | None = None
    ) -> None:
        self._compiler = Compiler(sql_schema)
        self._frame = Frame(root, joins=Joins(ids))

    def condition(self, node: core.Node) -> sa.ColumnElement[bool]:
        """Gives a condition for a place where NULL counts as false."""
        return self._compiler.whole_condition(node, self._frame)

    def parts(self, node: core.Node) -> dict[str, sa.ColumnElement[Any]]:
        """Gives the columns of a value, see `compile_parts_sql`."""
        return _columns(self._compiler, node, self._frame)

    def stored(self, node: core.Node, kept: Kept) -> dict[str, sa.ColumnElement[Any]]:
        """Gives what an UPDATE writes, see `compile_stored_sql`."""
        return _stored(self._compiler, node, self._frame, kept)

    @property
    def source(self) -> sa.FromClause:
        """Gives what to select from."""
        return self._frame.source


def _columns(compiler: Compiler, node: core.Node, frame: Frame) -> dict[str, sa.ColumnElement[Any]]:
    value = compiler.value(node, frame)
    columns = {
        name: part.element if isinstance(part, Plain) else compiler.numbers.result(part)
        for name, part in parts(value).items()
    }
    compiler.sizes.refuse_long(node, columns.values())
    return columns


def compile_stored_sql(
    node: core.Node,
    sql_schema: SqlSchema,
    root: sa.FromClause,
    column: sa.types.TypeEngine[Any] | Kept,
) -> dict[str, sa.ColumnElement[Any]]:
    """Gives what an UPDATE writes into the columns of a field, by part.

    `column` is the main column's type, or all that decides how values are kept. Numbers are
    rounded half up to its scale; one of more than 18 digits becomes NULL. (What the other
    functions give has a scale of its own on SQLite.)
    """
    kept = column if isinstance(column, Kept) else Kept(column)
    return _stored(Compiler(sql_schema), node, Frame(root), kept)


def _stored(
    compiler: Compiler, node: core.Node, frame: Frame, kept: Kept
) -> dict[str, sa.ColumnElement[Any]]:
    columns = stored_parts(compiler, node, frame, kept)
    compiler.sizes.refuse_long(node, columns.values())
    return columns
