"""How much people have to do: what assignments count before they give somebody more."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from metadata.catalog import Catalog
from metadata.objects import ObjectDefinition
from rule_engine.types import Directory

OPEN = (None, "open")
"""Categories of options at which a record still is somebody's work."""


@dataclass(frozen=True, slots=True)
class OwnedRecords:
    """A workload: what people own, and who of them is away today."""

    connection: sa.Connection
    catalog: Catalog
    directory: Directory

    def count(self, user: str, object_name: str) -> int:
        """Gives how many open records of an object a user owns.

        One is open while none of its choices is at an option of another category than `open`.
        """
        definition = self.catalog.objects[object_name]
        if not definition.owner:
            return 0
        table = self.catalog.tables[object_name]
        owned = sa.select(sa.func.count()).where(
            table.c.owner == user, table.c.deleted_at.is_(None), *open_only(definition, table)
        )
        return self.connection.execute(owned).scalar_one()

    def is_away(self, user: str) -> bool:
        """Says whether a user is away today."""
        return self.directory.absence(user) is not None

    def skills(self, user: str) -> Collection[str]:
        """Gives what a user knows."""
        table = self.catalog.tables["user"]
        found = self.connection.execute(sa.select(table.c.skills).where(table.c.id == user))
        return found.scalar() or ()

    def last_owner(self, object_name: str, field: str, value: object, record_id: str) -> str | None:
        """Gives who owns the newest other record of an object with the same value in a field."""
        definition, table = self.catalog.objects[object_name], self.catalog.tables[object_name]
        column = table.c[definition.fields[field].column]
        same = sa.select(table.c.owner).where(
            column == value,
            table.c.id != record_id,
            table.c.owner.is_not(None),
            table.c.deleted_at.is_(None),
        )
        newest = same.order_by(table.c.id.desc()).limit(1)
        owner: str | None = self.connection.execute(newest).scalar()
        return owner


def is_open(definition: ObjectDefinition, record: Mapping[str, object]) -> bool:
    """Says of a record that was read what `open_only` says of rows."""
    return not any(
        record.get(field.name) in {one.value for one in field.options if one.category not in OPEN}
        for field in definition.own_fields
        if field.type.name == "choice" and record.get(field.name) is not None
    )


def open_ids(catalog: Catalog, definition: ObjectDefinition) -> sa.Select[tuple[str]]:
    """Gives the question for the ids of the open records of an object."""
    table = catalog.tables[definition.name]
    there = table.c.deleted_at.is_(None)
    return sa.select(table.c.id).where(there, *open_only(definition, table))


def open_only(definition: ObjectDefinition, table: sa.Table) -> Iterator[sa.ColumnElement[bool]]:
    """Gives the conditions that a record is open."""
    for field in definition.own_fields:
        ended = [one.value for one in field.options if one.category not in OPEN]
        if ended and field.type.name == "choice":
            column = table.c[field.column]
            yield sa.or_(column.is_(None), column.not_in(ended))
