"""Files that no record holds: they go a day after they came, or after their record let them go."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import sqlalchemy as sa

from trellis.db import Database
from trellis.files.access import FRESH
from trellis.files.blobs import Blobs
from trellis.files.tables import file_use, stored_file

logger = logging.getLogger(__name__)

BATCH = 200


@dataclass(frozen=True, slots=True)
class Cleaned:
    """How many files were forgotten, and how many contents removed."""

    files: int
    contents: int


def clean(database: Database, blobs: Blobs, now: datetime) -> Cleaned:
    """Forgets what no record holds, then removes contents that no file has.

    In this order: a process that ends in between leaves a content too many, never one too few.
    """
    files = forget(database, now)
    return Cleaned(files, remove_contents(database, blobs))


def forget(database: Database, now: datetime) -> int:
    """Removes the rows of files that are in no record, some at a time."""
    forgotten = 0
    while True:
        with database.write() as connection:
            ids = orphans(connection, now, BATCH, locked=True)
            # What was attached before the lock was there is seen by now.
            ids = [one for one in ids if one in set(orphans(connection, now, BATCH, among=ids))]
            connection.execute(sa.delete(file_use).where(file_use.c.file.in_(ids)))
            connection.execute(sa.delete(stored_file).where(stored_file.c.id.in_(ids)))
        forgotten += len(ids)
        if len(ids) < BATCH:
            break
    if forgotten:
        logger.info("%s files that no record holds were forgotten", forgotten)
    return forgotten


def orphans(
    connection: sa.Connection,
    now: datetime,
    limit: int,
    *,
    locked: bool = False,
    among: list[str] | None = None,
) -> list[str]:
    """Gives the ids of files whose day is over and that no record holds."""
    before = now - FRESH
    uses = sa.select(file_use.c.file).where(
        file_use.c.file == stored_file.c.id,
        sa.or_(file_use.c.left_at.is_(None), file_use.c.left_at > before),
    )
    query = sa.select(stored_file.c.id).where(stored_file.c.uploaded_at < before, ~uses.exists())
    if among is not None:
        query = query.where(stored_file.c.id.in_(among))
    if locked:
        query = query.with_for_update(skip_locked=True, of=stored_file)
    return list(connection.scalars(query.order_by(stored_file.c.id).limit(limit)))


def remove_contents(database: Database, blobs: Blobs) -> int:
    """Removes contents that no file has; those that were stored a moment ago stay."""
    removed = 0
    for addresses in batched(blobs.all()):
        with database.read() as connection:
            known = {
                address
                for column in (stored_file.c.sha256, stored_file.c.thumbnail)
                for address in connection.scalars(sa.select(column).where(column.in_(addresses)))
            }
        removed += sum(blobs.remove(one) for one in addresses if one not in known)
    blobs.sweep()
    return removed


def batched(items: Iterable[str]) -> Iterator[list[str]]:
    """Gives items some at a time."""
    source = iter(items)
    while batch := list(islice(source, BATCH)):
        yield batch


def lost_contents(database: Database, blobs: Blobs) -> list[str]:
    """Gives the ids of files whose content is not there."""
    there = set(blobs.all())
    with database.read() as connection:
        rows = connection.execute(sa.select(stored_file.c.id, stored_file.c.sha256))
        return sorted(row.id for row in rows if row.sha256 not in there)
