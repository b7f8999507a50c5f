"""Stored computed fields of all records, brought right by one statement for each group."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from metadata.computed.definitions import Computed, Key
from metadata.fields.base import BASE, FOLD, FieldDefinition, physical_name
from metadata.query.tables import SystemTables, alive
from rule_engine.backends.sql import Bulk, parameters
from rule_engine.types import Environment

if TYPE_CHECKING:
    from metadata.catalog import Catalog


@dataclass(frozen=True, slots=True)
class Worked:
    """The right values of some fields of one object, as a derived table beside its own.

    `parts` are its columns by physical name; a part of an empty value is empty.
    """

    table: sa.Table
    rows: sa.Subquery
    parts: Mapping[str, sa.ColumnElement[Any]]
    compared: Collection[str]

    @property
    def differs(self) -> sa.ColumnElement[bool]:
        """Gives whether what a row holds is not right."""
        found = [
            missing(self.table.c[name], self.parts[name])
            if name.endswith(f"${BASE}")
            else self.table.c[name].is_distinct_from(self.parts[name])
            for name in self.compared
        ]
        return sa.and_(self.table.c.id == self.rows.c.id, sa.or_(*found))

    @property
    def written(self) -> dict[str, sa.ColumnElement[Any]]:
        """Gives what a row gets that is not right; the worth of an amount that stays, stays."""
        return {
            name: self._worth(name, part) if name.endswith(f"${BASE}") else part
            for name, part in self.parts.items()
        }

    def _worth(self, name: str, right: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        amount = name.removesuffix(f"${BASE}")
        same = [
            self.table.c[part].is_not_distinct_from(self.parts[part])
            for part in (amount, physical_name(amount, "currency"))
        ]
        kept = self.table.c[name]
        worth = sa.case((sa.and_(kept.is_not(None), *same), kept), else_=right)
        return sa.type_coerce(worth, right.type)


def work_out(catalog: Catalog, dialect: str, object_name: str, fields: list[Computed]) -> Worked:
    """Gives the right values of fields of all living records."""
    table = catalog.tables[object_name]
    root = table.alias()
    tables = SystemTables(catalog, dialect).needing_all([one.node for one in fields], object_name)
    bulk = Bulk(tables, root)
    made: dict[str, sa.ColumnElement[Any]] = {}
    main: dict[str, str] = {}
    for one in fields:
        kept = bulk.stored(one.node, one.field.type.kept_form(one.field))
        for part, element in kept.items():
            name = physical_name(one.field.column, part)
            made[name] = element
            main[name] = one.field.column
    columns = [element.label(f"v{place}") for place, element in enumerate(made.values())]
    chosen = sa.select(root.c.id, *columns).select_from(bulk.source).where(alive(root))
    rows = chosen.subquery("worked_out")
    labels = {name: rows.c[f"v{place}"] for place, name in enumerate(made)}
    parts = {
        name: element if main[name] == name else beside(labels[main[name]], element)
        for name, element in labels.items()
    }
    compared = [name for name in parts if not name.endswith(f"${FOLD}")]
    return Worked(table, rows, parts, compared)


def missing(kept: sa.ColumnElement[Any], right: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Gives whether nothing is kept although there is a value; what an amount was worth when it
    was saved stays."""
    return sa.and_(kept.is_(None), right.is_not(None))


def beside(value: sa.ColumnElement[Any], part: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Gives another part of a value: nothing where the value is empty."""
    return sa.type_coerce(sa.case((value.is_not(None), part)), part.type)


def fill(
    connection: sa.Connection, catalog: Catalog, keys: Collection[Key], environment: Environment
) -> int:
    """Brings stored fields right, in order; gives how many rows were not, once for each group."""
    changed = 0
    for group in catalog.computed.groups:
        fields = [one for one in group.fields if one.key in keys]
        if fields:
            worked = work_out(catalog, connection.dialect.name, group.object, fields)
            update = sa.update(worked.table).values(worked.written).where(worked.differs)
            changed += connection.execute(update, parameters(update, environment)).rowcount
    return changed


def count_wrong(
    connection: sa.Connection, catalog: Catalog, environment: Environment
) -> Iterator[tuple[Computed, int]]:
    """Gives each stored field with the number of living records that hold a wrong value.

    A value that is wrong because another one is counts only where that is the case now.
    """
    for group in catalog.computed.groups:
        for one in group.fields:
            worked = work_out(catalog, connection.dialect.name, group.object, [one])
            both = worked.table.join(worked.rows, worked.differs)
            counted = sa.select(sa.func.count()).select_from(both)
            found = connection.scalar(counted, parameters(counted, environment))
            yield one, int(found or 0)


def to_fill(before: Catalog, after: Catalog) -> set[Key]:
    """Gives the stored fields whose values a new version of the definitions can make wrong.

    Those that are new or mean something else, those that look at a field which keeps its values
    in another way, and all that depend on them.
    """
    known = {one.field.id: meaning(before, one) for one in before.computed.fields.values()}
    causes = {
        key
        for key, one in after.computed.fields.items()
        if known.get(one.field.id) != meaning(after, one)
    }
    was = {
        field.id: field
        for definition in (*before.objects.values(), *before.retired.values())
        for field in (*definition.own_fields, *definition.retired_fields.values())
    }
    causes |= {
        (definition.name, field.name)
        for definition in after.objects.values()
        for field in definition.own_fields
        if not field.computed and keeping(was.get(field.id)) != keeping(field)
    }
    return after.computed.dependents(causes)


def meaning(catalog: Catalog, one: Computed) -> tuple[object, ...]:
    """Gives what decides a field's values: what its expression says, and how it is kept.

    Two equal meanings give equal values; unequal ones may.
    """
    virtual = (
        catalog.computed.fields[key]
        for key in catalog.computed.sources(one.key)
        if catalog.computed.fields[key].field.virtual
    )
    inner = tuple(meaning(catalog, each) for each in virtual)
    return repr(one.node), keeping(one.field), one.field.virtual, inner


def keeping(field: FieldDefinition | None) -> tuple[object, ...]:
    """Gives how a field keeps its values."""
    if field is None:
        return ()
    kept = field.type.kept_form(field) if field.type.parts else None
    column = (repr(kept.column), getattr(kept.column, "scale", None)) if kept is not None else ()
    places = (kept.currency, repr(kept.places)) if kept is not None else ()
    return field.type.name, field.column, column, places
