"""The index of keys: kept right by every write, asked for records that may be the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from metadata.duplicates.compare import Values, comparable
from metadata.duplicates.definitions import DuplicateRule
from metadata.duplicates.keys import keys_of
from metadata.encryption import find_cipher
from metadata.objects import FieldDefinition, ObjectDefinition
from trellis.db import insert_into
from trellis.duplicates.crowded import MOST_OF_KEY, readable_holders, reads_all
from trellis.duplicates.tables import duplicate_key
from trellis.records.written import Written
from trellis.unit import Unit

FORMS: Final = 1
"""The number of this way to make keys: another one has all of them made anew."""

MOST_CANDIDATES: Final = 200
KEYS_AT_ONCE: Final = 400

Record = Mapping[str, object]
Row = tuple[str, int]
"""A rule's name and a key."""


def text_of(field: FieldDefinition, value: object) -> str:
    """Gives a value as the text that is compared."""
    if value is None:
        return ""
    wire = field.type.to_wire(value, field)
    return field.type.to_text(value, field) if isinstance(wire, Mapping) else str(wire)


def texts_of(definition: ObjectDefinition, rule: DuplicateRule, record: Record) -> dict[str, str]:
    """Gives the texts of a record that a rule compares; fields that are not held have none."""
    return {
        name: text_of(definition.fields[name], record[name])
        for name in rule.fields
        if record.get(name) is not None
    }


def forms_of(definition: ObjectDefinition, rule: DuplicateRule, record: Record) -> Values:
    """Gives the comparable forms of a record under a rule."""
    return comparable(rule, texts_of(definition, rule, record))


def digest(connection: sa.Connection, definition: ObjectDefinition, key: str) -> int:
    """Gives what is stored of a key: without the instance's key nobody can guess what it is of."""
    cipher = find_cipher(connection)
    scope = f"duplicates {definition.id}"
    hidden = cipher.index(key, scope) if cipher else sha256(f"{scope}\0{key}".encode()).hexdigest()
    return int.from_bytes(bytes.fromhex(hidden[:16]), signed=True)


def digests(
    connection: sa.Connection,
    definition: ObjectDefinition,
    rule: DuplicateRule,
    forms: Values,
    only: Collection[str] | None = None,
) -> set[int]:
    """Gives the stored keys of a record's comparable forms, of those made of the fields `only`."""
    return {digest(connection, definition, key) for key in keys_of(rule, forms, only)}


def digest_of_rules(connection: sa.Connection, definition: ObjectDefinition) -> str:
    """Gives what an object's keys follow from: rules, encryption key, way of making them."""
    cipher = find_cipher(connection)
    made = [
        (
            rule.name,
            [(one.field, one.by, one.kind, one.plus, one.region) for one in rule.comparisons],
            rule.keys,
        )
        for rule in definition.duplicates
    ]
    whole = repr((FORMS, cipher.keys[0].id if cipher else "", made))
    return sha256(whole.encode()).hexdigest()


def rows_of(connection: sa.Connection, definition: ObjectDefinition, record: Record) -> set[Row]:
    """Gives all keys of a record."""
    return {
        (rule.name, key)
        for rule in definition.duplicates
        for key in digests(connection, definition, rule, forms_of(definition, rule, record))
    }


def follow_keys(unit: Unit, definition: ObjectDefinition, writes: Sequence[Written]) -> None:
    """Brings the keys of written records up to date: only those that differ are touched."""
    compared = {name for rule in definition.duplicates for name in rule.fields}
    gone: list[dict[str, object]] = []
    new: list[dict[str, object]] = []
    for write in writes:
        is_whole = write.old is None or write.new is None
        if not is_whole and not any(map(write.differs, compared)):
            continue
        before = rows_of(unit.connection, definition, write.old or {})
        after = rows_of(unit.connection, definition, write.new or {})
        gone += [key_row(definition, write.id, row) for row in before - after]
        new += [key_row(definition, write.id, row) for row in after - before]
    remove_keys(unit.connection, gone)
    add_keys(unit.connection, new)


def key_row(definition: ObjectDefinition, record_id: str, row: Row) -> dict[str, object]:
    """Gives a row of the index."""
    return {"object": definition.id, "rule": row[0], "key": row[1], "record": record_id}


def remove_keys(connection: sa.Connection, rows: Sequence[Mapping[str, object]]) -> None:
    """Takes rows out of the index."""
    if not rows:
        return
    here = duplicate_key.c
    same = [
        here[name] == sa.bindparam(f"old_{name}") for name in ("object", "rule", "key", "record")
    ]
    values = [{f"old_{name}": value for name, value in row.items()} for row in rows]
    connection.execute(sa.delete(duplicate_key).where(*same), values)


