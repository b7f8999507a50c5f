"""Values that take another form because the type of their field changes.

A conversion never touches the old column: the new one is filled, and the old one stays with the
field as it was, out of use. So nothing is lost for good, and going back gives each record that
nobody has changed since its original value. Every value is read by the rules of its own type;
SQLite's CAST, which makes 0 of any text, is not used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from metadata.catalog import Catalog
from metadata.columns import from_parts, to_parts
from metadata.fields.base import UTC, FieldDefinition, Refused, physical_name
from metadata.preflight import TablePair, pair_tables
from rule_engine.columns import MAX_DIGITS, Scaled
from rule_engine.types import Kind

SAMPLES: Final = 5
BATCH_ROWS: Final = 2000
HIDDEN: Final = "•••"
REMEMBERED: Final = 20_000
"""Distinct values whose conversion is remembered during one pass."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """Values of `source` (as it was) that become values of `target` (as it will be).

    `is_back` tells the way back to a field that has its own older values.
    """

    pair: TablePair
    source: FieldDefinition
    target: FieldDefinition
    is_back: bool

    @property
    def place(self) -> str:
        """Gives `object.field`."""
        return f"{self.pair.definition.name}.{self.target.name}"


@dataclass(frozen=True, slots=True)
class Sample:
    """One value and what it becomes, as texts; `after` is None for one that does not convert."""

    id: str
    before: str
    after: str | None


@dataclass(slots=True)
class Tally:
    """How many values convert as they are, change their form, or have none in the new type.

    Each with its first samples. Deleted records count too: they can be brought back.
    """

    converted: int = 0
    changed: int = 0
    lost: int = 0
    samples: dict[str, list[Sample]] = field(
        default_factory=lambda: {"converted": [], "changed": [], "lost": []}
    )

    @property
    def rows(self) -> int:
        """Gives how many values there are."""
        return self.converted + self.changed + self.lost

    def add(self, kind: str, sample: Sample) -> None:
        """Counts one value."""
        setattr(self, kind, getattr(self, kind) + 1)
        if len(self.samples[kind]) < SAMPLES:
            self.samples[kind].append(sample)


def find_conversions(before: Catalog, after: Catalog) -> list[Conversion]:
    """Gives the conversions that lead from one catalog to the next."""
    return [found for pair in pair_tables(before, after) for found in conversions_of(pair)]


def conversions_of(pair: TablePair) -> Iterator[Conversion]:
    """Gives the conversions of one object. What was computed and is computed anew, or stood in
    no column, has no values to convert."""
    for found in _conversions(pair):
        if not (found.source.computed and (found.target.computed or found.source.virtual)):
            yield found


def _conversions(pair: TablePair) -> Iterator[Conversion]:
    if pair.before is None:
        return
    own = (*pair.definition.own_fields, *pair.definition.retired_fields.values())
    retired = {found.id for found in own if found.retired}
    for target in own:
        origin = target.text("converted_from") or ""
        known = pair.fields_before.get(target.id)
        if known is None and origin in pair.fields_before:
            yield Conversion(pair, pair.fields_before[origin], target, is_back=False)
        elif known is not None and known.retired and not target.retired:
            for source in pair.fields_before.values():
                related = source.text("converted_from") == target.id or source.id == origin
                if related and not source.retired and source.id in retired:
                    yield Conversion(pair, source, target, is_back=True)


@dataclass(frozen=True, slots=True)
class Converter:
    """Converts the values of one field, as Python sees them."""

    conversion: Conversion
    zone: ZoneInfo = UTC
    known: dict[object, object] = field(default_factory=dict)

    def convert(self, value: object) -> object:
        """Gives the new value. Raises Refused for one that has none."""
        source, target = self.conversion.source, self.conversion.target
        if target.computed:
            raise Refused("computed_field", field=target.name)
        try:
            return source.type.convert(value, source, target, self.zone)
        except (ValueError, ArithmeticError) as error:
            if isinstance(error, Refused):
                raise
            raise Refused("cannot_convert_value", value=str(value)) from error

    def judge(self, value: object) -> tuple[str, object]:
        """Says what becomes of a value: converted, changed or lost, with the new one."""
        try:
            found = self.known.get(value)
        except TypeError:  # a value that is no key is converted each time
            return self.judge_anew(value)
        if not isinstance(found, tuple):
            found = self.judge_anew(value)
            if len(self.known) < REMEMBERED:
                self.known[value] = found
        return found

    def judge_anew(self, value: object) -> tuple[str, object]:
        """Says the same, without remembering."""
        source, target = self.conversion.source, self.conversion.target
        try:
            made = self.convert(value)
        except Refused:
            return "lost", None
        if made is None:
            return "lost", None
        is_alike = source.type.export(value, source) == target.type.export(made, target)
        return ("converted" if is_alike else "changed"), made


def preview(connection: sa.Connection, conversion: Conversion, zone: ZoneInfo = UTC) -> Tally:
    """Gives what a conversion would do to the values that are there; changes nothing."""
    tally = Tally()
    if is_widening(connection, conversion):
        tally.converted = count_values(connection, conversion)
        return tally
    for _ in judged(connection, conversion, tally, zone):
        pass
    return tally


def convert_values(
    connection: sa.Connection, conversion: Conversion, zone: ZoneInfo = UTC
) -> Tally:
    """Fills the new column; both columns are there. Gives what became of the values."""
    tally = Tally()
    if is_widening(connection, conversion):
        tally.converted = count_values(connection, conversion)
        widen(connection, conversion)
        return tally
    batch: list[dict[str, object]] = []
    for record_id, parts in judged(connection, conversion, tally, zone):
        batch.append({"record": record_id, **parts})
        if len(batch) >= BATCH_ROWS:
            write(connection, conversion, batch)
            batch = []
    write(connection, conversion, batch)
    forget_plain(connection, conversion)
    return tally


def judged(
    connection: sa.Connection, conversion: Conversion, tally: Tally, zone: ZoneInfo
) -> Iterator[tuple[str, dict[str, object]]]:
    """Gives the rows to be written, by id, with the new value's columns; counts on the way."""
    converter, target = Converter(conversion, zone), conversion.target
    backward = Converter(replace(conversion, source=target, target=conversion.source), zone)
    for record_id, value, original in read_values(connection, conversion):
        if value is None and original is None:
            continue
        if original is not None and again(backward, original) == value:
            export = target.type.export(original, target)
            export = shown(conversion, export)
            tally.add("converted", Sample(record_id, export, export))
            continue
        if value is None:
            yield record_id, columns_for(connection, conversion, record_id, None)
            continue
        kind, made = converter.judge(value)
        before = conversion.source.type.export(value, conversion.source)
        after = target.type.export(made, target) if made is not None else None
        told = None if after is None else shown(conversion, after)
        tally.add(kind, Sample(record_id, shown(conversion, before), told))
        if made is not None or original is not None:
            yield record_id, columns_for(connection, conversion, record_id, made)


