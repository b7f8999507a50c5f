"""Scores in setup: how records stand by them, what a draft would change, what they are worth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from metadata.fields.base import choose_label
from trellis import current
from trellis.declared import declares
from trellis.designer.publishing import Planned
from trellis.errors import Conflict, NotAllowed, Refused
from trellis.scoring.backtest import Backtest, Tally
from trellis.scoring.bound import answer_mark
from trellis.scoring.foreseen import (
    Move,
    changed_scores,
    differences,
    draft_of,
    drafted,
    foresee,
    in_draft,
    in_force,
    may_see,
    seen_scores,
)
from trellis.scoring.keeping_up import start_rescoring
from trellis.scoring.outcomes import Evaluated, computed_standing, outcome_field, stored_standing
from trellis.scoring.runs import last_runs
from trellis.scoring.shadows import (
    Shadow,
    compare,
    compute_shadow,
    end_shadows,
    find_shadow,
    shadow_of,
    start_shadow,
)
from trellis.scoring.tables import ASKED, RULES, TIME
from trellis.unit import Unit
from trellis.web.addresses import record_address, with_query
from trellis.web.doors import flash_problems, make_blueprint, words
from trellis.web.people import name_of, names_of
from trellis.web.setup.documents import changes
from trellis.web.words import gettext
from trellis.work import reading, writing_now

ADDRESS = "/setup/scores"
blueprint = make_blueprint("setup_scores", ADDRESS)

RUNS = 8
PAGE = 50
STORED, ACTIVE, DRAFT = "stored", "active", "draft"


@dataclass(frozen=True, slots=True)
class GradeName:
    """A grade as people read it."""

    label: str
    hue: str


@dataclass(frozen=True, slots=True)
class Row:
    """The records of one grade. Shares are in per cent; None where nothing was won or lost."""

    grade: GradeName
    tally: Tally
    share: int
    won_rate: str
    lift: str


@dataclass(frozen=True, slots=True)
class Worth:
    """How records stand by points, and what these are worth."""

    rows: tuple[Row, ...]
    tally: Tally
    auc: str
    won_rate: str


@dataclass(frozen=True, slots=True)
class Cell:
    """How many records go from one grade to another; `kind` says whether they stay in it."""

    records: int
    stays: bool


@dataclass(frozen=True, slots=True)
class Matrix:
    """Grades until now down, grades then across."""

    across: tuple[GradeName, ...]
    lines: tuple[tuple[GradeName, tuple[Cell, ...]], ...]


@dataclass(frozen=True, slots=True)
class Named:
    """A score as people read it: its title and that of its object, and where its page is."""

    label: str
    object: str
    place: str
    address: str


@blueprint.get("")
@declares("", "administer")
def listed() -> str:
    """Shows the scores."""
    unit = reading()
    lines = []
    for one in seen_scores(unit):
        runs = last_runs(unit, one.score, 1)
        shadow = find_shadow(unit, one.score.object, one.score.name)
        is_shadowed = shadow is not None and shadow.ended_at is None
        lines.append((named(one), runs[0] if runs else None, is_shadowed))
    return render_template("setup/scores.html", lines=lines, why=causes(), changes=changes(unit))


@blueprint.get("/<scored>/<score>")
@declares("", "administer")
def show(scored: str, score: str) -> str:
    """Shows how records stand by a score, by its stored points or computed now."""
    unit, by = reading(), request.args.get("by", STORED)
    one, problem, worth = in_force(unit, scored, score), "", None
    try:
        worth = worth_of(one, standing(unit, one, by))
    except (Refused, NotAllowed) as error:
        problem = " ".join(map(words, error.problems))
    field = outcome_field(one.definition)
    shadow = find_shadow(unit, scored, score)
    return render_template(
        "setup/score.html",
        score=named(one),
        by=by,
        worth=worth,
        problem=problem,
        outcome=None if field is None else choose_label(field.labels, current.language()),
        runs=last_runs(unit, one.score, RUNS),
        why=causes(),
        shadow=shadow_card(unit, one, shadow),
        changes=changes(unit),
    )


def standing(unit: Unit, one: Evaluated, by: str) -> Backtest:
    """Gives how records stand by stored points, by the rules in force, or by those of the draft."""
    if by == DRAFT:
        return computed_standing(in_draft(unit, drafted(unit), one.score.object, one.score.name))
    return computed_standing(one) if by == ACTIVE else stored_standing(one)


@blueprint.get("/<scored>/<score>/differences")
@declares("", "administer")
def differing(scored: str, score: str) -> str:
    """Shows what publishing the draft would change; without a draft, what computing it would."""
    unit, after = reading(), request.args.get("after", "")
    back_to = request.args.get("back_to", type=int)
    problem, found, page, following, matrix = "", None, [], None, None
    one = None
    try:
        draft = drafted(unit, back_to)
        one = in_draft(unit, draft, scored, score)
        found = foresee(one)
        shown, following = differences(unit, one, after=after, limit=PAGE)
        page = [
            (
                record_address(scored, each.id),
                name,
                each,
                grade_name(one, each.was_grade),
                grade_name(one, each.grade),
            )
            for each, name in shown
        ]
        matrix = matrix_of(one, found.moves)
    except Refused as error:
        problem = " ".join(map(words, error.problems))
    address = f"{ADDRESS}/{scored}/{score}/differences"
    return render_template(
        "setup/score_differences.html",
        score=named(one or in_force(unit, scored, score)),
        found=found,
        matrix=matrix,
        page=page,
        older=with_query(address, {"back_to": str(back_to or ""), "after": following})
        if following
        else None,
        problem=problem,
        back_to=back_to,
        changes=changes(unit),
    )


@blueprint.get("/<scored>/<score>/foreseen")
@declares("", "administer")
def foreseen(scored: str, score: str) -> str:
    """Gives in a sentence what publishing the draft would change, for the page of the plan."""
    unit, problem, found, answer = reading(), "", None, ""
    try:
        draft = drafted(unit, request.args.get("back_to", type=int))
        one = in_draft(unit, draft, scored, score)
        found = foresee(one)
        answer = answer_mark(one, found)
    except Refused as error:
        problem = " ".join(map(words, error.problems))
    return render_template("setup/score_foreseen.html", found=found, problem=problem, answer=answer)


def changed_names(unit: Unit, planned: Planned) -> tuple[Named, ...]:
    """Gives the scores that a plan changes, as far as who administers may see them."""
    if planned.problems:
        return ()
    draft = draft_of(unit, planned)
    foreseeing = draft.seen_by(unit)
    return tuple(
        named(Evaluated(foreseeing, score, unit.catalog))
        for score in changed_scores(unit, draft)
        if may_see(foreseeing, score)
    )


@blueprint.post("/<scored>/<score>/rescore")
@declares("", "administer")
def rescore(scored: str, score: str) -> Response:
    """Has a score computed for all records."""
    with writing_now() as unit:
        start_rescoring(in_force(unit, scored, score))
    flash(gettext("It is computed in the background."), "success")
    return redirect(f"{ADDRESS}/{scored}/{score}")


@blueprint.post("/<scored>/<score>/shadow")
@declares("", "administer")
def shadow(scored: str, score: str) -> Response:
    """Has the draft computed beside the score, has that done again now, or ends it."""
    wanted = request.form.get("do", "")
    try:
        with writing_now() as unit:
            if wanted == "end":
                end_shadows(unit, scored, score)
            elif wanted == "again":
                compute_shadow(unit, scored, shadow_of(unit, scored, score).id)
            else:
                start_shadow(unit, scored, score)
        said = gettext("Ended") if wanted == "end" else gettext("It is computed in the background.")
        flash(said, "success")
    except (Refused, Conflict) as error:
        flash_problems(error)
    return redirect(f"{ADDRESS}/{scored}/{score}")


@dataclass(frozen=True, slots=True)
class ShadowCard:
    """What is computed beside a score."""

    shadow: Shadow
    by: str
    matrix: Matrix
    live: Worth
    own: Worth


def shadow_card(unit: Unit, one: Evaluated, shadow: Shadow | None) -> ShadowCard | None:
    """Gives what came of a shadow, if there is one that has been computed."""
    if shadow is None:
        return None
    found = compare(unit, one.score.object, one.score.name)
    by = name_of(names_of(unit, {shadow.by}), shadow.by)
    matrix = matrix_of(one, found.moves)
    return ShadowCard(shadow, by, matrix, worth_of(one, found.live), worth_of(one, found.shadow))


def named(one: Evaluated) -> Named:
    """Gives a score as people read it."""
    score, language = one.score, current.language()
    return Named(
        label=one.unit.catalog.message(score.label, language),
        object=one.definition.label(language),
        place=f"{score.object}.{score.name}",
        address=f"{ADDRESS}/{score.object}/{score.name}",
    )


def grade_name(one: Evaluated, grade: str | None) -> GradeName:
    """Gives a grade as people read it; a dash for none."""
    if grade is None:
        return GradeName("\N{EN DASH}", "gray")
    field = one.definition.fields.get(one.score.grade_into or "")
    option = field.option(grade) if field else None
    if option is None:
        return GradeName(grade, "gray")
    return GradeName(choose_label(option.labels, current.language()), option.hue or "gray")


def worth_of(one: Evaluated, found: Backtest) -> Worth:
    """Gives what points are worth as people read it."""
    most = max((line.tally.records for line in found.grades), default=0)
    return Worth(
        rows=tuple(
            Row(
                grade=grade_name(one, line.grade),
                tally=line.tally,
                share=round(100 * line.tally.records / most) if most else 0,
                won_rate=in_percent(line.tally.won_rate),
                lift="" if line.lift is None else f"{float(line.lift):.2f}",
            )
            for line in found.grades
        ),
        tally=found.tally,
        auc="" if found.auc is None else f"{float(found.auc):.3f}",
        won_rate=in_percent(found.tally.won_rate),
    )


def in_percent(part: Fraction | None) -> str:
    """Gives a part in per cent with a place; "" for none."""
    return "" if part is None else f"{round(Decimal(100 * float(part)), 1)}%"


def matrix_of(one: Evaluated, moves: Sequence[Move]) -> Matrix:
    """Gives moves as a table, the best grade first."""
    counts = {(move.old, move.new): move.records for move in moves}
    down, across = (
        in_order(one, {getattr(move, side) for move in moves}) for side in ("old", "new")
    )
    lines = (
        (
            grade_name(one, old),
            tuple(Cell(counts.get((old, new), 0), old == new) for new in across),
        )
        for old in down
    )
    return Matrix(tuple(grade_name(one, new) for new in across), tuple(lines))


def in_order(one: Evaluated, grades: Iterable[str | None]) -> list[str | None]:
    """Gives grades from the best one down, those that the score does not give last."""
    ranks = {grade.name: rank for rank, grade in enumerate(one.score.grades)}
    return sorted(grades, key=lambda grade: (ranks.get(grade or "", len(ranks)), grade or ""))


def causes() -> dict[str, str]:
    """Gives why a score was computed anew, as people read it."""
    return {
        RULES: gettext("Other rules"),
        TIME: gettext("Every night"),
        ASKED: gettext("By hand"),
    }
