"""Scores: computed on each save, with reasons that add up and hide what is hidden."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.platform.acting import acting, make, restrict_field, stored
from tests.platform.world import People
from trellis.errors import Missing
from trellis.records.assign import assign_record
from trellis.records.explain import explain_scores
from trellis.records.save import save_record
from trellis.runtime import Platform

pytestmark = pytest.mark.usefixtures("people")

LEAD = {"name": "Li", "email": "li@acme.cn", "lead_source": "web"}

# What a lead is beside LEAD → points and grade.
ROWS = [
    ({}, 10, "c"),
    ({"employees": 1500}, 30, "c"),
    ({"employees": 300, "industry": "software"}, 35, "c"),
    ({"employees": 1500, "industry": "software", "lead_source": "referral"}, 60, "b"),
    ({"email": "li@gmail.com"}, 0, "c"),
    ({"employees": 1500, "do_not_contact": True}, 0, "c"),
    ({"industry": "software", "last_contacted_at": "2020-01-01T00:00:00Z"}, 13, "c"),
]


@pytest.mark.parametrize(("values", "points", "grade"), ROWS)
def test_a_save_scores(
    platform: Platform, values: dict[str, object], points: int, grade: str
) -> None:
    lead = make(platform, "rita", "lead", **{**LEAD, **values})
    row = stored(platform, "lead", lead)
    assert (row["score"], row["score_grade"]) == (points, grade)


def test_the_reasons_add_up(platform: Platform) -> None:
    lead = make(platform, "rita", "lead", **LEAD, employees=1500, demo_requested=True)
    with acting(platform, "rita") as unit:
        (result,) = explain_scores(unit, "lead", lead)
    reasons = {item.because: item.amount for item in result.items}
    assert reasons == {"Enterprise size": 20, "Asked for a demo": 20}
    assert result.base + sum(reasons.values(), Decimal(0)) == result.points
    assert result.points == stored(platform, "lead", lead)["score"]


def test_a_related_record_scores_its_parent_again(platform: Platform, people: People) -> None:
    lead = make(platform, "rita", "lead", **LEAD)
    make(
        platform,
        "rita",
        "activity",
        subject="Lunch",
        kind="meeting",
        lead=lead,
        happened_at="2020-01-01T00:00:00Z",
    )
    assert stored(platform, "lead", lead)["score"] == 10
    with acting(platform, "rita") as unit:
        now = unit.moment.now.isoformat()
    make(platform, "rita", "activity", subject="Tea", kind="meeting", lead=lead, happened_at=now)
    row = stored(platform, "lead", lead)
    assert (row["score"], row["version"]) == (20, 1)


def test_a_score_that_does_not_apply_keeps_its_value(platform: Platform) -> None:
    lead = make(platform, "rita", "lead", **LEAD, employees=1500)
    with acting(platform, "rita") as unit:
        save_record(unit, "lead", lead, {"status": "disqualified", "employees": 1}, channel="api")
        assert explain_scores(unit, "lead", lead) == ()
    assert stored(platform, "lead", lead)["score"] == 30


def test_nobody_asks_why_of_what_she_does_not_see(platform: Platform) -> None:
    lead = make(platform, "rita", "lead", **LEAD)
    with pytest.raises(Missing), acting(platform, "ron") as unit:
        explain_scores(unit, "lead", lead)


def test_reasons_do_not_tell_what_is_hidden(platform: Platform) -> None:
    restrict_field(platform, "sales_rep", "lead", "employees", "hidden")
    lead = make(platform, "diana", "lead", **LEAD, employees=1500, demo_requested=True)
    with acting(platform, "diana") as unit:
        assign_record(unit, "lead", lead, "rita", channel="page")
        (whole,) = explain_scores(unit, "lead", lead)
    with acting(platform, "rita") as unit:
        (seen,) = explain_scores(unit, "lead", lead)
    assert {item.because for item in whole.items} == {"Enterprise size", "Asked for a demo"}
    assert {item.because for item in seen.items} == {"Asked for a demo"}
    assert seen.points == whole.points  # the score itself is declassified by its own grant


def test_reasons_do_not_tell_what_is_hidden_in_other_records(platform: Platform) -> None:
    lead = make(platform, "rita", "lead", **LEAD)
    with acting(platform, "rita") as unit:
        now = unit.moment.now.isoformat()
    make(platform, "rita", "activity", subject="Tea", kind="meeting", lead=lead, happened_at=now)
    with acting(platform, "rita") as unit:
        (whole,) = explain_scores(unit, "lead", lead)
    assert {item.because for item in whole.items} == {"Met this month"}
    restrict_field(platform, "sales_rep", "activity", "kind", "hidden")
    with acting(platform, "rita") as unit:
        (seen,) = explain_scores(unit, "lead", lead)
    assert seen.items == ()
    assert seen.points == whole.points