def again(backward: Converter, original: object) -> object:
    """Gives what an original value was converted to; None for one that was lost."""
    return backward.judge(original)[1]


def columns_for(
    connection: sa.Connection, conversion: Conversion, record_id: str, value: object
) -> dict[str, object]:
    """Gives the columns of a value as parameters of `write`."""
    definition, target = conversion.pair.definition, conversion.target
    parts = to_parts(connection, definition, target, record_id, value)
    return {f"value_{part}": stored for part, stored in parts.items()}


def write(
    connection: sa.Connection, conversion: Conversion, rows: Sequence[Mapping[str, object]]
) -> None:
    """Writes converted values."""
    if not rows:
        return
    table, target = conversion.pair.after, conversion.target
    columns: dict[sa.Column[Any], sa.BindParameter[Any]] = {
        table.c[physical_name(target.column, part)]: sa.bindparam(f"value_{part}")
        for part in target.type.parts
    }
    statement = table.update().where(table.c.id == sa.bindparam("record")).values(columns)
    connection.execute(statement, list(rows))


def read_values(
    connection: sa.Connection, conversion: Conversion
) -> Iterator[tuple[str, object, object]]:
    """Gives id, value and, on the way back, the original value of each row that has any."""
    table = conversion.pair.before
    if table is None:
        return
    source, target = conversion.source, conversion.target
    fields = [source, target] if conversion.is_back else [source]
    names = [name for one in fields for name in column_names(one)]
    filled = sa.or_(*(table.c[name].is_not(None) for name in names))
    last = ""
    while True:
        chosen = sa.select(table.c.id, *(table.c[name] for name in names)).where(
            filled, table.c.id > last
        )
        found = connection.execute(chosen.order_by(table.c.id).limit(BATCH_ROWS))
        rows = found.mappings().all()
        for row in rows:
            values = [value_of(connection, conversion, one, row) for one in fields]
            yield str(row["id"]), values[0], values[1] if conversion.is_back else None
        if len(rows) < BATCH_ROWS:
            return
        last = str(rows[-1]["id"])


