"""Tables as rules in SQL see them: without deleted rows and without what may not be read."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql import operators

from metadata.access import Principal
from metadata.computed.columns import is_whole, looked_up, virtual_part
from metadata.computed.definitions import is_as_user, resolve_field
from metadata.computed.reads import reads_of
from metadata.encryption import Cipher, EncryptionError
from metadata.fields.base import BASE, FieldDefinition, physical_name
from metadata.holding import holding_columns
from metadata.objects import LinkSides
from metadata.profile import FEW_VALUES
from metadata.query.sealed import MAIN, SEPARATOR, not_in_sql, use_indexes
from metadata.query.visible import visible_schema
from metadata.shares import RECORD_SHARE, shared_records
from rule_engine.backends.sql import compile_node_sql
from rule_engine.core import Node
from rule_engine.errors import NotTranslatableError, RuleError
from rule_engine.expression import Expression
from rule_engine.types import Kind

if TYPE_CHECKING:
    from metadata.catalog import Catalog

logger = logging.getLogger(__name__)

ARRAY = postgresql.ARRAY(sa.Text())


@dataclass(frozen=True, slots=True)
class Bound:
    """A parameter that lists ids of a right: `part` names the field of `Rows` that holds them."""

    object: str
    action: str
    part: str

    def ids(self, principal: Principal) -> frozenset[str]:
        """Gives the ids for one principal."""
        rows = principal.access(self.object).reach(self.action)
        found: frozenset[str] = getattr(rows, self.part)
        return found

    def values(self, principal: Principal) -> list[str]:
        """Gives the ids for one principal in their order."""
        return sorted(self.ids(principal))


def alive(table: sa.FromClause) -> sa.ColumnElement[bool]:
    """Gives the condition that a row is not deleted."""
    return table.c.deleted_at.is_(None)


class SystemTables:
    """A rule_engine SqlSchema over all rows that are not deleted: for conditions of rights."""

    def __init__(self, catalog: Catalog, dialect: str, cipher: Cipher | None = None) -> None:
        self.catalog = catalog
        self.dialect = dialect
        self.cipher = cipher
        self.needed: frozenset[tuple[str, str]] = frozenset()

    def table(self, object_name: str) -> sa.FromClause:
        """Gives an object's living rows as a derived table."""
        base = self.catalog.tables[object_name].alias()
        carried = self.carried(base, object_name)
        return sa.select(*base.c, *carried).where(alive(base)).subquery()

    def needing(self, node: Node, object_name: str) -> Self:
        """Gives the same with derived tables that carry the virtual fields a node looks at."""
        return self.needing_all([node], object_name)

    def needing_all(self, nodes: Sequence[Node], object_name: str) -> Self:
        """Gives what `needing` does, for nodes about the records of one object."""
        made = copy(self)
        looked_at = (read for node in nodes for read in reads_of(node, object_name))
        named = {(read.object, read.field) for read in looked_at}
        computed = self.catalog.computed.fields
        made.needed = frozenset(
            key for key in named & computed.keys() if computed[key].field.virtual
        )
        return made

    def carried(self, base: sa.FromClause, object_name: str) -> list[sa.Label[Any]]:
        """Gives the virtual fields that a derived table carries."""
        fields = self.catalog.objects[object_name].fields
        return [
            self.column(base, object_name, name, part).label(
                sa.quoted_name(physical_name(fields[name].column, part), quote=True)
            )
            for owner, name in sorted(self.needed)
            if owner == object_name and self.may_carry(owner, name)
            for part in fields[name].type.parts
            if part != BASE
        ]

    def may_carry(self, object_name: str, field: str) -> bool:
        """Says whether derived tables may carry a virtual field."""
        return True

    def _virtual(
        self, table: sa.FromClause, object_name: str, field: FieldDefinition, part: str
    ) -> sa.ColumnElement[object]:
        physical = physical_name(field.column, part)
        if physical in table.c:
            return table.c[physical]
        node = self._node(object_name, field.name)
        return virtual_part(object_name, field, node, part, self, table)

    def column(
        self, table: sa.FromClause, object_name: str, field: str, part: str = ""
    ) -> sa.ColumnElement[object]:
        """Gives a field's column, or the column of one of its parts, in a table or its alias."""
        name, _, behind = field.partition(SEPARATOR)
        found = self.catalog.objects[object_name].fields[name]
        if found.virtual:
            return self._virtual(table, object_name, found, part)
        if found.type.is_sealed and not behind:
            raise not_in_sql(name)
        part = part if behind in ("", MAIN) else behind
        return table.c[physical_name(found.column, part)]

    def _node(self, object_name: str, field: str) -> Node | None:
        """Gives the expression of a computed field; None when it cannot be resolved."""
        made = self.catalog.computed.fields.get((object_name, field))
        return None if made is None else made.node


