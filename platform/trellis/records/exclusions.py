"""What no two records may share, kept up against saves at the same time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from metadata.catalog import Translated
from metadata.conditions import Test
from metadata.exclusions import Exclusion
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from metadata.query import This
from rule_engine.types import Environment
from trellis.records.incoming import pointer
from trellis.records.rows import taken_problems
from trellis.unit import Unit

Record = Mapping[str, object]


def exclusion_problems(
    unit: Unit,
    definition: ObjectDefinition,
    record: Record,
    old: Record | None,
    environment: Environment,
) -> Iterator[Problem]:
    """Gives what another living record has already, whoever may see that record.

    Each group of records that could meet is locked until the commit: of two transactions the
    second waits, and then sees what the first has written. On SQLite a write transaction holds
    the only lock from its start.
    """
    wanted = [
        exclusion
        for exclusion, test in unit.catalog.conditions(definition.name).exclusions
        if is_new(exclusion, test, record, old, environment)
    ]
    flaws = {exclusion: reversed_interval(exclusion, record) for exclusion in wanted}
    lock(unit, definition, [one for one, flaw in flaws.items() if flaw is None], record)
    for exclusion, flaw in flaws.items():
        if flaw is not None:
            yield flaw
        else:
            yield from rivals(unit, definition, exclusion, record)


def is_new(
    exclusion: Exclusion,
    test: Test | None,
    record: Record,
    old: Record | None,
    environment: Environment,
) -> bool:
    """Says whether a save may bring a record into the way of others."""
    if not exclusion.concerns(record):
        return False
    if test is not None and not test.holds(record, environment):
        return False
    if old is None or any(record.get(name) != old.get(name) for name in exclusion.fields):
        return True
    return test is not None and not test.holds(old, environment)


def reversed_interval(exclusion: Exclusion, record: Record) -> Problem | None:
    """Gives the problem of an interval that ends before it has begun."""
    if exclusion.start is None or exclusion.end is None:
        return None
    start: Any = record.get(exclusion.start)
    end: Any = record.get(exclusion.end)
    if end is None or start < end:
        return None
    values = {"field": exclusion.end, "start": exclusion.start}
    return Problem(pointer(exclusion.end), "interval_reversed", values)


def lock(
    unit: Unit, definition: ObjectDefinition, exclusions: Iterable[Exclusion], record: Record
) -> None:
    """Takes the locks of all records that agree with this one, until the end of the transaction.

    Everybody takes them in the order of their numbers.
    """
    if unit.connection.dialect.name != "postgresql":
        return
    for number in sorted({group_number(definition, one, record) for one in exclusions}):
        unit.connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))


def group_number(definition: ObjectDefinition, exclusion: Exclusion, record: Record) -> int:
    """Gives the number of the lock of the records that agree with this one."""
    values = [repr(record.get(name)) for name in exclusion.by]
    name = "\x00".join((definition.id, exclusion.keyword, *exclusion.by, *values))
    return int.from_bytes(sha256(name.encode()).digest()[:8], signed=True)


def rivals(
    unit: Unit, definition: ObjectDefinition, exclusion: Exclusion, record: Record
) -> Iterator[Problem]:
    """Gives a problem at each field that decides, when another record stands in the way."""
    page = (
        unit.as_automation()
        .records()
        .list(
            definition.name,
            fields=["id"],
            filter=exclusion.rivals,
            # Not by id: PostgreSQL would walk all records in that order for the first that fits.
            sort=[] if exclusion.start is None else [f"-{exclusion.start}"],
            limit=1,
            this=This(definition.name, record),
        )
    )
    if not page.items:
        return
    if exclusion.start is None:
        yield from taken_problems(definition, exclusion.by)
        return
    labels = [definition.fields[name] for name in exclusion.by]
    values = {"field": exclusion.start, "by": [Translated(field.labels) for field in labels]}
    yield Problem(pointer(exclusion.start), "overlaps", values)
