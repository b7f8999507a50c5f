"""Reads `cases/values/*.txt` and gives their records in Python and as rows of the law's tables.

Each line is `expression | record | value`; where a public suite takes the same decision, its case
follows. `cases/differences.txt` lists where we decide otherwise, and what the suite says.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path

from rule_engine.types import Kind, Memberships, Type
from rule_engine.values import Money
from tests.rule_engine.law_world import SCHEMA, Record, Store, Surroundings

AMY: Record = {
    **dict.fromkeys(SCHEMA.objects["user"].fields),
    "id": "user-1",
    "name": "Amy",
    "level": Decimal(3),
    "regions": frozenset({"vip", "press"}),
    "limit": Money(Decimal(100), "CNY"),
}
HERS = Memberships(frozenset({"sales_rep"}), frozenset({"north"}))


@dataclass(frozen=True)
class Case:
    """A decision; `source` names the case of a public suite, `elsewhere` what is decided there."""

    expression: str
    record: str
    expected: str
    source: str = ""
    elsewhere: str = ""


def read_cases(path: Path) -> Iterator[Case]:
    for line in path.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            yield Case(*(part.strip(" ") for part in line.split(" | ")))


FOLDER = Path(__file__).parent / "cases"
CASES = tuple(case for path in sorted(FOLDER.glob("values/*.txt")) for case in read_cases(path))
#: What only Python says, in the calendars of test_business_functions.
BUSINESS_CASES = tuple(read_cases(FOLDER / "business_time.txt"))
DIFFERENCES = tuple(read_cases(FOLDER / "differences.txt"))


class Reader:
    """Turns a written record into records of all its objects, with ids and references."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.numbers = count(1)
        self.rows: dict[str, list[Record]] = {name: [] for name in SCHEMA.objects}

    def read(self, object_name: str, written: Mapping[str, object]) -> Record:
        described = SCHEMA.objects[object_name]
        record: Record = dict.fromkeys(described.fields)
        record["id"] = f"{self.prefix}-{next(self.numbers):02d}"
        self.rows[object_name].append(record)
        for name, value in written.items():
            if name in described.links:
                link = described.links[name]
                for row in value if isinstance(value, list) else ():
                    self.read(link.target, row)[link.field] = record["id"]
            else:
                record[name] = self.value(described.fields[name].type, value)
        return record

    def value(self, kind: Type, written: object) -> object:
        if isinstance(written, Mapping):
            return self.read(kind.target or "", written)["id"]
        text = str(written)
        match kind.kind:
            case Kind.NUMBER | Kind.PERCENT:
                return Decimal(text)
            case Kind.MONEY:
                amount, currency = text.split()
                return Money(Decimal(amount), currency)
            case Kind.DATE:
                return date.fromisoformat(text)
            case Kind.INSTANT:
                return datetime.fromisoformat(text)
            case Kind.TIME:
                return time.fromisoformat(text)
            case Kind.CLOCK_LENGTH:
                return timedelta(minutes=int(text.removeprefix("PT").removesuffix("M")))
            case Kind.CHOICES:
                return frozenset(written) if isinstance(written, list) else None
        return written


def read_record(case: Case, prefix: str) -> tuple[Record, Store, Surroundings]:
    """Gives the deal, all rows, and the environment in which Amy acts."""
    reader = Reader(prefix)
    record = reader.read("deal", json.loads(case.record))
    store = Store(reader.rows)
    store.rows["user"].append(AMY)  # type: ignore[attr-defined]  # the lists are ours
    return record, store, Surroundings(store, AMY, memberships=HERS)
