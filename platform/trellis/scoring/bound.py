"""Publishing after a dry run: a token that also stands for what the data answered."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from metadata.problems import Problem
from trellis.designer.publishing import Check, Planned
from trellis.errors import Conflict
from trellis.scoring.foreseen import Foreseen, draft_of, foresee, in_draft
from trellis.scoring.outcomes import Evaluated
from trellis.unit import Unit

MARK: Final = "~"
"""Between the token of a plan and what its scores would change, as often as there are such."""
ANSWER = re.compile(r"(\w+)\.(\w+)@(\d{1,17})=([0-9a-f]{16})", re.ASCII)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STEP = timedelta(microseconds=1)


def answer_mark(one: Evaluated, found: Foreseen) -> str:
    """Gives what stands for the data's answer to a score of a draft: when it was asked, and a
    digest of how many records change from which grade to which, and of their points."""
    now = (one.unit.moment.now - EPOCH) // STEP
    moves = [[move.old, move.new, move.records] for move in found.moves]
    whole = json.dumps([found.records, found.raised, found.lowered, found.points, moves])
    digest = hashlib.sha256(whole.encode()).hexdigest()[:16]
    return f"{one.score.object}.{one.score.name}@{now}={digest}"


def bound_token(token: str, answers: Sequence[str]) -> str:
    """Gives a plan's token that also stands for answers of the data."""
    return MARK.join((token, *answers))


def read_token(unit: Unit, token: str) -> tuple[str, Check]:
    """Gives the token of the plan, and what to ask before it is published: if the data still gives
    the answers that the token stands for. They are asked for the same instant again, so that points
    which time alone takes do not count. Raises Conflict where they moved.
    """
    plan_token, *answers = token.split(MARK)

    def check(planned: Planned) -> None:
        problems = [problem for answer in answers for problem in moved(unit, planned, answer)]
        if problems:
            raise Conflict(problems)

    return plan_token, check


def moved(unit: Unit, planned: Planned, answer: str) -> list[Problem]:
    """Says of one answer if the data gives another one now."""
    asked = ANSWER.fullmatch(answer)
    if asked is None:
        return [Problem("/token", "draft_changed")]
    object_name, name, instant, _ = asked.groups()
    then = replace(unit.moment, now=EPOCH + int(instant) * STEP)
    one = in_draft(replace(unit, moment=then), draft_of(unit, planned), object_name, name)
    found = foresee(one)
    if answer_mark(one, found) == answer:
        return []
    values = {"score": one.unit.catalog.rule_text(one.score.label), "count": found.records}
    return [Problem("/token", "scores_moved", values)]
