"""`/api/v1/meta/scores`: how scores stand, what a draft would change, what they are worth."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from http import HTTPStatus

from flask import Response

from trellis.api import score_operations as told
from trellis.api.answers import instant, json_answer
from trellis.api.history import page_limit
from trellis.api.operations import meta_route, route
from trellis.api.problems import RequestError
from trellis.api.requests import read_optional_body, read_parameters, unknown
from trellis.scoring.backtest import Backtest
from trellis.scoring.bound import answer_mark, bound_token
from trellis.scoring.foreseen import (
    Move,
    changed_scores,
    differences,
    drafted,
    foresee,
    in_draft,
    in_force,
    seen_scores,
)
from trellis.scoring.keeping_up import start_rescoring
from trellis.scoring.outcomes import (
    Evaluated,
    computed_standing,
    outcome_field,
    stored_standing,
)
from trellis.scoring.past import past_points
from trellis.scoring.runs import Run, last_runs
from trellis.scoring.shadows import compare, end_shadows, shadow_of, start_shadow
from trellis.work import reading, writing_now

RUNS = 10


@meta_route("/scores", "GET", operation=told.SCORES)
def list_scores() -> Response:
    """Answers the scores whose fields the caller may read."""
    read_parameters(())
    unit = reading()
    items = [score_json(one) for one in seen_scores(unit)]
    return json_answer({"items": items, "next": None})


@meta_route("/scores/<scored>/<score>", "GET", operation=told.SCORE)
def get_score(scored: str, score: str) -> Response:
    """Answers how the records stand by a score, and when it was last computed for all of them."""
    read_parameters(())
    unit = reading()
    one = in_force(unit, scored, score)
    runs = [run_json(run) for run in last_runs(unit, one.score, RUNS)]
    standing = backtest_json(stored_standing(one))
    return json_answer({**score_json(one), "standing": standing, "runs": runs})


@meta_route("/scores/changed", "GET", operation=told.CHANGED)
def list_changed() -> Response:
    """Answers the scores that the caller's draft changes, with the token of its plan."""
    read_parameters(())
    unit = reading()
    draft = drafted(unit)
    items = [{"object": one.object, "name": one.name} for one in changed_scores(unit, draft)]
    return json_answer({"items": items, "next": None, "token": draft.token})


@meta_route("/scores/<scored>/<score>/differences", "GET", operation=told.DIFFERENCES)
def list_differences(scored: str, score: str) -> Response:
    """Answers which records would have other points."""
    given = read_parameters(("rules", "limit", "after"))
    one, plan_token = evaluated(scored, score, given.get("rules", told.DRAFT), told.BY)
    found = foresee(one)
    token = None if plan_token is None else bound_token(plan_token, [answer_mark(one, found)])
    page = differences(reading(), one, after=given.get("after", ""), limit=page_limit(given))
    items = [
        {
            "id": each.id,
            "name": name,
            "points": [number(each.was_points), number(each.points)],
            "grade": [each.was_grade, each.grade],
        }
        for each, name in page[0]
    ]
    counts = {"records": found.records, "raised": found.raised, "lowered": found.lowered}
    moves = [move_json(move) for move in found.moves]
    return json_answer({"token": token, **counts, "moves": moves, "items": items, "next": page[1]})


@meta_route("/scores/<scored>/<score>/backtest", "GET", operation=told.BACKTEST)
def get_backtest(scored: str, score: str) -> Response:
    """Answers what the points are worth by what was won and lost."""
    rules = read_parameters(("rules",)).get("rules", told.STORED)
    one, token = evaluated(scored, score, rules, (told.STORED, *told.BY))
    found = stored_standing(one) if rules == told.STORED else computed_standing(one)
    field = outcome_field(one.definition)
    return json_answer(
        {"token": token, "field": None if field is None else field.name, **backtest_json(found)}
    )


@meta_route("/scores/<scored>/<score>/rescore", "POST", operation=told.RESCORED)
def rescore(scored: str, score: str) -> Response:
    """Has a score computed for all records."""
    read_parameters(())
    read_optional_body(())
    with writing_now() as unit:
        job = start_rescoring(in_force(unit, scored, score))
    return json_answer({"job": job}, HTTPStatus.ACCEPTED)


