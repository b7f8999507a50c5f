"""Keeping others from making the same record at the same moment, where a rule blocks duplicates.

Two transactions of PostgreSQL do not see what the other has not committed yet, so both would find
nothing and both would pass. Each holds the keys of what it makes until it ends; the other waits,
and then finds the record. SQLite has one writer at a time anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from metadata.duplicates.definitions import BLOCK, DuplicateRule
from metadata.objects import ObjectDefinition
from trellis.duplicates.check import usable_rules
from trellis.duplicates.index import Record, digests, forms_of
from trellis.unit import Unit

MOST_KEYS: Final = 64
"""So many keys are held one by one; for more an object is held as a whole. PostgreSQL has room for
some thousand such locks in all."""


def hold_new(unit: Unit, definition: ObjectDefinition, records: Sequence[Record]) -> None:
    """Waits until nobody else makes records that share keys with new ones, and lets nobody until
    the transaction ends. Does nothing where no rule blocks."""
    if not is_held(unit, definition):
        return
    keys = {
        key
        for rule, fields in usable_rules(unit, definition)
        if is_blocking(rule)
        for record in records
        for key in digests(
            unit.connection, definition, rule, forms_of(definition, rule, record), fields
        )
    }
    if len(keys) > MOST_KEYS:
        hold_object(unit, definition)
    elif keys:
        unit.connection.execute(ONE_BY_ONE, {"whole": number_of(definition), "keys": sorted(keys)})


def hold_object(unit: Unit, definition: ObjectDefinition) -> None:
    """Waits until nobody else makes any records that a rule might block, and lets nobody."""
    if is_held(unit, definition):
        unit.connection.execute(
            sa.select(sa.func.pg_advisory_xact_lock(sa.bindparam("whole", number_of(definition))))
        )


def is_held(unit: Unit, definition: ObjectDefinition) -> bool:
    """Says whether makers of an object's records wait for each other."""
    if unit.connection.dialect.name != "postgresql":
        return False
    return any(map(is_blocking, definition.duplicates))


def is_blocking(rule: DuplicateRule) -> bool:
    """Says whether a rule blocks at any door: what comes in by another one has to be seen too."""
    return BLOCK in (rule.on_create, rule.on_import)


def number_of(definition: ObjectDefinition) -> int:
    """Gives the number of the lock on all keys of an object."""
    digest = sha256(f"duplicates of {definition.id}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)


def one_by_one() -> sa.CompoundSelect[Any]:
    """Gives the statement that shares in an object and then takes keys, always in their order, so
    that of two transactions neither waits for the other."""
    keys = sa.func.unnest(sa.bindparam("keys", type_=postgresql.ARRAY(sa.BigInteger)))
    ordered = sa.select(keys.label("key")).order_by("key").subquery()
    whole = sa.bindparam("whole", type_=sa.BigInteger)
    return sa.union_all(
        sa.select(sa.func.pg_advisory_xact_lock_shared(whole)),
        sa.select(sa.func.pg_advisory_xact_lock(ordered.c.key)),
    )


ONE_BY_ONE: Final = one_by_one()
