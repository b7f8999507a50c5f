"""Scores brought right after something has changed that they look at from far off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa

from metadata.computed.incremental import Change, affected_by
from metadata.computed.reads import Down, Way
from metadata.json_text import mapping, sequence
from metadata.query.tables import alive
from metadata.scored_ways import ScoreKey
from rule_engine.program import Score
from trellis.records.computed import follow
from trellis.scoring.rescoring import rescore_these
from trellis.scoring.runs import find_score
from trellis.scoring.watching import ask
from trellis.unit import Unit

AT_ONCE: Final = 2_000
"""Records that are looked at in one transaction."""


def rescore_far(unit: Unit, payload: Mapping[str, object]) -> None:
    """Computes a score for the next records from which it looks at a change, and leaves the rest to
    the next effect. What is computed from their points follows.

    A score or an object that is gone meanwhile asks for nothing; others that are published since
    have a run over all records anyway.
    """
    key, change = from_json(payload)
    unit = replace(unit, depth=int(str(payload["depth"])) + 1)
    score = find_score(unit.catalog.program.for_object(key[0]).scores, key[1])
    if score is None:
        return
    ids = looking(unit, key, change, str(payload["after"]))
    here = ids[:AT_ONCE]
    changed = rescore_these(unit, score, here)
    if changed:
        tell(unit, score, frozenset(changed))
    if len(ids) > AT_ONCE:
        ask(replace(unit, depth=unit.depth - 1), key, change, after=here[-1])


def looking(unit: Unit, key: ScoreKey, change: Change, after: str) -> list[str]:
    """Gives the living records behind an id from which a score looks at a change: at most one more
    than are computed at once."""
    known = unit.catalog.scored_ways.get(change.object, {}).get(key, frozenset())
    reads = [read for read in known if read.field in change.fields]
    ways: dict[Way, set[str]] = {}
    for read in reads:
        step, left = read.way[-1], change.left.get(read.field, frozenset())
        leads = isinstance(step, Down) and step.field == read.field
        ways.setdefault(read.way, set()).update(left if leads else ())
    if not ways:
        return []
    dialect, table = unit.connection.dialect.name, unit.catalog.tables[key[0]]
    values: dict[str, Any] = {"ids": sorted(change.ids)}
    affected = []
    for place, (way, before) in enumerate(sorted(ways.items(), key=repr)):
        values[f"left_{place}"] = sorted(before)
        affected.append(affected_by(unit.catalog, dialect, way, "ids", f"left_{place}"))
    among = table.c.id.in_(sa.union_all(*affected))
    found = sa.select(table.c.id).where(alive(table), table.c.id > after, among)
    limited = found.order_by(table.c.id).limit(AT_ONCE + 1)
    return list(unit.connection.scalars(limited, values))


def tell(unit: Unit, score: Score, ids: frozenset[str]) -> None:
    """Has follow what looks at the points and grades of some records: stored fields, and scores."""
    names = frozenset(name for name in (score.into, score.grade_into) if name is not None)
    change = Change(score.object, ids, names)
    follow(unit, [change])
    for key, reads in unit.catalog.scored_ways.get(score.object, {}).items():
        looked_at = names & {read.field for read in reads}
        if looked_at:
            ask(unit, key, replace(change, fields=looked_at))


def from_json(payload: Mapping[str, object]) -> tuple[ScoreKey, Change]:
    """Gives a score and a change out of a payload."""
    object_name, name = map(str, sequence(payload["score"]))
    left = {
        field: frozenset(map(str, sequence(known)))
        for field, known in mapping(payload["left"]).items()
    }
    ids, fields = (frozenset(map(str, sequence(payload[part]))) for part in ("ids", "fields"))
    return (object_name, name), Change(str(payload["object"]), ids, fields, left)
