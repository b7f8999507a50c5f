"""`/api/v1/meta/open-clocks`: having the rules in force hold for the clocks that are open."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response

from metadata.json_text import sequence
from trellis.api.answers import json_answer
from trellis.api.explain import maybe
from trellis.api.operations import (
    OBJECT,
    TEXT,
    Answer,
    Body,
    Operation,
    closed,
    made_of,
    meta_route,
)
from trellis.api.requests import read_optional_body, read_parameters
from trellis.phrases import Sentence
from trellis.service_levels.job import move_open
from trellis.service_levels.preview import ClockPlan, Shift, chosen_levels, preview_moving
from trellis.service_levels.told import named_samples
from trellis.unit import Unit
from trellis.work import reading, writing_now

LISTED = Operation(
    Sentence("What it would do if the rules in force held for all open clocks"),
    {
        200: Answer(
            Sentence("The service levels of which clocks would move, begin or end."),
            made_of({"items": {"type": "array", "items": OBJECT}}),
        )
    },
)
MOVED = Operation(
    Sentence("Have the rules in force hold for open clocks"),
    {202: Answer(Sentence("The job that sees to it."), made_of({"job": TEXT}))},
    body=Body(closed({"open_clocks": {"type": "array", "items": TEXT}}, ("open_clocks",))),
)


@meta_route("/open-clocks", "GET", operation=LISTED)
def list_open_clocks() -> Response:
    """Answers what would move."""
    read_parameters(())
    unit = reading()
    return json_answer({"items": [clocks_json(unit, one) for one in preview_moving(unit)]})


@meta_route("/open-clocks", "POST", operation=MOVED)
def move_open_clocks() -> Response:
    """Starts the job for the service levels that are named."""
    read_parameters(())
    names = [str(one) for one in sequence(read_optional_body(("open_clocks",)).get("open_clocks"))]
    with writing_now() as unit:
        job = move_open(unit, chosen_levels(preview_moving(unit), names))
    return json_answer({"job": job}, HTTPStatus.ACCEPTED)


def clocks_json(unit: Unit, plan: ClockPlan) -> dict[str, object]:
    """Gives what becomes of the clocks of a service level: in any case, and by choice."""
    return {
        "name": plan.key,
        "change": plan.kind,
        "open": plan.open,
        "looked_at": plan.looked_at,
        "without": plan.without,
        "calendar": shift_json(unit, plan, plan.calendar),
        "rules": None if plan.moved is None else shift_json(unit, plan, plan.moved),
    }


def shift_json(unit: Unit, plan: ClockPlan, shift: Shift) -> dict[str, object]:
    """Gives what becomes of clocks, with some of those that the caller may see."""
    return {
        "moved": {f"{way}_{size}": number for (way, size), number in shift.moved.items()},
        "begin": shift.begin,
        "end": shift.end,
        "late": shift.late,
        "late_no_more": shift.saved,
        "samples": [
            {
                "record": one.moved.record_id,
                "name": one.name,
                "target": one.moved.target,
                "before": maybe(one.moved.before),
                "after": maybe(one.moved.after),
            }
            for one in named_samples(unit, plan, shift)
        ],
    }
