"""Shadow mode: a drafted score that is computed beside the one in force, and affects nobody.

Both are noted for each record as long as it is open, every night and when somebody asks. What they
were when it was won or lost stays: so they can be compared without having known the outcome.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from metadata.access import SYSTEM
from metadata.problems import Problem
from metadata.query.tables import alive
from trellis.audit import note
from trellis.automation.rulebook import compile_snapshot, keep_rules
from trellis.db import insert_into
from trellis.declared import ANY_OBJECT, declares
from trellis.errors import Missing, Refused
from trellis.jobs.running import JobKind, RunningJob, Step, start_job
from trellis.phrases import Sentence
from trellis.scoring.backtest import Backtest, backtest
from trellis.scoring.foreseen import Move, drafted, in_draft, in_force
from trellis.scoring.outcomes import OPEN, Evaluated, outcome_of, statements, tallied
from trellis.scoring.rescoring import batch_end, between, records_between, told_columns
from trellis.scoring.runs import find_score
from trellis.scoring.tables import SHADOW, new_id, score_shadow, score_shadow_point
from trellis.unit import Unit

KEPT: Final = {
    "points": "points",
    "grade": "grade",
    "live_points": "was_points",
    "live_grade": "was_grade",
}
"""The columns of `score_shadow_point`, and what `told_columns` calls what they keep."""


@dataclass(frozen=True, slots=True)
class Shadow:
    """A drafted score that is computed beside the one in force; `rules` stands for its texts."""

    id: int
    object: str
    score: str
    places: int
    rules: str
    by: str
    since: datetime
    computed_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Compared:
    """What a shadow and the score in force gave to the same records: from which grade in force to
    which of the shadow, and what either is worth by what became of the records since."""

    moves: tuple[Move, ...]
    live: Backtest
    shadow: Backtest


def start_shadow(unit: Unit, object_name: str, name: str) -> int:
    """Has the acting administrator's draft of a score computed beside the one in force; one that
    is there already ends. Gives its id.

    Raises as `in_draft` does, and Refused for a score that cannot be computed before the draft is
    published, or not by the database.
    """
    draft = drafted(unit)
    one = in_draft(unit, draft, object_name, name)
    statements(one)
    digest = keep_rules(unit.connection, draft.catalog.rules)
    shadow = Shadow(
        id=new_id(),
        object=unit.catalog.objects[object_name].id,
        score=name,
        places=one.places,
        rules=digest,
        by=unit.principal.name,
        since=unit.moment.now,
        computed_at=None,
        ended_at=None,
    )
    of_shadow(unit, shadow)
    end_shadows(unit, object_name, name)
    row = {column: getattr(shadow, column) for column in Shadow.__slots__}
    unit.connection.execute(sa.insert(score_shadow).values(row))
    note(unit, "shadow", object=object_name, values={"name": shadow.score})
    compute_shadow(unit, object_name, shadow.id)
    return shadow.id


def compute_shadow(unit: Unit, object_name: str, shadow: int) -> str:
    """Starts the job that computes a shadow; gives its id."""
    params = {"object": object_name, "shadow": shadow}
    return start_job(replace(unit, principal=SYSTEM), SHADOW, params)


def end_shadows(unit: Unit, object_name: str, name: str) -> int:
    """Ends what is computed beside a score; gives how many that were. Raises as `in_force` does."""
    in_force(unit, object_name, name)
    table = score_shadow.c
    going = sa.update(score_shadow).where(
        table.object == unit.catalog.objects[object_name].id,
        table.score == name,
        table.ended_at.is_(None),
    )
    count = unit.connection.execute(going.values(ended_at=unit.moment.now)).rowcount
    if count:
        note(unit, "shadow_ended", object=object_name, values={"name": name})
    return count


def find_shadow(unit: Unit, object_name: str, name: str) -> Shadow | None:
    """Gives what is computed beside a score, or was last. Raises as `in_force` does."""
    in_force(unit, object_name, name)
    table, definition = score_shadow.c, unit.catalog.objects[object_name]
    found = sa.select(score_shadow).where(table.object == definition.id, table.score == name)
    row = unit.connection.execute(found.order_by(table.id.desc()).limit(1)).mappings().first()
    return None if row is None else Shadow(**row)


def shadow_of(unit: Unit, object_name: str, name: str) -> Shadow:
    """Gives what `find_shadow` gives. Raises Missing when there never was one."""
    found = find_shadow(unit, object_name, name)
    if found is None:
        raise Missing([Problem("", "no_shadow", {"name": name})])
    return found


def of_shadow(unit: Unit, shadow: Shadow) -> Evaluated:
    """Gives the score of a shadow. Raises Refused when its rules do not fit the objects, or give
    points of other places than when it began."""
    program = compile_snapshot(unit.connection, unit.catalog, shadow.rules)
    names = {definition.id: name for name, definition in unit.catalog.objects.items()}
    score = find_score(program.for_object(names.get(shadow.object, "")).scores, shadow.score)
    if score is None:
        raise Refused([Problem("", "shadow_misfit", {"name": shadow.score})])
    found = Evaluated(unit, score, unit.catalog)
    if found.places != shadow.places:
        raise Refused([Problem("", "shadow_misfit", {"name": shadow.score})])
    return found


@declares(ANY_OBJECT, "administer")
class ComputeShadow(JobKind):
    """Computes a shadow for all open records."""

    name = SHADOW
    title = Sentence("Compute the draft of a score")

    def step(self, unit: Unit, job: RunningJob) -> Step:
        """Does some thousand records."""
        wanted = sa.select(score_shadow).where(
            score_shadow.c.id == job.params["shadow"], score_shadow.c.ended_at.is_(None)
        )
        row = unit.connection.execute(wanted).mappings().first()
        if row is None:
            return Step(None, job.done, job.total, {"records": job.done})
        shadow = Shadow(**row)
        one = of_shadow(unit, shadow)
        at: Mapping[str, Any] = job.cursor or {"after": "", "start": unit.moment.now.isoformat()}
        start = datetime.fromisoformat(at["start"])
        one = replace(one, unit=replace(unit, moment=replace(unit.moment, now=start)))
        upto = batch_end(unit, one.table, at["after"])
        done = job.done + note_batch(one, shadow, at["after"], upto)
        if upto is not None:
            total = job.total or records_between(unit, one.score, "", None)
            return Step({**at, "after": upto}, done, max(total, done))
        ended = sa.update(score_shadow).where(score_shadow.c.id == shadow.id)
        unit.connection.execute(ended.values(computed_at=start))
        return Step(at, done, done, {"records": done})


def note_batch(one: Evaluated, shadow: Shadow, after: str, upto: str | None) -> int:
    """Notes points and grades of the open records behind an id, up to another one or all; gives
    how many were others than before."""
    right = statements(one, between(after, upto)).right
    identifier, points, _ = right.selected_columns
    told = told_columns(one.unit, one.score, right)
    rows = right.with_only_columns(
        sa.literal(shadow.id), identifier, *(told[name] for name in KEPT.values())
    ).where(outcome_of(one) == OPEN, points.is_not(None))
    insert = insert_into(one.unit.connection, score_shadow_point)
    insert = insert.from_select(["shadow", "record_id", *KEPT], rows)
    new, old = insert.excluded, score_shadow_point.c
    noted = insert.on_conflict_do_update(
        index_elements=["shadow", "record_id"],
        set_={name: new[name] for name in KEPT},
        where=sa.or_(*(old[name].is_distinct_from(new[name]) for name in KEPT)),
    )
    return one.run(noted.execution_options(preserve_rowcount=True)).rowcount


def compare(unit: Unit, object_name: str, name: str) -> Compared:
    """Gives what came of a shadow until now. Raises as `shadow_of` does."""
    shadow, one = shadow_of(unit, object_name, name), in_force(unit, object_name, name)
    here = score_shadow_point.c
    joined = one.table.join(score_shadow_point, one.table.c.id == here.record_id)
    rows = sa.select(*(here[name] for name in KEPT), outcome_of(one).label("outcome"))
    each = rows.select_from(joined).where(here.shadow == shadow.id, alive(one.table)).subquery()

    def standing(points: sa.ColumnElement[Any], grade: sa.ColumnElement[Any]) -> Backtest:
        keys = (points, grade, each.c.outcome)
        counted = sa.select(*keys, sa.func.count()).where(points.is_not(None)).group_by(*keys)
        grades = [grade.name for grade in one.score.grades]
        return backtest(tallied(one.run(counted), shadow.places), grades)

    by_grade = (each.c.live_grade, each.c.grade)
    found: list[Any] = list(one.run(sa.select(*by_grade, sa.func.count()).group_by(*by_grade)))
    return Compared(
        tuple(Move(*row) for row in found),
        standing(each.c.live_points, each.c.live_grade),
        standing(each.c.points, each.c.grade),
    )


KIND = ComputeShadow()
