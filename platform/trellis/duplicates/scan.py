"""The scan: compares all records of an object that share a key, as far as its starter may read."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from metadata.access import EVERYTHING
from metadata.duplicates.compare import Values, score
from metadata.duplicates.definitions import DuplicateRule
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from trellis.db import insert_into
from trellis.declared import ANY_OBJECT, declares
from trellis.duplicates.check import fulfilling
from trellis.duplicates.crowded import MOST_OF_KEY, readable_holders, reads_all
from trellis.duplicates.filling import fill_some, is_filled
from trellis.duplicates.index import forms_of
from trellis.duplicates.pairs import note_pairs, whole_rules
from trellis.duplicates.tables import OPEN, duplicate_key, duplicate_pair, duplicate_work
from trellis.errors import NotAllowed
from trellis.jobs.running import ENDED, JobKind, RunningJob, Step, job_table, start_job
from trellis.phrases import Sentence
from trellis.records.reach import definition_of
from trellis.unit import Unit

SCAN: Final = "duplicate_scan"
KEYS_OF_STEP: Final = 150_000
PAIRS_OF_STEP: Final = 15_000
IDS_AT_ONCE: Final = 5_000
LOWEST, HIGHEST = -(2**63), 2**63 - 1

FILL, JOIN, COMPARE = "fill", "join", "compare"


def start_scan(unit: Unit, object_name: str) -> str:
    """Starts a scan and gives its job. Raises Missing, and NotAllowed without the right to change
    records of the object: who only reads has no use for it."""
    definition = definition_of(unit, object_name)
    access = unit.principal.access(object_name)
    if not access.may("read") or not access.may("update"):
        raise NotAllowed([Problem("", "not_allowed", {"action": "update", "object": object_name})])
    return start_job(unit, SCAN, {"object": definition.name})


@declares(ANY_OBJECT, "update")
class Scan(JobKind):
    """Finds the pairs of one object: keys first, then who shares one, then how alike they are."""

    name = SCAN
    title = Sentence("Look for duplicates")

    def step(self, unit: Unit, job: RunningJob) -> Step:
        """Does the next part of the phase at hand."""
        definition = definition_of(unit, str(job.params["object"]))
        cursor: dict[str, Any] = dict(job.cursor or {"phase": FILL, "pairs": 0, "rule": 0})
        rules = list(whole_rules(unit, definition).values())
        if cursor["phase"] == FILL:
            return Step(filled(unit, definition, cursor), job.done, None)
        if cursor["rule"] >= len(rules):
            return finished(unit, definition, job, cursor, rules)
        rule = rules[cursor["rule"]]
        if cursor["phase"] == JOIN:
            return Step(joined(unit, definition, rule, job.id, cursor), job.done, None)
        compared, cursor = compared_some(unit, definition, rule, job.id, cursor)
        return Step(cursor, job.done + compared, None)


def filled(unit: Unit, definition: ObjectDefinition, cursor: dict[str, Any]) -> dict[str, Any]:
    """Makes keys where they are not there yet; then goes on to the join."""
    after = cursor.get("after")
    if after is None:
        forget_broken(unit.connection)
    if after is None and is_filled(unit.connection, definition):
        return {**cursor, "phase": JOIN, "low": LOWEST}
    following, _ = fill_some(unit, definition, after)
    if following is None:
        return {**cursor, "phase": JOIN, "low": LOWEST, "after": None}
    return {**cursor, "after": following}


def forget_broken(connection: sa.Connection) -> None:
    """Takes away what scans that were cancelled or failed had still to compare."""
    ended = sa.select(job_table.c.id).where(job_table.c.kind == SCAN, job_table.c.state.in_(ENDED))
    connection.execute(sa.delete(duplicate_work).where(duplicate_work.c.job.in_(ended)))


def joined(
    unit: Unit,
    definition: ObjectDefinition,
    rule: DuplicateRule,
    job_id: str,
    cursor: dict[str, Any],
) -> dict[str, Any]:
    """Notes the pairs that share one of the next keys, each pair once."""
    low = int(cursor["low"])
    here = duplicate_key.c
    mine = sa.and_(here.object == definition.id, here.rule == rule.name)
    edge = sa.select(here.key).where(mine, here.key >= low).order_by(here.key)
    high = unit.connection.scalar(edge.offset(KEYS_OF_STEP).limit(1))
    top = HIGHEST if high is None else high
    note_shared(unit.connection, definition, rule, job_id, low, top)
    if not reads_all(unit, definition):
        note_readable(unit, definition, rule, job_id, low, top)
    if high is None or high == HIGHEST:
        return {**cursor, "phase": COMPARE}
    return {**cursor, "low": high + 1}


def note_shared(
    connection: sa.Connection,
    definition: ObjectDefinition,
    rule: DuplicateRule,
    job_id: str,
    low: int,
    high: int,
) -> None:
    """Puts the pairs of records that share a key from `low` to `high` into the work of a scan."""
    one, other, all_ = (duplicate_key.alias(name) for name in ("one", "other", "whole"))
    shared = (
        sa.select(all_.c.key)
        .where(
            all_.c.object == definition.id,
            all_.c.rule == rule.name,
            all_.c.key.between(low, high),
        )
        .group_by(all_.c.key)
        .having(sa.func.count().between(2, MOST_OF_KEY))
        .subquery("shared")
    )

    def same(table: sa.FromClause) -> sa.ColumnElement[bool]:
        return sa.and_(
            table.c.object == definition.id,
            table.c.rule == rule.name,
            table.c.key == shared.c.key,
        )

    pairs = (
        sa.select(sa.literal(job_id), one.c.record, other.c.record)
        .distinct()
        .select_from(
            shared.join(one, same(one)).join(
                other, sa.and_(same(other), one.c.record < other.c.record)
            )
        )
        .where(sa.true())
    )
    statement = insert_into(connection, duplicate_work)
    statement = statement.from_select(["job", "first", "second"], pairs)
    connection.execute(statement.on_conflict_do_nothing())


def note_readable(
    unit: Unit, definition: ObjectDefinition, rule: DuplicateRule, job_id: str, low: int, high: int
) -> None:
    """Puts those pairs into the work, too, that share a key which only of others too many have."""
    here = duplicate_key.c
    crowded = (
        sa.select(here.key)
        .where(here.object == definition.id, here.rule == rule.name, here.key.between(low, high))
        .group_by(here.key)
        .having(sa.func.count() > MOST_OF_KEY)
    )
    for key in unit.connection.scalars(crowded).all():
        records = sorted(readable_holders(unit, definition, rule, key))
        pairs = [
            {"job": job_id, "first": one, "second": other}
            for one, other in itertools.combinations(records, 2)
        ]
        if pairs:
            statement = insert_into(unit.connection, duplicate_work).on_conflict_do_nothing()
            unit.connection.execute(statement, pairs)


def compared_some(
    unit: Unit,
    definition: ObjectDefinition,
    rule: DuplicateRule,
    job_id: str,
    cursor: dict[str, Any],
) -> tuple[int, dict[str, Any]]:
    """Compares the next pairs; gives how many the starter may read, and the cursor behind them.

    Pairs that she may not read count for nothing: by their number she would find out values.
    """
    here, connection = duplicate_work.c, unit.connection
    query = sa.select(here.first, here.second).where(here.job == job_id)
    some = connection.execute(query.order_by(here.first, here.second).limit(PAIRS_OF_STEP)).all()
    if not some:
        return 0, {**cursor, "phase": JOIN, "rule": cursor["rule"] + 1, "low": LOWEST}
    forms = read_forms(unit, definition, rule, {one for pair in some for one in pair})
    readable = [(one, other) for one, other in some if one in forms and other in forms]
    found = []
    for first, second in readable:
        made = score(rule, forms[first], forms[second])
        if made.certainty >= rule.threshold:
            found.append((rule, str(first), str(second), made))
    count = note_pairs(unit, definition, found)
    last = some[-1]
    behind = sa.tuple_(here.first, here.second) <= sa.tuple_(
        sa.literal(last[0]), sa.literal(last[1])
    )
    connection.execute(sa.delete(duplicate_work).where(here.job == job_id, behind))
    return len(readable), {**cursor, "pairs": cursor["pairs"] + count}


def read_forms(
    unit: Unit, definition: ObjectDefinition, rule: DuplicateRule, ids: set[str]
) -> Mapping[str, Values]:
    """Gives the comparable forms of the records among some that the starter may read."""
    ordered, found = sorted(ids), {}
    for start in range(0, len(ordered), IDS_AT_ONCE):
        some = unit.records().by_ids(
            definition.name, ordered[start : start + IDS_AT_ONCE], sorted(rule.fields)
        )
        kept = (
            set(some)
            if rule.when is None
            else fulfilling(unit.records(), definition, rule.when, some)
        )
        found.update(
            {key: forms_of(definition, rule, one) for key, one in some.items() if key in kept}
        )
    return found


def finished(
    unit: Unit,
    definition: ObjectDefinition,
    job: RunningJob,
    cursor: dict[str, Any],
    rules: list[DuplicateRule],
) -> Step:
    """Ends a scan; one that saw every record takes open pairs away that it did not find again."""
    if unit.principal.access(definition.name).reach("read") == EVERYTHING:
        here = duplicate_pair.c
        old = sa.and_(
            here.object == definition.id,
            here.state == OPEN,
            here.rule.in_([rule.name for rule in rules]),
            here.found_at < job.created_at,
        )
        unit.connection.execute(sa.delete(duplicate_pair).where(old))
    result = {"compared": job.done, "new": cursor["pairs"]}
    return Step(cursor, job.done, job.done, result)


KIND = Scan()
