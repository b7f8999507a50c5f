"""Runs: each computing of a score for all records, from its beginning to its end."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Final

import sqlalchemy as sa

from metadata.catalog import Catalog
from metadata.computed.filling import meaning
from metadata.computed.reads import reads_of
from rule_engine.program import Score
from rule_engine.program.whole import outer_nodes
from trellis.scoring.tables import DATA, new_id, places_of, score_run
from trellis.unit import Unit

SPANS: Final = re.compile(r"Span\([^)]*\)")


@dataclass(frozen=True, slots=True)
class Run:
    """One computing of a score for all records; `by_record` is empty when the database did it.

    `digest` stands for the rules, `definitions` is the version of them all.
    """

    id: int
    score: str
    why: str
    digest: str
    definitions: int
    started_at: datetime
    ended_at: datetime | None
    changed: int
    refused: int
    by_record: str


def digest_of(catalog: Catalog, score: Score) -> str:
    """Gives what stands for all that the points of a record follow from, beside data and time:
    the score with what it names, and the formulas of computed fields that it looks at."""
    bare = replace(score, label="", ruleset="", version="", source="")
    looked_at = {
        (read.object, read.field)
        for node in outer_nodes(score)
        for read in reads_of(node, score.object)
    }
    computed = catalog.computed.fields
    formulas = [meaning(catalog, computed[key]) for key in sorted(looked_at & computed.keys())]
    text = SPANS.sub("", repr((bare, formulas)))
    return sha256(text.encode()).hexdigest()[:32]


def find_score(scores: Sequence[Score], name: str) -> Score | None:
    """Gives a score by its name."""
    return next((one for one in scores if one.name == name), None)


def begin_run(unit: Unit, score: Score, why: str) -> int:
    """Notes that a score is about to be computed; gives the run."""
    definition = unit.catalog.objects[score.object]
    graded = score.grade_into
    row = {
        "id": new_id(),
        "object": definition.id,
        "score": score.name,
        "field": definition.fields[score.into].id,
        "grade_field": None if graded is None else definition.fields[graded].id,
        "places": places_of(definition, score.into),
        "why": why,
        "digest": digest_of(unit.catalog, score),
        "definitions": unit.catalog.version,
        "started_at": unit.moment.now,
        "changed": 0,
        "refused": 0,
    }
    unit.connection.execute(sa.insert(score_run).values(row))
    return row["id"]  # type: ignore[return-value]  # `new_id` gave it


def go_on(
    unit: Unit, run: int, *, changed: int, refused: int, by_record: str, is_done: bool
) -> None:
    """Notes what some more records have come to, and whether they were the last ones."""
    table = score_run.c
    values: dict[str, object] = {
        "changed": table.changed + changed,
        "refused": table.refused + refused,
        "by_record": by_record or None,
    }
    if is_done:
        values["ended_at"] = unit.moment.now
    unit.connection.execute(sa.update(score_run).where(table.id == run).values(values))


def forget_run(unit: Unit, run: int) -> None:
    """Takes a run back that has changed nothing."""
    unit.connection.execute(sa.delete(score_run).where(score_run.c.id == run))


def read_run(unit: Unit, run: int) -> Run:
    """Gives a run as it stands."""
    found = sa.select(score_run).where(score_run.c.id == run)
    return run_of(unit.connection.execute(found).mappings().one())


def last_runs(unit: Unit, score: Score, limit: int) -> Sequence[Run]:
    """Gives the newest runs of a score over all records, those under way too."""
    table, definition = score_run.c, unit.catalog.objects[score.object]
    mine = table.object == definition.id, table.score == score.name
    found = sa.select(score_run).where(*mine, table.why != DATA)
    rows = unit.connection.execute(found.order_by(table.id.desc()).limit(limit)).mappings()
    return [run_of(row) for row in rows]


def run_of(row: sa.RowMapping) -> Run:
    """Gives a run from its row."""
    plain = ("id", "score", "why", "digest", "definitions", "started_at", "ended_at")
    counts = ("changed", "refused")
    return Run(**{name: row[name] for name in (*plain, *counts)}, by_record=row["by_record"] or "")
