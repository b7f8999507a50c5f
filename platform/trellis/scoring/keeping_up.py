"""Scores kept right by themselves: after other rules are published, and every night."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from metadata.access import SYSTEM
from metadata.catalog import Catalog
from rule_engine.program import Score
from trellis.audit import note
from trellis.automation.dispatcher import database_now
from trellis.declared import ANY_OBJECT, declares
from trellis.jobs.running import (
    CANCELLED,
    ENDED,
    FAILED,
    JobKind,
    RunningJob,
    Step,
    job_table,
    start_job,
)
from trellis.phrases import Sentence
from trellis.runtime import Platform
from trellis.scoring.outcomes import Evaluated
from trellis.scoring.rescoring import Rescored, records_between, rescore_some
from trellis.scoring.runs import begin_run, digest_of, find_score, read_run
from trellis.scoring.tables import ASKED, DATA, RULES, SHADOW, TIME, score_run, score_shadow
from trellis.unit import Unit
from trellis.work import writing_as

RESCORE: Final = "rescore"
NIGHT: Final = time(2)
"""When it is night, by the organisation's clock: what time has changed is computed then."""
REST: Final = timedelta(hours=1)
"""After so long what failed or was cancelled is begun again."""


@declares(ANY_OBJECT, "update")
class Rescore(JobKind):
    """Brings one score of an object up to date."""

    name = RESCORE
    title = Sentence("Compute a score anew")

    def step(self, unit: Unit, job: RunningJob) -> Step:
        """Does some thousand records."""
        score = find_score(
            unit.catalog.program.for_object(job.params["object"]).scores, job.params["score"]
        )
        if score is None:
            return Step(None, job.done, job.total, {"changed": 0})
        at = job.cursor or self._begin(unit, score, job.params["why"])
        report = Rescored(score.object, score.name)
        start = datetime.fromisoformat(at["start"])
        after = rescore_some(unit, score, report, start, at["after"], at["run"])
        total = max(at["total"], job.done)
        if after is not None:
            done = job.done + records_between(unit, score, at["after"], after)
            return Step({**at, "after": after}, done, max(total, done))
        run = read_run(unit, at["run"])
        result = {"changed": run.changed, "refused": run.refused, "run": run.id}
        return Step(at, total, total, result)

    def _begin(self, unit: Unit, score: Score, why: str) -> dict[str, Any]:
        run = begin_run(unit, score, why)
        total = records_between(unit, score, "", None)
        return {"run": run, "start": unit.moment.now.isoformat(), "after": "", "total": total}


def start_rescoring(one: Evaluated) -> str:
    """Starts the job that brings a score in force up to date; gives its id."""
    score, unit = one.score, one.unit
    params = {"object": score.object, "score": score.name, "why": ASKED}
    as_system = replace(unit, principal=SYSTEM)
    note(unit, "rescored", object=score.object, values={"name": score.name})
    return start_job(as_system, RESCORE, {**params, "digest": digest_of(unit.catalog, score)})


Wanted = tuple[str, str]
"""A kind of job, and its parameters as a text."""


def ask_for_scores(platform: Platform) -> int:
    """Starts a job for each score whose rules are others than its last run's, or that was last
    computed before the night, and for each shadow likewise; gives how many."""
    zone = platform.settings.zone
    with platform.database.read() as connection:
        catalog = platform.catalogs.current(connection)
        wanted = set(outdated(connection, catalog, zone))
        if not wanted - under_way(connection):
            return 0
    with writing_as(platform, SYSTEM) as unit:
        wanted = set(outdated(unit.connection, unit.catalog, zone)) - under_way(unit.connection)
        for kind, params in sorted(wanted):
            start_job(unit, kind, json.loads(params))
    return len(wanted)


def outdated(connection: sa.Connection, catalog: Catalog, zone: ZoneInfo) -> Iterator[Wanted]:
    """Gives the jobs that bring right what is to be computed anew."""
    scores, last = catalog.program.scores, last_ended(connection)
    if not scores:
        return
    night = last_night(database_now(connection), zone)
    for score in scores:
        params = {"object": score.object, "score": score.name, "digest": digest_of(catalog, score)}
        row = last.get((catalog.objects[score.object].id, score.name))
        if row is None or row.digest != params["digest"]:
            yield wanted_job(RESCORE, {**params, "why": RULES})
        elif row.started_at < night:
            yield wanted_job(RESCORE, {**params, "why": TIME})
    table = score_shadow.c
    is_late = sa.or_(table.computed_at.is_(None), table.computed_at < night)
    late = sa.select(table.id, table.object).where(table.ended_at.is_(None), is_late)
    names = {definition.id: name for name, definition in catalog.objects.items()}
    for shadow, definition in connection.execute(late):
        if definition in names:
            yield wanted_job(SHADOW, {"object": names[definition], "shadow": shadow})


def wanted_job(kind: str, params: Mapping[str, object]) -> Wanted:
    """Gives a kind of job with its parameters in their order."""
    return kind, json.dumps(params, sort_keys=True)


def last_ended(connection: sa.Connection) -> Mapping[tuple[str, str], Any]:
    """Gives the last run of each score over all records that came to its end, by object and
    score."""
    table = score_run.c
    whole = table.ended_at.is_not(None), table.why != DATA
    newest = sa.select(sa.func.max(table.id)).where(*whole)
    newest = newest.group_by(table.object, table.score)
    rows = sa.select(table.object, table.score, table.digest, table.started_at)
    found = connection.execute(rows.where(table.id.in_(newest)))
    return {(row.object, row.score): row for row in found}


def last_night(now: datetime, zone: ZoneInfo) -> datetime:
    """Gives the instant at which the last night began."""
    here = now.astimezone(zone)
    night = datetime.combine(here.date(), NIGHT, zone)
    return night if night <= here else night - timedelta(days=1)


def under_way(connection: sa.Connection) -> set[Wanted]:
    """Gives the jobs that compute scores, or ended a short time ago before they had."""
    table = job_table.c
    unfinished = table.state.in_((FAILED, CANCELLED))
    lately = unfinished & (table.ended_at > database_now(connection) - REST)
    jobs = sa.select(table.kind, table.params).where(
        table.kind.in_((RESCORE, SHADOW)), sa.or_(table.state.not_in(ENDED), lately)
    )
    return {wanted_job(kind, params) for kind, params in connection.execute(jobs)}


KIND = Rescore()
