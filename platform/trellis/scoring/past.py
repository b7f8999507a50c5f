"""The points a record has had: when they came, why, and how long what is known of them is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import sqlalchemy as sa

from metadata.objects import ObjectDefinition
from rule_engine.program import Score
from trellis.db import Database
from trellis.records.history import field_names, record_history, visible
from trellis.records.read import read_record
from trellis.scoring.tables import (
    points_of,
    score_change,
    score_run,
    score_shadow,
    score_shadow_point,
)
from trellis.unit import Unit

KEEP_DAYS: Final = 400
"""So long it is known what a run has changed: a year, and what is compared with it."""
KEEP_SHADOW_DAYS: Final = 90
"""So long the points of a shadow are kept after its end."""
SAVE: Final = "save"


@dataclass(frozen=True, slots=True)
class Line:
    """Points and grade of a record, and what they were before; what a reader may not see is None.

    `why` is a save, or the cause of a run. `by` is who saved, None for a run, and `definitions`
    the version of the definitions then.
    """

    score: str
    at: datetime
    why: str
    by: str | None
    definitions: int | None
    was_points: Decimal | None
    was_grade: str | None
    points: Decimal | None
    grade: str | None


def past_points(unit: Unit, object_name: str, record_id: str, *, limit: int = 50) -> list[Line]:
    """Gives the newest changes of the scores of a record, as far as the reader may know their
    fields. Raises Missing when the record is not to be seen."""
    read_record(unit, object_name, record_id, ["id"])
    definition, access = unit.catalog.objects[object_name], unit.principal.access(object_name)
    scores = [
        score
        for score in unit.catalog.program.for_object(object_name).scores
        if access.reads(score.into)
    ]
    if not scores:
        return []
    known = field_names(unit, definition)
    lines = [
        *by_runs(unit, record_id, known, limit),
        *by_saves(unit, definition, record_id, scores, known, limit),
    ]
    fields = {score.into for score in scores}
    unit.show(object_name, [record_id], fields)
    return sorted(lines, key=lambda line: line.at, reverse=True)[:limit]


def by_runs(unit: Unit, record_id: str, known: Mapping[str, str], limit: int) -> Iterator[Line]:
    """Gives what runs changed, of the fields whose ids are known."""
    run, change = score_run.c, score_change.c
    rows = (
        sa.select(score_run, score_change)
        .join_from(score_change, score_run, run.id == change.run)
        .where(change.record_id == record_id, run.field.in_(known))
        .order_by(change.run.desc())
        .limit(limit)
    )
    for row in unit.connection.execute(rows):
        graded = row.grade_field in known
        yield Line(
            score=row.score,
            at=row.started_at,
            why=row.why,
            by=None,
            definitions=row.definitions,
            was_points=points_of(row.was_points, row.places),
            was_grade=row.was_grade if graded else None,
            points=points_of(row.points, row.places),
            grade=row.grade if graded else None,
        )


def by_saves(
    unit: Unit,
    definition: ObjectDefinition,
    record_id: str,
    scores: list[Score],
    known: Mapping[str, str],
    limit: int,
) -> Iterator[Line]:
    """Gives what saves changed, out of the history of the record."""
    filled = {name for score in scores for name in (score.into, score.grade_into)}
    names = {origin: name for origin, name in known.items() if name in filled}
    table = record_history.c
    told = sa.cast(table.changes, sa.Text)
    mentions = sa.or_(*(told.contains(f'"{origin}"', autoescape=True) for origin in names))
    rows = sa.select(record_history).where(
        table.object == definition.id, table.record_id == record_id, mentions
    )
    newest = rows.order_by(table.id.desc()).limit(limit)
    for row in unit.connection.execute(newest).mappings():
        entry = visible(unit, definition, dict(row), names)
        for score in scores if entry is not None else ():
            if entry is not None and {score.into, score.grade_into} & entry.changes.keys():
                old, new = pair(entry.changes, score.into)
                was, grade = entry.changes.get(score.grade_into or "", (None, None))
                told_by = (entry.at, SAVE, entry.by, row["definitions"])
                yield Line(score.name, *told_by, old, text(was), new, text(grade))


def pair(changes: Mapping[str, tuple[object, object]], name: str) -> Any:
    """Gives points before and after; None for none, and where they stayed."""
    old, new = changes.get(name, (None, None))
    return number(old), number(new)


def number(wire: object) -> Decimal | None:
    """Gives points out of their wire form."""
    try:
        return None if wire is None else Decimal(str(wire))
    except InvalidOperation:
        return None


def text(wire: object) -> str | None:
    """Gives a grade out of its wire form."""
    return None if wire is None else str(wire)


def forget_points(database: Database, now: datetime) -> int:
    """Takes away runs of long ago with what they have changed, and shadows that ended with their
    points; gives how many rows."""
    run, shadow = score_run.c, score_shadow.c
    old = sa.select(run.id).where(run.started_at < now - timedelta(days=KEEP_DAYS))
    ended = sa.select(shadow.id).where(shadow.ended_at < now - timedelta(days=KEEP_SHADOW_DAYS))
    with database.read() as connection:
        runs, shadows = connection.scalars(old).all(), connection.scalars(ended).all()
    count = 0
    for one in runs:
        of_run = sa.delete(score_change).where(score_change.c.run == one)
        count += gone(database, of_run, sa.delete(score_run).where(run.id == one))
    for one in shadows:
        of_shadow = sa.delete(score_shadow_point).where(score_shadow_point.c.shadow == one)
        count += gone(database, of_shadow, sa.delete(score_shadow).where(shadow.id == one))
    return count


def gone(database: Database, *statements: sa.Delete) -> int:
    """Deletes rows in one transaction; gives how many."""
    with database.write() as connection:
        return sum(connection.execute(statement).rowcount for statement in statements)
