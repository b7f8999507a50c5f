"""The world of the law test: objects of all kinds of fields, rows full of empties, real tables."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from rule_engine.columns import Choices, Instant, Scaled
from rule_engine.text import fold
from rule_engine.types import (
    NO_MEMBERSHIPS,
    Calendar,
    Kind,
    Memberships,
    RateTable,
    Schema,
    Type,
)
from rule_engine.values import Money
from tests.rule_engine.schemas import SchemaOf, make_object, make_schema

Record = dict[str, object]

NOW = datetime(2026, 3, 31, 6, 30, 15, 250_000, tzinfo=UTC)
ZONE = ZoneInfo("America/New_York")

SCHEMA: SchemaOf = make_schema(
    [
        make_object(
            "deal",
            {
                "name": "text",
                "note": "text",
                "quantity": "number",
                "pieces": "number!",
                "rate": "percent",
                "amount": "money CNY",
                "budget": "money CNY",
                "flag": "boolean",
                "closes": "date",
                "starts_on": "date!",
                "seen": "instant",
                "opens": "time",
                "talked": "clock_length",
                "stage": "new=10|offer=50|won=100",
                "tags": "*vip|press|partner",
                "account": "-> account",
            },
            links={"lines": "line.deal"},
        ),
        make_object(
            "account",
            {
                "name": "text",
                "size": "number",
                "revenue": "money CNY",
                "since": "date",
                "active": "boolean",
                "stage": "new=10|offer=50|won=100",
                "parent": "-> account",
            },
            links={"deals": "deal.account"},
        ),
        make_object(
            "line",
            {
                "deal": "-> deal",
                "title": "text",
                "quantity": "number",
                "price": "money CNY",
                "share": "percent",
                "due": "date",
                "done": "boolean",
            },
        ),
        make_object(
            "user",
            {
                "name": "text",
                "level": "number",
                "stage": "new=10|offer=50|won=100",
                "regions": "*vip|press|partner",
                "hired": "date",
                "limit": "money CNY",
                "manager": "-> user",
            },
        ),
    ]
)

#: Places of stored numbers; 4 where nothing is said.
SCALES = {"pieces": 0, "size": 2, "level": 0}

#: Columns with an index: references that aggregates come over, and one to look at plans.
INDEXED = {"deal", "account", "pieces"}

TEXTS = (
    *("Straße", "STRASSE", "ΟΔΟΣ", "οδος", "İstanbul", "i̇stanbul", "ﬁne", "FINE", "東京 株式会社"),
    *("a%b_c", "A\\B", 'say "hi"', "Ünïcode", "Ünïcode", "12", " -3.50 ", "x", "X", "ǅ"),
    "two words",
)
NUMBERS = (
    *("0", "1", "-1", "2", "2.5", "-2.5", "0.0001", "-0.0001", "3.3333", "-1234.5678", "1000000"),
    *("12345678901234", "-12345678901234", "7", "10", "0.5"),
)
DATES = (
    *("2024-02-29", "2025-01-31", "2026-03-31", "2026-04-01", "2026-03-30", "2026-02-28"),
    *("2025-12-31", "9999-12-31", "0001-01-01", "2026-03-08", "2025-11-02", "2026-04-07"),
)
INSTANTS = (
    *("2026-03-31T06:30:15.250", "2026-03-31T03:59:59.999", "2026-03-31T04:00:00.000"),
    *("2026-03-24T06:30:15.250", "2026-03-08T07:30:00.000", "2025-11-02T05:30:00.000"),
    *("2025-11-02T06:30:00.001", "2024-02-29T23:59:59.999", "2026-04-30T12:00:00.000"),
    "9999-12-31T12:00:00.000",
)


@dataclass(frozen=True)
class Rates:
    """Some rates, or none at all: then unlike currencies do not compare."""

    values: Mapping[str, Decimal] = field(default_factory=dict)
    base: str = "CNY"

    def rate(self, currency: str) -> Decimal | None:
        return self.values.get(currency)


@dataclass(frozen=True)
class Store:
    """All records by object; a `Related` for the Python side."""

    rows: Mapping[str, Sequence[Record]]

    @cached_property
    def by_id(self) -> dict[tuple[str, str], Record]:
        return {(o, str(row["id"])): row for o, rows in self.rows.items() for row in rows}

    def record(self, object_name: str, record_id: str) -> Record | None:
        return self.by_id.get((object_name, record_id))

    def records(self, object_name: str, field: str, record_id: str) -> list[Record]:
        return [row for row in self.rows[object_name] if row[field] == record_id]


@dataclass(frozen=True)
class Surroundings:
    related: Store
    user: Mapping[str, object] | None
    now: datetime = NOW
    zone: ZoneInfo = ZONE
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    rates: RateTable = field(default_factory=Rates)
    memberships: Memberships = NO_MEMBERSHIPS


def surroundings_of(
    store: Store, rates: Mapping[str, Decimal] | None = None
) -> tuple[Surroundings, ...]:
    """Gives environments in which somebody, somebody else and nobody acts."""
    first, second = store.rows["user"][:2]
    people = (
        (first, Memberships(frozenset({"clerk", "boss"}), frozenset({"east"}))),
        (second, Memberships(frozenset({"clerk"}))),
        (None, NO_MEMBERSHIPS),
    )
    known = Rates(rates or {})
    return tuple(
        Surroundings(store, person, rates=known, memberships=belongs) for person, belongs in people
    )


def column_of(name: str, kind: Type) -> list[sa.Column[Any]]:
    scale = SCALES.get(name, 4)
    types: dict[Kind, sa.types.TypeEngine[Any]] = {
        Kind.NUMBER: Scaled(scale),
        Kind.PERCENT: Scaled(4),
        Kind.MONEY: Scaled(2),
        Kind.BOOLEAN: sa.Boolean(),
        Kind.DATE: sa.Date(),
        Kind.INSTANT: Instant(),
        Kind.TIME: sa.Time(),
        Kind.CLOCK_LENGTH: sa.BigInteger(),
        Kind.CHOICES: Choices(),
    }
    main: sa.Column[Any] = sa.Column(
        name, types.get(kind.kind, sa.Text()), primary_key=name == "id", index=name in INDEXED
    )
    columns = [main]
    if kind.kind is Kind.MONEY:
        columns.append(sa.Column(f"{name}$currency", sa.Text()))
    if kind.kind is Kind.TEXT and name != "note":
        columns.append(sa.Column(f"{name}$fold", sa.Text()))
    return columns


def make_tables(schema: Schema = SCHEMA) -> tuple[sa.MetaData, dict[str, sa.Table]]:
    metadata = sa.MetaData()
    tables = {
        object_.name: sa.Table(
            f"o_{object_.name}",
            metadata,
            *(
                column
                for described in object_.fields.values()
                for column in column_of(described.name, described.type)
            ),
        )
        for object_ in schema.objects.values()
    }
    return metadata, tables


@dataclass(frozen=True)
class Tables:
    """The SqlSchema."""

    dialect: str
    tables: Mapping[str, sa.Table]

    def table(self, object_name: str) -> sa.FromClause:
        return self.tables[object_name]

    def column(
        self, table: sa.FromClause, object_name: str, field: str, part: str = ""
    ) -> sa.ColumnElement[Any]:
        return table.c[f"{field}${part}" if part else field]


def to_row(object_name: str, record: Record) -> dict[str, object]:
    """Gives the columns' values of a record."""
    row: dict[str, object] = {}
    for name, described in SCHEMA.objects[object_name].fields.items():
        value = record[name]
        row[name] = value
        if described.type.kind is Kind.MONEY:
            row[name] = value.amount if isinstance(value, Money) else None
            row[f"{name}$currency"] = value.currency if isinstance(value, Money) else None
        if described.type.kind is Kind.TEXT and name != "note":
            row[f"{name}$fold"] = fold(value) if isinstance(value, str) else None
        if isinstance(value, timedelta):
            row[name] = value // timedelta(milliseconds=1)
    return row


