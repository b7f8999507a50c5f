"""Pairs that a scan has found, as somebody who may read both records sees them.

A pair exists only for who may read both records and every field that its rule compares, and only
as long as these are still certain enough: what is stored is where to look, never what is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
import uuid_utils

from metadata.duplicates.compare import Agreement, Score, score
from metadata.duplicates.definitions import DuplicateRule
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from trellis.db import clock
from trellis.duplicates.check import fulfilling, usable_rules
from trellis.duplicates.index import Record, forms_of
from trellis.duplicates.tables import DISMISSED, OPEN, duplicate_pair
from trellis.errors import Missing, NotAllowed
from trellis.records.reach import definition_of
from trellis.unit import Unit

ROUNDS: Final = 5
"""How many times more rows are looked at when those before do not fit any more."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records that may be one."""

    id: str
    rule: DuplicateRule
    first: Record
    second: Record
    certainty: float
    agreements: tuple[Agreement, ...]
    state: str


def whole_rules(unit: Unit, definition: ObjectDefinition) -> dict[str, DuplicateRule]:
    """Gives the rules of which the principal may read every compared field, by name."""
    return {
        rule.name: rule for rule, fields in usable_rules(unit, definition) if fields == rule.fields
    }


def list_pairs(
    unit: Unit,
    object_name: str,
    *,
    state: str = OPEN,
    limit: int = 50,
    after: str | None = None,
) -> tuple[list[Pair], str | None]:
    """Gives pairs, the most certain first, and where the next page starts (None: nothing follows).

    Raises Missing for an object that does not exist for the principal.
    """
    definition = definition_of(unit, object_name)
    rules = whole_rules(unit, definition)
    found: list[Pair] = []
    for _ in range(ROUNDS):
        rows = stored(unit, definition, rules, state, limit + 1, after)
        following = rows[limit - 1].id if len(rows) > limit else None
        for pair in seen(unit, definition, rules, rows[:limit]):
            found.append(pair)
            if len(found) == limit:
                return found, pair.id if pair.id != rows[-1].id else None
        after = following
        if following is None:
            break
    return found, after


def stored(
    unit: Unit,
    definition: ObjectDefinition,
    rules: Mapping[str, DuplicateRule],
    state: str,
    limit: int,
    after: str | None,
) -> Sequence[sa.Row[Any]]:
    """Gives rows of pairs behind the one with the id `after`, of which the principal may read both
    records: of others not even a page's end tells."""
    here = duplicate_pair.c
    query = sa.select(duplicate_pair).where(
        here.object == definition.id, here.state == state, here.rule.in_(sorted(rules))
    )
    if after is not None:
        last = sa.select(here.score).where(here.id == after).scalar_subquery()
        query = query.where(sa.or_(here.score < last, sa.and_(here.score == last, here.id > after)))
    ordered = query.order_by(here.score.desc(), here.id).limit(limit)
    return unit.records().beside(definition.name, ordered, here.first, here.second)  # type: ignore[return-value]


def seen(
    unit: Unit,
    definition: ObjectDefinition,
    rules: Mapping[str, DuplicateRule],
    rows: Iterable[sa.Row[Any]],
) -> list[Pair]:
    """Gives the pairs of rows of which the principal may read both records, if they still fit."""
    wanted = list(rows)
    ids = {str(one) for row in wanted for one in (row.first, row.second)}
    records = unit.records().by_ids(definition.name, ids)
    kept = {
        name: fulfilling(unit.records(), definition, rule.when, records) if rule.when else set(ids)
        for name, rule in rules.items()
    }
    found = []
    for row in wanted:
        rule, both = rules[row.rule], (row.first, row.second)
        if not all(one in records and one in kept[rule.name] for one in both):
            continue
        first, second = (records[one] for one in both)
        made = compare(definition, rule, first, second)
        if made.certainty >= rule.threshold:
            found.append(
                Pair(
                    row.id,
                    rule,
                    first,
                    second,
                    made.certainty,
                    made.agreements,
                    row.state,
                )
            )
    return found


def compare(
    definition: ObjectDefinition, rule: DuplicateRule, first: Record, second: Record
) -> Score:
    """Gives how certain a rule is about two records."""
    return score(rule, forms_of(definition, rule, first), forms_of(definition, rule, second))


def read_pair(unit: Unit, object_name: str, pair_id: str) -> Pair:
    """Gives one pair. Raises Missing when it does not exist for the principal."""
    definition = definition_of(unit, object_name)
    rules = whole_rules(unit, definition)
    here = duplicate_pair.c
    query = sa.select(duplicate_pair).where(
        here.id == pair_id, here.object == definition.id, here.rule.in_(sorted(rules))
    )
    pairs = seen(unit, definition, rules, unit.connection.execute(query).all())
    if not pairs:
        raise Missing([Problem("", "missing_pair", {})])
    return pairs[0]


def decide(unit: Unit, object_name: str, pair_id: str, state: str) -> Pair:
    """Says that a pair are two things after all (DISMISSED), or takes that back (OPEN).

    Raises Missing, and NotAllowed for who may change neither of the two records.
    """
    pair = read_pair(unit, object_name, pair_id)
    ids = (str(pair.first["id"]), str(pair.second["id"]))
    if not any(unit.records().reaches(object_name, one, "update") for one in ids):
        raise NotAllowed([Problem("", "not_allowed", {"action": "update", "object": object_name})])
    decided = {
        "state": state,
        "decided_at": clock(unit.connection),
        "decided_by": unit.principal.name if state == DISMISSED else None,
    }
    here = duplicate_pair.c
    statement = sa.update(duplicate_pair).where(
        here.id == pair_id, here.state.in_((OPEN, DISMISSED))
    )
    unit.connection.execute(statement.values(decided))
    return pair


def note_pairs(
    unit: Unit,
    definition: ObjectDefinition,
    found: Sequence[tuple[DuplicateRule, str, str, Score]],
) -> int:
    """Stores what a scan has found; gives how many are new. What was decided stays decided."""
    here, connection = duplicate_pair.c, unit.connection
    wanted = {(rule.name, first, second): made for rule, first, second, made in found}
    firsts = sorted({first for _, first, _ in wanted})
    known: dict[tuple[str, str, str], str] = {}
    for start in range(0, len(firsts), 500):
        query = sa.select(here.id, here.rule, here.first, here.second).where(
            here.object == definition.id, here.first.in_(firsts[start : start + 500])
        )
        for pair_id, rule, first, second in connection.execute(query):
            known[rule, first, second] = pair_id
    now = unit.moment.now
    new = [
        {
            "id": str(uuid_utils.uuid7()),
            "object": definition.id,
            "rule": rule,
            "first": first,
            "second": second,
            "score": made.certainty,
            "reasons": [[one.field, round(one.similar, 3)] for one in made.agreements],
            "state": OPEN,
            "found_at": now,
        }
        for (rule, first, second), made in wanted.items()
        if (rule, first, second) not in known
    ]
    again = [
        {"pair": known[key], "certain": made.certainty, "now": now}
        for key, made in wanted.items()
        if key in known
    ]
    if new:
        connection.execute(sa.insert(duplicate_pair), new)
    if again:
        same = sa.update(duplicate_pair).where(here.id == sa.bindparam("pair"))
        newer = same.values(score=sa.bindparam("certain"), found_at=sa.bindparam("now"))
        connection.execute(newer, again)
    return len(new)