class PermittedTables(SystemTables):
    """A rule_engine SqlSchema over the rows and fields that one principal may read.

    Hidden columns are not even in the derived tables: what the checker would let through by
    mistake cannot be selected. `bound` collects the parameters that stand for ids of rights
    (owners, teams, …), so that people with rights of the same shape share statements.
    """

    def __init__(
        self,
        catalog: Catalog,
        dialect: str,
        principal: Principal,
        cipher: Cipher | None = None,
    ) -> None:
        super().__init__(catalog, dialect, cipher)
        self.principal = principal
        self.bound: dict[str, Bound] = {}

    def on(self, dialect: str) -> PermittedTables:
        """Gives the same for another database."""
        return PermittedTables(self.catalog, dialect, self.principal, self.cipher)

    def table(self, object_name: str) -> sa.FromClause:
        """Gives the readable rows of an object as a derived table of its readable columns."""
        base = self.catalog.tables[object_name].alias()
        chosen = [
            *(base.c[name] for name in self.readable_columns(object_name)),
            *self.carried(base, object_name),
        ]
        return sa.select(*chosen).where(*self.conditions(base, object_name)).subquery()

    def column(
        self, table: sa.FromClause, object_name: str, field: str, part: str = ""
    ) -> sa.ColumnElement[object]:
        """Gives a field's column; a virtual field is worked out from all rows and columns, or from
        what the principal may see when its definition says so."""
        found = self.catalog.objects[object_name].fields.get(field)
        if found is None or not found.virtual:
            return super().column(table, object_name, field, part)
        physical = physical_name(found.column, part)
        if physical in table.c:
            return table.c[physical]
        if is_as_user(found):
            node = self._seen(found, object_name)
            return virtual_part(object_name, found, node, part, self, table)
        system = SystemTables(self.catalog, self.dialect, self.cipher)
        if is_whole(table):
            return system.column(table, object_name, field, part)
        if not self.principal.access(object_name).reads(field):
            raise KeyError(field)
        whole = self.catalog.tables[object_name]
        return looked_up(whole, table, lambda rows: system.column(rows, object_name, field, part))

    def may_carry(self, object_name: str, field: str) -> bool:
        """Says whether the principal may read a virtual field."""
        return self.principal.access(object_name).reads(field)

    def _seen(self, field: FieldDefinition, object_name: str) -> Node | None:
        """Gives the expression as far as the principal may see it and what it names; else None."""
        if not self.may_carry(object_name, field.name):
            return None
        try:
            schema = visible_schema(self.catalog.schema, self.principal)
            return resolve_field(field, object_name, schema)
        except RuleError:
            return None

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
        sides = self.catalog.objects[object_name].link_of
        if sides is not None and not self.principal.unrestricted:
            return self._both_sides(table, object_name, sides, action)
        rows = self.principal.access(object_name).reach(action)
        if rows.all:
            return None
        owned = (
            self._held(table, object_name, action, column, part)
            for column, part in holding_columns(self.catalog.objects[object_name])
            if getattr(rows, part)
        )
        given = (self._shared(table, object_name, action) for _ in range(bool(rows.grantees)))
        opened = (self._condition(table, object_name, text) for text in rows.conditions)
        return sa.or_(sa.false(), *owned, *given, *opened)

    def _both_sides(
        self, table: sa.FromClause, object_name: str, sides: LinkSides, action: str
    ) -> sa.ColumnElement[bool]:
        """Gives the condition that both records a link stands between may be read."""
        if not self.principal.access(object_name).may(action):
            return sa.false()
        fields = self.catalog.objects[object_name].fields
        found = []
        for reference, target in ((sides.here, sides.object), (sides.there, sides.target)):
            other = self.catalog.tables[target].alias()
            meets = other.c.id == table.c[fields[reference].column]
            rules = self.conditions(other, target)
            found.append(sa.exists(sa.select(other.c.id).where(meets, *rules)))
        return sa.and_(*found)

    def _held(
        self, table: sa.FromClause, object_name: str, action: str, column: str, part: str
    ) -> sa.ColumnElement[bool]:
        """Gives the condition that a row is held by one of those that a right lists."""
        values = self._bind(object_name, action, part)
        hidden = len(getattr(self.principal.access(object_name).reach(action), part)) > FEW_VALUES
        return one_of(table.c[column], values, self.dialect, drives=not hidden)

    def _shared(
        self, table: sa.FromClause, object_name: str, action: str
    ) -> sa.ColumnElement[bool]:
        """Gives the condition that a row was shared by hand, and still is."""
        share = RECORD_SHARE.alias()
        values = self._bind(object_name, action, "grantees")
        grantees = one_of(share.c.grantee, values, self.dialect)
        object_id = self.catalog.objects[object_name].id
        return table.c.id.in_(shared_records(object_id, action, grantees, share))

    def _bind(self, object_name: str, action: str, part: str) -> sa.BindParameter[Any]:
        """Gives a parameter for the ids in a part of a right, and notes what it stands for."""
        name = f"{action}_{part}_{object_name}"
        self.bound[name] = Bound(object_name, action, part)
        return many(name, self.dialect)

    def _condition(
        self, table: sa.FromClause, object_name: str, text: str
    ) -> sa.ColumnElement[bool]:
        """Compiles a condition of a grant; one that cannot be evaluated denies."""
        schema = self.catalog.schema
        try:
            node = parse_condition(text).resolve(schema, object_name, expect=Kind.BOOLEAN)
            used = use_indexes(node, self.catalog, self.cipher)
            tables = SystemTables(self.catalog, self.dialect).needing(node, object_name)
            return compile_node_sql(used, tables, table)
        except (RuleError, NotTranslatableError, EncryptionError) as error:
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