def column_names(one: FieldDefinition) -> list[str]:
    """Gives the names of a field's columns."""
    return [physical_name(one.column, part) for part in one.type.parts]


def value_of(
    connection: sa.Connection, conversion: Conversion, one: FieldDefinition, row: sa.RowMapping
) -> object:
    """Gives a field's value out of a row."""
    parts = {part: row[physical_name(one.column, part)] for part in one.type.parts}
    return from_parts(connection, conversion.pair.definition, one, str(row["id"]), parts)


def forget_plain(connection: sa.Connection, conversion: Conversion) -> None:
    """Empties the old column where the new one is encrypted: nothing stays in plain text."""
    source, target = conversion.source, conversion.target
    if not target.type.is_sealed or source.type.is_sealed:
        return
    table = conversion.pair.after
    columns = [table.c[name] for name in column_names(source)]
    filled = sa.or_(*(column.is_not(None) for column in columns))
    connection.execute(table.update().where(filled).values(dict.fromkeys(columns)))


def shown(conversion: Conversion, text: str) -> str:
    """Gives a value for a sample; encrypted ones are not shown."""
    is_sealed = conversion.source.type.is_sealed or conversion.target.type.is_sealed
    return HIDDEN if is_sealed else text


def count_values(connection: sa.Connection, conversion: Conversion) -> int:
    """Gives how many rows have a value."""
    table = conversion.pair.before
    if table is None:
        return 0
    filled = table.c[conversion.source.column].is_not(None)
    found = connection.scalar(sa.select(sa.func.count()).select_from(table).where(filled))
    return int(found or 0)


def is_widening(connection: sa.Connection, conversion: Conversion) -> bool:
    """Says whether plain numbers get places, and all of them fit: one statement converts these."""
    table, source, target = conversion.pair.before, conversion.source, conversion.target
    if table is None or conversion.is_back or target.computed:
        return False
    kinds = {one.type.rule_type(one).kind for one in (source, target)}
    if kinds != {Kind.NUMBER} or (source.type.parts, target.type.parts) != (("",), ("",)):
        return False
    old, new = (one.type.storage(one) for one in (source, target))
    if not (isinstance(old, Scaled) and isinstance(new, Scaled)) or new.scale < old.scale:
        return False
    column = table.c[source.column]
    largest = connection.scalar(sa.select(sa.func.max(sa.func.abs(column))))
    return largest is None or abs(as_number(largest, connection, old)) < 10 ** (
        MAX_DIGITS - new.scale
    )


def as_number(found: Any, connection: sa.Connection, stored: Scaled) -> Any:
    """Gives a number as it is, whatever the database keeps."""
    return found / 10**stored.scale if connection.dialect.name == "sqlite" else found


def widen(connection: sa.Connection, conversion: Conversion) -> None:
    """Fills a column of numbers that get more places."""
    table, source, target = conversion.pair.after, conversion.source, conversion.target
    old, new = (one.type.storage(one) for one in (source, target))
    stored: sa.ColumnElement[Any] = sa.type_coerce(table.c[source.column], sa.Numeric())
    if connection.dialect.name == "sqlite" and isinstance(old, Scaled) and isinstance(new, Scaled):
        whole = sa.type_coerce(table.c[source.column], sa.BigInteger())
        stored = whole * sa.literal(10 ** (new.scale - old.scale), sa.BigInteger())
    connection.execute(
        table.update()
        .where(table.c[source.column].is_not(None))
        .values({table.c[target.column]: stored})
    )
