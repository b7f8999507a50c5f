"""What is joined to a table once for all its rows: records over references, totals of links.

For statements over many rows: aggregates of one link and condition share one subquery grouped by
the record they belong to, paths over the same references share one join. Every record is joined
at most once, so no row becomes several.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from itertools import count
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from rule_engine import core
from rule_engine.backends.dialects.values import Element

if TYPE_CHECKING:
    from rule_engine.backends.sql.frames import Frame

#: Says of an id whether its record is asked for at all.
Ids = Callable[[Element], sa.ColumnElement[bool]]
Names = Callable[[], int]


@dataclass(frozen=True, slots=True)
class Group:
    """The records of a link, grouped by the record they belong to.

    `owner` is that record's id in the outer statement. Columns are taken by name, since the
    subquery is complete only when all of the statement is compiled.
    """

    name: str
    frame: Frame
    reference: Element
    owner: Element
    conditions: tuple[sa.ColumnElement[bool], ...]
    columns: list[Element] = field(default_factory=list)

    @property
    def missing(self) -> sa.ColumnElement[bool]:
        """Gives whether a record has none of the rows."""
        return self._named("owner", self.reference.type).is_(None)

    def take(self, element: Element) -> Element:
        """Gives an aggregate of each record's rows; NULL for a record without any."""
        self.columns.append(element)
        return self._named(f"value{len(self.columns)}", element.type)

    def _named(self, name: str, kind: sa.types.TypeEngine[Any]) -> Element:
        column: Element = sa.literal_column(f"{self.name}.{name}", kind)
        return column

    def subquery(self) -> tuple[sa.FromClause, sa.ColumnElement[bool]]:
        """Gives the grouped rows, and what they are joined by."""
        labels = [each.label(f"value{place + 1}") for place, each in enumerate(self.columns)]
        select = sa.select(self.reference.label("owner"), *labels)
        select = select.select_from(self.frame.source).where(*self.conditions)
        grouped = select.group_by(self.reference).subquery(self.name)
        return grouped, grouped.c.owner == self.owner


@dataclass(slots=True)
class Joins:
    """All that is joined to one table.

    `ids` narrows the table's rows, as far as what is joined can make use of it.
    """

    ids: Ids | None = None
    names: Names = field(default_factory=lambda: count(1).__next__)
    paths: dict[object, tuple[sa.FromClause, sa.ColumnElement[bool]]] = field(default_factory=dict)
    groups: dict[object, Group] = field(default_factory=dict)

    def inner(self) -> Joins:
        """Gives those of a table inside of this one."""
        return Joins(names=self.names)

    @property
    def tables(self) -> tuple[sa.FromClause, ...]:
        """Gives the records that are joined over references."""
        return tuple(table for table, _ in self.paths.values())

    def source(self, table: sa.FromClause) -> sa.FromClause:
        """Gives the table with all that is joined to it."""
        source = table
        for joined, condition in self.paths.values():
            source = source.outerjoin(joined, condition)
        for group in self.groups.values():
            source = source.outerjoin(*group.subquery())
        return source


def sees_outside(node: core.Node) -> bool:
    """Says whether what stands inside of an aggregate speaks of the record outside (`this.`)."""
    pending = [node]
    while pending:
        current = pending.pop()
        if isinstance(current, (core.Path, core.Aggregate)) and current.scope is core.Scope.OUTER:
            return True
        # Inside of an aggregate further in, `this.` means the record at hand here.
        if not isinstance(current, core.Aggregate):
            pending.extend(core.children(current))
    return False


def meaning(node: core.Node | None) -> object:
    """Gives what is equal for two expressions that say the same in different places of a text."""
    if node is None:
        return None
    return tuple((type(each), each.type.kind, _shape_of(each)) for each in core.walk(node))


def _shape_of(node: core.Node) -> tuple[object, ...]:
    common = {part.name for part in fields(core.Node)}
    names = (part.name for part in fields(node) if part.name not in common)
    return tuple(_shape(getattr(node, name)) for name in names)


def _shape(value: object) -> object:
    if isinstance(value, core.Node):
        return core.Node
    return tuple(map(_shape, value)) if isinstance(value, tuple) else value