class RandomRows:
    """Makes records of interesting values; two in five values are empty."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def money(self) -> Money:
        pick = self.random.choice
        amount = Decimal(pick(NUMBERS)).quantize(Decimal("0.01"))
        return Money(amount, pick(("CNY", "CNY", "USD")))

    def instant(self) -> datetime:
        return datetime.fromisoformat(self.random.choice(INSTANTS)).replace(tzinfo=UTC)

    def value(self, name: str, kind: Type) -> object:
        pick = self.random.choice
        match kind.kind:
            case Kind.TEXT:
                return pick(TEXTS).strip()
            case Kind.NUMBER | Kind.PERCENT:
                places = Decimal(1).scaleb(-SCALES.get(name, 4))
                return Decimal(pick(NUMBERS)).quantize(places)
            case Kind.MONEY:
                return self.money()
            case Kind.BOOLEAN:
                return pick((True, False))
            case Kind.DATE:
                return date.fromisoformat(pick(DATES))
            case Kind.INSTANT:
                return self.instant()
            case Kind.TIME:
                return pick((time(9, 30), time(0), time(23, 59), time(18)))
            case Kind.CLOCK_LENGTH:
                return timedelta(minutes=pick((0, 30, 90, 1440, -60)))
            case Kind.CHOICE:
                return pick(kind.options or ())
            case Kind.CHOICES:
                options = kind.options or ()
                return frozenset(pick(options) for _ in range(pick((1, 1, 2, 3))))
        return None

    def record(self, object_name: str, number: int, targets: Mapping[str, list[str]]) -> Record:
        record: Record = {}
        for name, described in SCHEMA.objects[object_name].fields.items():
            if described.type.kind is Kind.REFERENCE:
                ids = targets.get(described.type.target or "", [])
                record[name] = self.random.choice(ids) if ids else None
            else:
                record[name] = self.value(name, described.type)
            if described.nullable and self.random.random() < 0.4:
                record[name] = None
        record["id"] = f"{object_name}-{number:03d}"
        return record

    def store(self, counts: Mapping[str, int]) -> Store:
        ids = {o: [f"{o}-{number:03d}" for number in range(n)] for o, n in counts.items()}
        # A reference to a record that is not there gives empty, too.
        targets = {o: [*some, f"{o}-gone"] for o, some in ids.items()}
        return Store(
            {o: [self.record(o, n, targets) for n in range(count)] for o, count in counts.items()}
        )
