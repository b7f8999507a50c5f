"""Tables as rules in SQL see them: without deleted rows and without what may not be read."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql import operators

from metadata.access import Principal
from metadata.query.profile import FEW_VALUES
from rule_engine.backends.sql import compile_node_sql
from rule_engine.errors import NotTranslatableError, RuleError
from rule_engine.expression import Expression
from rule_engine.types import Kind

if TYPE_CHECKING:
    from metadata.catalog import Catalog

logger = logging.getLogger(__name__)

ARRAY = postgresql.ARRAY(sa.Text())
OWNERSHIP = (("owner", "owners"), ("owner_team", "teams"))
"""Columns that say whose a row is, with the part of a right that lists them."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A parameter that lists the owners or the teams of a right."""

    object: str
    action: str
    part: str

    def values(self, principal: Principal) -> list[str]:
        """Gives the ids for one principal."""
        rows = principal.access(self.object).reach(self.action)
        return sorted(rows.owners if self.part == "owners" else rows.teams)


def alive(table: sa.FromClause) -> sa.ColumnElement[bool]:
    """Gives the condition that a row is not deleted."""
    return table.c.deleted_at.is_(None)


class SystemTables:
    """A rule_engine SqlSchema over all rows that are not deleted: for conditions of rights."""

    def __init__(self, catalog: Catalog, dialect: str) -> None:
        self.catalog = catalog
        self.dialect = dialect

    def table(self, object_name: str) -> sa.FromClause:
        """Gives an object's living rows as a derived table."""
        base = self.catalog.tables[object_name].alias()
        return sa.select(*base.c).where(alive(base)).subquery()

    def column(
        self, table: sa.FromClause, object_name: str, field: str, part: str = ""
    ) -> sa.ColumnElement[object]:
        """Gives a field's column, or the column of one of its parts, in a table or its alias."""
        physical = self.catalog.objects[object_name].fields[field].column
        return table.c[f"{physical}${part}" if part else physical]


class PermittedTables(SystemTables):
    """A rule_engine SqlSchema over the rows and fields that one principal may read.

    Hidden columns are not even in the derived tables: what the checker would let through by
    mistake cannot be selected. `bound` collects the parameters that stand for owners and teams, so
    that people with rights of the same shape share statements.
    """

    def __init__(self, catalog: Catalog, dialect: str, principal: Principal) -> None:
        super().__init__(catalog, dialect)
        self.principal = principal
        self.bound: dict[str, Bound] = {}

    def table(self, object_name: str) -> sa.FromClause:
        """Gives the readable rows of an object as a derived table of its readable columns."""
        base = self.catalog.tables[object_name].alias()
        chosen = [base.c[name] for name in self.readable_columns(object_name)]
        return sa.select(*chosen).where(*self.conditions(base, object_name)).subquery()

    def readable_columns(self, object_name: str) -> tuple[str, ...]:
        """Gives the names of the columns, parts included, that may be seen in full."""
        access = self.principal.access(object_name)
        fields = self.catalog.objects[object_name].fields.values()
        seen = {field.column for field in fields if access.reads(field.name)} | {"id"}
        columns = self.catalog.tables[object_name].c
        return tuple(column.name for column in columns if column.name.split("$", 1)[0] in seen)

    def conditions(
        self, table: sa.FromClause, object_name: str, action: str = "read"
    ) -> tuple[sa.ColumnElement[bool], ...]:
        """Gives what a living row must fulfil to be within the principal's reach."""
        reached = self.reach(table, object_name, action)
        return (alive(table),) if reached is None else (alive(table), reached)

    def reach(
        self, table: sa.FromClause, object_name: str, action: str
    ) -> sa.ColumnElement[bool] | None:
        """Gives the row rule of an action; None when it reaches every row."""
        rows = self.principal.access(object_name).reach(action)
        if rows.all:
            return None
        owned = (
            self._held(table, object_name, action, column, part)
            for column, part in OWNERSHIP
            if getattr(rows, part) and column in table.c
        )
        shared = (self._condition(table, object_name, text) for text in rows.conditions)
        return sa.or_(sa.false(), *owned, *shared)

    def _held(
        self, table: sa.FromClause, object_name: str, action: str, column: str, part: str
    ) -> sa.ColumnElement[bool]:
        """Gives the condition that a row belongs to one of the owners or teams of a right."""
        name = f"{action}_{part}_{object_name}"
        self.bound[name] = Bound(object_name, action, part)
        values = self.bound[name].values(self.principal)
        hidden = len(values) > FEW_VALUES
        return one_of(table.c[column], many(name, self.dialect), self.dialect, drives=not hidden)

    def _condition(
        self, table: sa.FromClause, object_name: str, text: str
    ) -> sa.ColumnElement[bool]:
        """Compiles a condition of a grant; one that cannot be evaluated denies."""
        schema = self.catalog.schema
        try:
            node = parse_condition(text).resolve(schema, object_name, expect=Kind.BOOLEAN)
            return compile_node_sql(node, SystemTables(self.catalog, self.dialect), table)
        except (RuleError, NotTranslatableError) as error:
            logger.warning("a grant on %s denies, its condition is broken: %s", object_name, error)
            return sa.false()


@lru_cache(maxsize=1_024)
def parse_condition(text: str) -> Expression:
    """Gives a parsed condition, once per text and process. Raises RuleSyntaxError."""
    return Expression.parse(text)


def many(name: str, dialect: str) -> sa.BindParameter[Any]:
    """Gives a parameter that takes a list of texts."""
    return sa.bindparam(name, type_=ARRAY if dialect == "postgresql" else sa.JSON())


def one_of(
    column: sa.ColumnElement[Any],
    values: sa.BindParameter[Any],
    dialect: str,
    *,
    drives: bool = True,
) -> sa.ColumnElement[bool]:
    """Gives `column in values` with a text that does not depend on how many there are.

    Without `drives` SQLite's planner may not start from it. It would leave a better index for the
    owner's (count 26 → 187 ms), so the column is hidden from it behind a unary plus.
    """
    if dialect == "postgresql":
        return column == sa.any_(values)
    listed = sa.select(sa.func.json_each(values).table_valued("value").c.value)
    if drives:
        return column.in_(listed)
    plus: sa.ColumnElement[Any] = sa.UnaryExpression(
        column, operator=operators.custom_op("+"), type_=column.type
    )
    return plus.in_(listed)
