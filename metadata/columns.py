"""Between values of records and columns of tables: the one way, which encrypts what has to be."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import sqlalchemy as sa

from metadata.ddl import table_name
from metadata.encryption import Cipher, Place, Sealed, cipher_of
from metadata.exchange import BaseOnly, base_currency
from metadata.fields.base import FieldDefinition, FieldType, physical_name
from metadata.fields.encrypted import Encrypted, index_name
from metadata.objects import ObjectDefinition
from rule_engine.types import RateTable


def place_of(definition: ObjectDefinition, field: FieldDefinition, record_id: str) -> Place:
    """Gives the place of a field's value, by physical names: a rename leaves it alone."""
    return Place(table_name(definition), record_id, field.column)


def to_columns(
    connection: sa.Connection,
    definition: ObjectDefinition,
    record_id: str,
    values: Mapping[str, object],
    rates: RateTable | None = None,
) -> dict[str, object]:
    """Gives what to store for field values of a record, by physical column; nothing for virtual
    fields. Without `rates` only amounts in the base currency have a worth in it.

    Raises EncryptionError for an encrypted field on a connection without a cipher.
    """
    columns: dict[str, object] = {}
    for name, value in values.items():
        field = definition.fields[name]
        if field.virtual:
            continue
        if is_plain(type(field.type)):
            columns[field.column] = value
            continue
        parts = to_parts(connection, definition, field, record_id, value, rates)
        for part, stored in parts.items():
            columns[physical_name(field.column, part)] = stored
    return columns


@cache
def is_plain(kind: type[FieldType]) -> bool:
    """Says whether values of a type are stored as they are, in one column."""
    own = (kind.to_parts, kind.rated_parts)
    as_is = own == (FieldType.to_parts, FieldType.rated_parts)
    return as_is and kind.parts == ("",) and not issubclass(kind, Encrypted)


def to_parts(
    connection: sa.Connection,
    definition: ObjectDefinition,
    field: FieldDefinition,
    record_id: str,
    value: object,
    rates: RateTable | None = None,
) -> dict[str, object]:
    """Gives what to store for one value, by part."""
    kind = field.type
    if value is None or not isinstance(kind, Encrypted):
        known = rates or BaseOnly(base_currency(connection))
        return kind.to_parts(value, field) | kind.rated_parts(value, known)
    place = place_of(definition, field, record_id)
    return kind.seal(value, field, cipher_of(connection), place)


def from_parts(
    connection: sa.Connection,
    definition: ObjectDefinition,
    field: FieldDefinition,
    record_id: str,
    parts: Mapping[str, object],
) -> object:
    """Gives the value of what is stored, by part; an encrypted one is opened."""
    kind, main = field.type, parts.get("")
    if not isinstance(kind, Encrypted):
        return kind.from_parts(parts, field)
    if main is None:
        return None
    sealed, place = Sealed(main), place_of(definition, field, record_id)
    return kind.open(sealed, field, lambda: cipher_of(connection).open(sealed, place))


def indexes_of(
    cipher: Cipher, definition: ObjectDefinition, field: FieldDefinition, value: object
) -> list[str]:
    """Gives all blind indexes by which an encrypted field may hold a value."""
    kind = field.type
    if not isinstance(kind, Encrypted):
        raise TypeError(f"{field.name} is not encrypted")
    name = index_name(place_of(definition, field, ""))
    return cipher.indexes(kind.to_secret(value, field), name)