@meta_route("/scores/<scored>/<score>/shadow", "POST", operation=told.SHADOWED)
def begin_shadow(scored: str, score: str) -> Response:
    """Has the caller's draft of a score computed beside the one in force."""
    read_parameters(())
    read_optional_body(())
    with writing_now() as unit:
        shadow = start_shadow(unit, scored, score)
    return json_answer({"shadow": str(shadow)}, HTTPStatus.ACCEPTED)


@meta_route("/scores/<scored>/<score>/shadow", "DELETE", operation=told.ENDED)
def end_shadow(scored: str, score: str) -> Response:
    """Ends what is computed beside a score."""
    read_parameters(())
    with writing_now() as unit:
        end_shadows(unit, scored, score)
    return Response(status=HTTPStatus.NO_CONTENT.value)


@meta_route("/scores/<scored>/<score>/shadow", "GET", operation=told.COMPARED)
def get_shadow(scored: str, score: str) -> Response:
    """Answers what the draft and the score in force gave to the same records."""
    read_parameters(())
    unit = reading()
    shadow, found = shadow_of(unit, scored, score), compare(unit, scored, score)
    return json_answer(
        {
            "by": shadow.by,
            "since": instant(shadow.since),
            "computed_at": None if shadow.computed_at is None else instant(shadow.computed_at),
            "ended_at": None if shadow.ended_at is None else instant(shadow.ended_at),
            "moves": [move_json(move) for move in found.moves],
            "live": backtest_json(found.live),
            "shadow": backtest_json(found.shadow),
        }
    )


@route("/<object_name>/<record_id>/score_history", "GET", action="read", operation=told.HISTORY)
def score_history(object_name: str, record_id: str) -> Response:
    """Answers the points that a record has had, newest first."""
    limit = page_limit(read_parameters(("limit",)))
    lines = past_points(reading(), object_name, record_id, limit=limit)
    items = [
        {
            "score": line.score,
            "at": instant(line.at),
            "why": line.why,
            "by": line.by,
            "definitions": line.definitions,
            "points": [number(line.was_points), number(line.points)],
            "grade": [line.was_grade, line.grade],
        }
        for line in lines
    ]
    return json_answer({"items": items, "next": None})


def evaluated(
    object_name: str, name: str, rules: str, known: tuple[str, ...]
) -> tuple[Evaluated, str | None]:
    """Gives a score by the rules asked for, with the token of the plan that has them."""
    if rules not in known:
        problem = unknown("rules", "unknown_value", rules, set(known))
        raise RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, [problem])
    unit = reading()
    if rules != told.DRAFT:
        return in_force(unit, object_name, name), None
    draft = drafted(unit)
    return in_draft(unit, draft, object_name, name), draft.token


def score_json(one: Evaluated) -> dict[str, object]:
    """Gives a score in wire form."""
    score = one.score
    return {
        "object": score.object,
        "name": score.name,
        "label": score.label,
        "into": score.into,
        "grade_into": score.grade_into,
    }


def run_json(run: Run) -> dict[str, object]:
    """Gives one computing of a score for all records in wire form."""
    return {
        "id": str(run.id),
        "why": run.why,
        "definitions": run.definitions,
        "started_at": instant(run.started_at),
        "ended_at": None if run.ended_at is None else instant(run.ended_at),
        "changed": run.changed,
        "refused": run.refused,
        "by_record": run.by_record or None,
    }


def backtest_json(found: Backtest) -> dict[str, object]:
    """Gives what points are worth in wire form."""
    return {
        "won": found.tally.won,
        "lost": found.tally.lost,
        "open": found.tally.open,
        "won_rate": ratio(found.tally.won_rate),
        "auc": ratio(found.auc),
        "grades": [
            {
                "grade": line.grade,
                "won": line.tally.won,
                "lost": line.tally.lost,
                "open": line.tally.open,
                "won_rate": ratio(line.tally.won_rate),
                "lift": ratio(line.lift),
            }
            for line in found.grades
        ],
    }


def move_json(move: Move) -> dict[str, object]:
    """Gives how many go from one grade to another in wire form."""
    return {"from": move.old, "to": move.new, "records": move.records}


def number(points: Decimal | None) -> str | None:
    """Gives points in wire form."""
    return None if points is None else str(points)


def ratio(exact: Fraction | None) -> float | None:
    """Gives a ratio with six places."""
    return None if exact is None else round(float(exact), 6)
