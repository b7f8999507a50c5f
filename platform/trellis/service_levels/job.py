"""The job that plans open clocks anew, and what starts it.

Business time is watched by the worker, whatever door its change came through: what the open clocks
were planned by is kept, and where that is not what holds any more a job plans them anew. Clocks go
over to other rules, and begin on records that are there already, when an administrator says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from importlib.metadata import version
from typing import Any, Final

import sqlalchemy as sa

from metadata.access import SYSTEM
from metadata.catalog import Catalog
from rule_engine.program import meaning
from trellis.automation.service_levels import service_level, service_plan
from trellis.db import insert_into
from trellis.declared import ANY_OBJECT, declares
from trellis.jobs.running import ENDED, JobKind, RunningJob, Step, job_table, start_job
from trellis.phrases import Sentence
from trellis.runtime import Platform
from trellis.service_levels.replanning import begin_some, plan_some
from trellis.unit import Unit
from trellis.work import writing_as

REPLAN: Final = "replan_clocks"
CALENDARS: Final = "calendars"

PLAN, MOVE, BEGIN = "plan", "move", "begin"
"""What is done with a service level: its clocks are planned anew, go over to the rules in force, or
begin."""


def digest_of_time(catalog: Catalog, zone: str) -> str:
    """Gives what stands for the business time in force: all calendars, what is known of holidays,
    and the organisation's zone."""

    def made() -> str:
        calendars = sorted((name, meaning(one)) for name, one in catalog.program.calendars.items())
        told = repr((zone, version("holidays"), calendars))
        return hashlib.sha256(told.encode()).hexdigest()

    return catalog.queries.get(("business time", zone), str, made)


@declares(ANY_OBJECT, "administer")
class Replan(JobKind):
    """Plans open clocks anew.

    Its params: {"calendars": the digest of the business time to plan by} for all that are open, or
    {"levels": [[object, name], …]} for those that go over to the rules in force, and begin.
    """

    name = REPLAN
    title = Sentence("Plan the clocks of service levels anew")
    may_cancel = False  # some clocks would go by other rules, or another calendar, than the rest

    def step(self, unit: Unit, job: RunningJob) -> Step:
        """Plans the next clocks."""
        cursor: Mapping[str, Any] = job.cursor or {"todo": todo_of(unit, job.params), "after": ""}
        todo = [tuple(one) for one in cursor["todo"]]
        total = job.total if job.cursor else expected(unit, todo)
        if not todo:
            return self.end(unit, job)
        (what, object_name, sla), *others = todo
        following, count = advance(unit, what, object_name, sla, cursor["after"])
        left = others if following is None else todo
        done = job.done + count
        return Step({"todo": left, "after": following or ""}, done, max(total or 0, done))

    def end(self, unit: Unit, job: RunningJob) -> Step:
        """Notes by which business time all are planned."""
        digest = job.params.get(CALENDARS)
        if digest is not None:
            row = {"what": CALENDARS, "digest": str(digest)}
            kept = insert_into(unit.connection, service_plan).values(row)
            kept = kept.on_conflict_do_update(index_elements=["what"], set_={"digest": digest})
            unit.connection.execute(kept)
        return Step(job.cursor, job.done, job.total, {"records": job.done})


def move_open(unit: Unit, levels: Collection[tuple[str, str]]) -> str:
    """Has the rules in force hold for what is open, of service levels by object and name; gives the
    job that sees to it."""
    return start_job(unit, REPLAN, {"levels": sorted(levels)})


def todo_of(unit: Unit, params: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Gives what is to be done: with which service levels of which objects."""
    if CALENDARS not in params:
        named = [(str(object_name), str(sla)) for object_name, sla in params["levels"]]
        return [(what, *level) for level in named for what in (MOVE, BEGIN)]
    here = service_level.c
    query = sa.select(here.object, here.sla).where(here.ended.is_not(True)).distinct()
    names = {definition.id: name for name, definition in unit.catalog.objects.items()}
    rows = unit.connection.execute(query).all()
    return sorted((PLAN, names[row.object], row.sla) for row in rows if row.object in names)


def expected(unit: Unit, todo: Collection[tuple[str, ...]]) -> int:
    """Gives about how many records there are to look at: those with open clocks."""
    found = 0
    for what, object_name, sla in todo:
        definition = unit.catalog.objects.get(object_name)
        if definition is not None and what != BEGIN:
            found += count_open(unit.connection, definition.id, sla)
    return found


def count_open(connection: sa.Connection, object_id: str, sla: str) -> int:
    """Gives on how many records a service level has not ended."""
    here = service_level.c
    is_open = sa.and_(here.object == object_id, here.sla == sla, here.ended.is_not(True))
    counted = sa.select(sa.func.count()).select_from(service_level).where(is_open)
    return int(connection.execute(counted).scalar_one())


def advance(
    unit: Unit, what: str, object_name: str, sla: str, after: str
) -> tuple[str | None, int]:
    """Does the next records of one service level; gives where to go on and how many they were."""
    definition = unit.catalog.objects.get(object_name)
    if definition is None:
        return None, 0
    if what == BEGIN:
        return begin_some(unit, definition, sla, after or None)
    return plan_some(unit, definition, sla, after, moves=what == MOVE)


def ask_for_plan(platform: Platform) -> bool:
    """Starts a job when open clocks are planned by other business time than the one in force; says
    whether it did."""
    zone = platform.settings.zone.key
    with platform.database.read() as connection:
        wanted = digest_of_time(platform.catalogs.current(connection), zone)
        if not is_behind(connection, wanted) or is_under_way(connection):
            return False
    with writing_as(platform, SYSTEM) as unit:
        wanted = digest_of_time(unit.catalog, zone)
        if not is_behind(unit.connection, wanted) or is_under_way(unit.connection):
            return False
        start_job(unit, REPLAN, {CALENDARS: wanted})
    return True


def is_behind(connection: sa.Connection, wanted: str) -> bool:
    """Says whether there are open clocks that may be planned by other business time."""
    here = service_plan.c
    known = connection.scalar(sa.select(here.digest).where(here.what == CALENDARS))
    if known == wanted:
        return False
    any_open = sa.exists().where(service_level.c.ended.is_not(True))
    return bool(connection.execute(sa.select(any_open)).scalar_one())


def is_under_way(connection: sa.Connection) -> bool:
    """Says whether a job plans clocks anew by the business time."""
    jobs = sa.select(job_table.c.params).where(
        job_table.c.kind == REPLAN, job_table.c.state.not_in(ENDED)
    )
    return any(CALENDARS in params for params in connection.scalars(jobs))


KIND = Replan()
