"""What a draft would make of scores: which are others, and how many records change, and which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from metadata.catalog import Catalog, build_catalog
from metadata.problems import Problem
from rule_engine.program import Score
from trellis.automation.readable import Reader
from trellis.designer.drafts import author_of
from trellis.designer.publishing import Planned, make_plan, make_rollback
from trellis.errors import Missing, NotAllowed, Refused
from trellis.scoring.outcomes import Evaluated, statements
from trellis.scoring.rescoring import told_columns
from trellis.scoring.runs import digest_of, find_score
from trellis.scoring.tables import points_of
from trellis.unit import Unit

TRIES: Final = 5
"""How many pages of records are looked through for such as the reader may see."""


@dataclass(frozen=True, slots=True)
class Drafted:
    """The draft of who administers, as scores see it; `token` publishes exactly this."""

    planned: Planned
    catalog: Catalog

    @property
    def token(self) -> str:
        """What stands for the plan."""
        return self.planned.token

    def seen_by(self, unit: Unit) -> Unit:
        """Gives a unit of work as if the draft were in force."""
        return replace(unit, catalog=self.catalog)


@dataclass(frozen=True, slots=True)
class Move:
    """How many records go from one grade to another, or stay in it with other points."""

    old: str | None
    new: str | None
    records: int


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a score would change: in how many records, up or down, and from which grade to which;
    `points` are all that these records would have, in units of the last place.

    Records without points until now count neither as raised nor as lowered.
    """

    records: int
    raised: int
    lowered: int
    moves: tuple[Move, ...]
    points: int


@dataclass(frozen=True, slots=True)
class Difference:
    """One record's points and grade as they are stored, and as they would be."""

    id: str
    was_points: Decimal | None
    was_grade: str | None
    points: Decimal | None
    grade: str | None


def drafted(unit: Unit, back_to: int | None = None) -> Drafted:
    """Gives the acting administrator's draft, or the way back to a version. Raises Refused for what
    cannot be published."""
    return draft_of(unit, make_plan(unit) if back_to is None else make_rollback(unit, back_to))


def draft_of(unit: Unit, planned: Planned) -> Drafted:
    """Gives the definitions that a plan leads to. Raises Refused for one with problems."""
    if planned.problems:
        raise Refused(planned.problems)
    catalog = build_catalog(unit.catalog.version, planned.elements, previous=unit.catalog)
    return Drafted(planned, replace(catalog, day=unit.catalog.day))


def changed_scores(unit: Unit, draft: Drafted) -> list[Score]:
    """Gives the scores that are others in a draft than in force, or new."""
    if not draft.planned.operations:
        return []
    return [score for score in draft.catalog.program.scores if is_other(unit, draft.catalog, score)]


def is_other(unit: Unit, catalog: Catalog, score: Score) -> bool:
    """Says whether a score of other definitions is not the one in force."""
    known = find_score(unit.catalog.program.for_object(score.object).scores, score.name)
    return known is None or digest_of(unit.catalog, known) != digest_of(catalog, score)


def in_force(unit: Unit, object_name: str, name: str) -> Evaluated:
    """Gives a score in force. Raises Missing, and NotAllowed for one that the reader may not see
    or that rests on fields she may not read.

    Numbers alone would tell of hidden fields: of a salary by a score that adds 1 for it.
    """
    author_of(unit)
    score = find_score(unit.catalog.program.for_object(object_name).scores, name)
    if score is None:
        raise Missing([Problem("", "unknown_score", {"object": object_name, "name": name})])
    if not may_see(unit, score):
        raise NotAllowed([Problem("", "hidden_score", {"name": name})])
    return Evaluated(unit, score, unit.catalog)


def seen_scores(unit: Unit) -> list[Evaluated]:
    """Gives the scores in force that who administers may see."""
    author_of(unit)
    scores = unit.catalog.program.scores
    return [Evaluated(unit, score, unit.catalog) for score in scores if may_see(unit, score)]


def may_see(unit: Unit, score: Score) -> bool:
    """Says whether all that a score fills and looks at may be read."""
    access = unit.principal.access(score.object)
    filled = [field for field in (score.into, score.grade_into) if field is not None]
    return all(map(access.reads, filled)) and Reader(unit).may_see_score(score)


def in_draft(unit: Unit, draft: Drafted, object_name: str, name: str) -> Evaluated:
    """Gives a score as a draft has it. Raises as `in_force` does."""
    found = in_force(draft.seen_by(unit), object_name, name)
    return replace(found, published=unit.catalog)


def foresee(one: Evaluated) -> Foreseen:
    """Gives what bringing a score up to date would change, of all records. Raises Refused for one
    that cannot be computed by the database as it is."""
    told = differing(one).subquery()
    points, was = told.c.points, told.c.was_points
    by_grade = (told.c.was_grade, told.c.grade)
    counted = sa.select(
        *by_grade,
        sa.func.count(),
        sa.func.count(sa.case((points > was, 1))),
        sa.func.count(sa.case((points < was, 1))),
        sa.func.sum(points),
    ).group_by(*by_grade)
    rows: list[Any] = list(one.run(counted))
    moves = [Move(old, new, count) for old, new, count, *_ in rows]
    moves.sort(key=lambda move: (-move.records, str(move.old), str(move.new)))
    return Foreseen(
        records=sum(row[2] for row in rows),
        raised=sum(row[3] for row in rows),
        lowered=sum(row[4] for row in rows),
        moves=tuple(moves),
        points=sum(int(row[5] or 0) for row in rows),
    )


def differences(
    unit: Unit, one: Evaluated, *, after: str = "", limit: int = 50
) -> tuple[Sequence[tuple[Difference, str]], str | None]:
    """Gives records that would change, each with its name, by id; and where the next page begins.

    Only such as the reader may see. A page may be short, and not be the last one for that.
    """
    told = differing(one).subquery()
    filled = [field for field in (one.score.into, one.score.grade_into) if field is not None]
    found: list[tuple[Difference, str]] = []
    for _ in range(TRIES):
        some = sa.select(told).where(told.c.id > after).order_by(told.c.id).limit(limit)
        rows = one.run(some).all()
        names = unit.records().names(one.score.object, {row.id for row in rows})
        unit.show(one.score.object, names, filled)
        for row in rows:
            after = row.id
            if row.id in names:
                found.append((difference(row, one.places), names[row.id]))
            if len(found) == limit:
                return found, after
        if len(rows) < limit:
            return found, None
    return found, after


def difference(row: Any, places: int) -> Difference:
    """Gives one record that would change."""
    was, points = points_of(row.was_points, places), points_of(row.points, places)
    return Difference(row.id, was, row.was_grade, points, row.grade)


def differing(one: Evaluated) -> sa.Select[Any]:
    """Gives the rows that a score would change: id, and points and grade before and after. Raises
    Refused for what the database cannot compute, or not before the draft is published."""
    wrong = statements(one).wrong
    identifier, *_ = wrong.selected_columns
    columns = told_columns(one.unit, one.score, wrong)
    return wrong.with_only_columns(
        identifier.label("id"), *(column.label(name) for name, column in columns.items())
    )