def add_keys(connection: sa.Connection, rows: Sequence[Mapping[str, object]]) -> None:
    """Puts rows into the index that are not there yet, always in the same order: so that of two
    transactions neither waits for the other's."""
    if rows:
        ordered = sorted(rows, key=lambda row: (str(row["rule"]), int(str(row["key"]))))
        statement = insert_into(connection, duplicate_key).on_conflict_do_nothing()
        connection.execute(statement, ordered)


OBJECT: Final = sa.bindparam("object", type_=sa.Text)
RULE: Final = sa.bindparam("rule", type_=sa.Text)
KEYS: Final = sa.column("value", sa.BigInteger)


def held_on_sqlite() -> sa.CompoundSelect[Any]:
    """Gives the statement for the records under listed keys, of which few enough have each, and
    other keys without any: one that everybody has is counted up to the limit, and not read."""
    here, other = duplicate_key.c, duplicate_key.alias("other").c
    keys = sa.func.json_each(sa.bindparam("keys", type_=sa.JSON))
    listed = keys.table_valued(KEYS, name="listed")
    same = sa.select(sa.literal(1)).where(
        other.object == OBJECT, other.rule == RULE, other.key == listed.c.value
    )
    counted = same.correlate(listed).limit(MOST_OF_KEY + 1).subquery()
    number = sa.select(sa.func.count()).select_from(counted).scalar_subquery()
    telling = sa.select(listed.c.value).where(number <= MOST_OF_KEY)
    held = sa.select(here.key, here.record).where(
        here.object == OBJECT, here.rule == RULE, here.key.in_(telling)
    )
    crowded = sa.select(listed.c.value, sa.null()).where(number > MOST_OF_KEY)
    return sa.union_all(held, crowded)


def held_on_postgresql() -> sa.Select[Any]:
    """Gives the statement for the records under listed keys, one more than the limit of each."""
    here = duplicate_key.c
    keys = sa.func.unnest(sa.bindparam("keys", type_=postgresql.ARRAY(sa.BigInteger)))
    listed = keys.table_valued(KEYS, name="listed").render_derived()
    some = (
        sa.select(here.record)
        .where(here.object == OBJECT, here.rule == RULE, here.key == listed.c.value)
        .limit(MOST_OF_KEY + 1)
        .lateral("some")
    )
    return sa.select(listed.c.value, some.c.record).select_from(listed.join(some, sa.true()))


HELD: Final[Mapping[str, sa.Executable]] = {
    "sqlite": held_on_sqlite(),
    "postgresql": held_on_postgresql(),
}


def holders(
    unit: Unit, definition: ObjectDefinition, rule: DuplicateRule, keys: Iterable[int]
) -> dict[int, list[str]]:
    """Gives the records by key; keys that too many have are left out, and of those that the
    principal does not read as a whole only what she reads is there."""
    wanted = sorted(set(keys))
    statement = HELD[unit.connection.dialect.name]
    of_rule = {"object": definition.id, "rule": rule.name}
    found: dict[int, list[str | None]] = {}
    for start in range(0, len(wanted), KEYS_AT_ONCE):
        some = wanted[start : start + KEYS_AT_ONCE]
        for key, record in unit.connection.execute(statement, {**of_rule, "keys": some}):
            found.setdefault(key, []).append(record)
    crowded = {
        key for key, records in found.items() if len(records) > MOST_OF_KEY or None in records
    }
    held = {key: list(map(str, found[key])) for key in found.keys() - crowded}
    if crowded and not reads_all(unit, definition):
        held |= {key: readable_holders(unit, definition, rule, key) for key in crowded}
    return held


def candidates(
    unit: Unit,
    definition: ObjectDefinition,
    rule: DuplicateRule,
    forms: Values,
    only: Collection[str],
) -> list[str]:
    """Gives the records that share keys with comparable forms, those that share most first.

    At most so many that the principal reads, and as many others: neither take the others' places.
    """
    keys = digests(unit.connection, definition, rule, forms, only)
    if not keys:
        return []
    known = holders(unit, definition, rule, keys)
    shared = Counter(record for records in known.values() for record in records)
    ordered = sorted(shared, key=lambda record: (-shared[record], record))
    if len(ordered) <= MOST_CANDIDATES:
        return ordered
    read = unit.records().readable(definition.name, ordered)
    mine, others = ([one for one in ordered if (one in read) is side] for side in (True, False))
    return [*mine[:MOST_CANDIDATES], *others[:MOST_CANDIDATES]]
