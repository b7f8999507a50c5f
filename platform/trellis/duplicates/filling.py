"""Making an object's keys anew, some records at a time: rules or the encryption key are others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa

from metadata.access import SYSTEM
from metadata.catalog import Catalog
from metadata.objects import ObjectDefinition
from trellis.declared import ANY_OBJECT, declares
from trellis.duplicates.index import add_keys, digest_of_rules, key_row, rows_of
from trellis.duplicates.tables import duplicate_index, duplicate_key
from trellis.jobs.running import ENDED, JobKind, RunningJob, Step, job_table, start_job
from trellis.phrases import Sentence
from trellis.runtime import Platform
from trellis.unit import Unit
from trellis.work import writing_as

PAGE: Final = 200
PAGES_OF_STEP: Final = 10
FILLING: Final = "duplicate_keys"


def is_filled(connection: sa.Connection, definition: ObjectDefinition) -> bool:
    """Says whether an object's keys follow from its rules as they are."""
    known = connection.scalar(
        sa.select(duplicate_index.c.digest).where(duplicate_index.c.object == definition.id)
    )
    if not definition.duplicates:
        return known is None
    return known == digest_of_rules(connection, definition)


def unfilled(connection: sa.Connection, catalog: Catalog) -> list[str]:
    """Gives the objects whose keys have to be made anew."""
    return [name for name, one in catalog.objects.items() if not is_filled(connection, one)]


def fill_some(
    unit: Unit, definition: ObjectDefinition, after: str | None
) -> tuple[str | None, int]:
    """Makes the keys of the next records; gives where to go on (None: all are there) and how many
    records that were.

    The first step removes what there is. Writes meanwhile keep their own keys right.
    """
    here, connection = duplicate_key.c, unit.connection
    if after is None:
        connection.execute(sa.delete(duplicate_key).where(here.object == definition.id))
        mark(unit, definition, None)
    if not definition.duplicates:
        return None, 0
    records = replace(unit, principal=SYSTEM).records()
    fields = sorted({name for rule in definition.duplicates for name in rule.fields})
    cursor, count = after or None, 0
    for _ in range(PAGES_OF_STEP):
        page = records.list(definition.name, fields=fields, after=cursor, limit=PAGE)
        rows = [
            key_row(definition, str(record["id"]), row)
            for record in page.items
            for row in rows_of(connection, definition, record)
        ]
        add_keys(connection, rows)
        count += len(page.items)
        cursor = page.next
        if cursor is None:
            mark(unit, definition, digest_of_rules(connection, definition))
            return None, count
    return cursor, count


def mark(unit: Unit, definition: ObjectDefinition, digest: str | None) -> None:
    """Notes by which rules all keys of an object were made; None for not yet."""
    here = duplicate_index.c
    unit.connection.execute(sa.delete(duplicate_index).where(here.object == definition.id))
    if digest is not None:
        row = {"object": definition.id, "digest": digest}
        unit.connection.execute(sa.insert(duplicate_index).values(row))


@declares(ANY_OBJECT, "administer")
class FillKeys(JobKind):
    """Makes the keys of one object anew."""

    name = FILLING
    title = Sentence("Prepare the check for duplicates")
    may_cancel = False  # duplicates would not be found that have no keys yet

    def step(self, unit: Unit, job: RunningJob) -> Step:
        """Does some records."""
        definition = unit.catalog.objects.get(str(job.params["object"]))
        if definition is None:
            return Step(None, job.done, job.total, {"records": job.done})
        cursor: Any = (job.cursor or {}).get("after")
        after, count = fill_some(unit, definition, cursor)
        done = job.done + count
        result = {"records": done} if after is None else None
        return Step({"after": after}, done, None, result)


def ask_for_keys(platform: Platform) -> list[str]:
    """Starts a job for each object whose keys have to be made anew; gives their names."""
    with platform.database.read() as connection:
        names = unfilled(connection, platform.catalogs.current(connection))
        wanted = [name for name in names if name not in under_way(connection)]
    if not wanted:
        return []
    with writing_as(platform, SYSTEM) as unit:
        going = under_way(unit.connection)
        for name in wanted:
            if name not in going:
                start_job(unit, FILLING, {"object": name})
    return wanted


def under_way(connection: sa.Connection) -> set[str]:
    """Gives the objects whose keys a job is making."""
    jobs = sa.select(job_table.c.params).where(
        job_table.c.kind == FILLING, job_table.c.state.not_in(ENDED)
    )
    return {str(params["object"]) for params in connection.scalars(jobs)}


KIND = FillKeys()
