"""Who may have a file: whoever reads a record or another place that holds it, and for a day who
uploaded it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

import sqlalchemy as sa

from metadata.fields.files import files_in
from metadata.problems import Problem
from trellis.errors import Missing
from trellis.files.places import load_places
from trellis.files.tables import file_use, stored_file
from trellis.unit import Unit

FRESH = timedelta(hours=24)
"""So long an upload waits for its record, and a file that has left its record for its end."""

MAX_USES = 200


def rows_of(unit: Unit, ids: Iterable[str]) -> Mapping[str, sa.RowMapping]:
    """Gives what is known of files by id, whoever may have them; for a save, locked."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    query = sa.select(stored_file).where(stored_file.c.id.in_(wanted)).order_by(stored_file.c.id)
    locked = query.with_for_update(read=True, of=stored_file)
    return {row["id"]: row for row in unit.connection.execute(locked).mappings()}


def file_for(unit: Unit, file_id: str) -> sa.RowMapping:
    """Gives a file that the acting person may have. Raises Missing for every other."""
    query = sa.select(stored_file).where(stored_file.c.id == file_id)
    row = unit.connection.execute(query).mappings().first()
    if row is None or not may_have(unit, row):
        raise Missing([Problem("", "missing_file", {})])
    return row


def may_have(unit: Unit, row: sa.RowMapping) -> bool:
    """Says whether the acting person may read a file, and put it into further records."""
    if unit.principal.unrestricted:
        return True
    is_own = row["uploaded_by"] == unit.principal.name
    if is_own and unit.moment.now - row["uploaded_at"] < FRESH:
        return True
    return any(holds(unit, use, row["id"]) for use in uses_of(unit, row["id"]))


def uses_of(unit: Unit, file_id: str) -> Iterable[sa.RowMapping]:
    """Gives where a file is."""
    query = (
        sa.select(file_use)
        .where(file_use.c.file == file_id, file_use.c.left_at.is_(None))
        .order_by(file_use.c.record_id)
        .limit(MAX_USES)
    )
    return unit.connection.execute(query).mappings().all()


def holds(unit: Unit, use: sa.RowMapping, file_id: str) -> bool:
    """Says whether the acting person sees the file in that record, read through the one door, or in
    that other place."""
    place = load_places().get(use["object"])
    if place is not None:
        return place.shows(unit, use["record_id"], file_id)
    for definition in unit.catalog.objects.values():
        if definition.id != use["object"]:
            continue
        access = unit.principal.access(definition.name)
        for field in definition.own_fields:
            if field.id == use["field"] and access.may("read") and access.reads(field.name):
                record = unit.records().get(definition.name, use["record_id"], [field.name])
                return record is not None and any(
                    file.id == file_id for file in files_in(record[field.name])
                )
    return False
