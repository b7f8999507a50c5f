"""Rotation of encryption keys: everything that an older key sealed is sealed anew, in batches."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from metadata.catalog import Catalog
from metadata.columns import place_of
from metadata.encryption import Cipher, EncryptionError, Sealed, cipher_of
from metadata.fields.base import FieldDefinition, physical_name
from metadata.fields.encrypted import Encrypted
from metadata.objects import ObjectDefinition
from trellis.db import Database

BATCH = 500


@dataclass(frozen=True, slots=True)
class Sealing:
    """A field whose values are stored encrypted."""

    object: ObjectDefinition
    table: sa.Table
    field: FieldDefinition

    @property
    def column(self) -> sa.Column[Any]:
        """Gives the column that holds sealed values."""
        return self.table.c[self.field.column]

    def older(self, cipher: Cipher) -> sa.ColumnElement[bool]:
        """Gives the condition that another key than the first sealed a value."""
        return sa.cast(self.column, sa.Text).not_like(f"v1.{cipher.keys[0].id}.%")


def sealings(catalog: Catalog) -> Iterator[Sealing]:
    """Gives all encrypted fields, retired ones and those of retired objects too."""
    for name, definition in {**catalog.retired, **catalog.objects}.items():
        fields = (*definition.own_fields, *definition.retired_fields.values())
        for field in fields:
            if isinstance(field.type, Encrypted):
                yield Sealing(definition, catalog.tables[name], field)


def waiting(connection: sa.Connection, catalog: Catalog) -> Mapping[str, int]:
    """Gives how many values wait to be sealed anew, by `object.field`; only where some do."""
    cipher, found = cipher_of(connection), {}
    for one in sealings(catalog):
        query = sa.select(sa.func.count()).where(one.column.is_not(None), one.older(cipher))
        number = int(connection.scalar(query.select_from(one.table)) or 0)
        if number:
            found[f"{one.object.name}.{one.field.name}"] = number
    return found


def rotate(database: Database, catalog: Catalog) -> int:
    """Seals anew what older keys have sealed; gives how many values.

    Each batch is a transaction of its own: what was cut off goes on with the next call, and
    readers have every key meanwhile. Versions and histories of records stay as they are. Raises
    EncryptionError for a value whose key is not there.
    """
    return sum(done for one in sealings(catalog) for done in rotate_field(database, one))


def rotate_field(
    database: Database, one: Sealing, batch: int = BATCH
) -> Generator[int, None, None]:
    """Seals the values of one field anew; gives after each batch how many it were."""
    after = ""
    while True:
        with database.write() as connection:
            cipher = cipher_of(connection)
            query = (
                sa.select(one.table.c.id, one.column)
                .where(one.table.c.id > after, one.column.is_not(None), one.older(cipher))
                .order_by(one.table.c.id)
                .limit(batch)
                .with_for_update()
            )
            rows = connection.execute(query).all()
            for record_id, sealed in rows:
                seal_anew(connection, one, str(record_id), sealed)
        yield len(rows)
        if len(rows) < batch:
            return
        after = str(rows[-1][0])


def seal_anew(connection: sa.Connection, one: Sealing, record_id: str, sealed: Sealed) -> None:
    """Writes one value under the first key, with its blind index."""
    kind, cipher = one.field.type, cipher_of(connection)
    if not isinstance(kind, Encrypted):
        raise EncryptionError(f"{one.field.name} is not encrypted")
    place = place_of(one.object, one.field, record_id)
    parts = kind.seal_text(cipher.open(sealed, place), cipher, place)
    values = {physical_name(one.field.column, part): stored for part, stored in parts.items()}
    connection.execute(sa.update(one.table).where(one.table.c.id == record_id).values(values))
