"""What scores are worth by what was won and lost, and drafts that are computed beside them."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import product
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from tests.platform.acting import acting, change_element, make, restrict_field
from tests.platform.test_api import Client, call
from tests.platform.test_scoring import BASE, LEAD, draft, keep_up, leads, publish_rules
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.scoring.backtest import Tally, auc, backtest
from trellis.scoring.tables import score_shadow

__all__ = ["call"]
TALLIES = st.builds(Tally, *[st.integers(0, 4)] * 3)


@given(st.dictionaries(st.decimals(0, 9, places=1), TALLIES, max_size=8))
def test_auc_is_the_part_of_pairs_that_stand_right(by_points: dict[Decimal, Tally]) -> None:
    won = [points for points, tally in by_points.items() for _ in range(tally.won)]
    lost = [points for points, tally in by_points.items() for _ in range(tally.lost)]
    pairs = list(product(won, lost))
    right = sum((one > other) + Fraction(one == other, 2) for one, other in pairs)
    assert auc(by_points) == (Fraction(right, len(pairs)) if pairs else None)


def test_lift_is_how_much_more_often_a_grade_is_won() -> None:
    counted = [
        (Decimal(80), "a", Tally(won=3, lost=1)),
        (Decimal(80), "a", Tally(open=5)),
        (Decimal(10), "c", Tally(won=1, lost=3)),
        (Decimal(0), None, Tally(lost=2)),
    ]
    found = backtest(counted, ["a", "b", "c"])
    assert (found.tally, found.tally.won_rate) == (Tally(4, 6, 5), Fraction(2, 5))
    assert [(one.grade, one.lift) for one in found.grades] == [
        ("a", Fraction(15, 8)),
        ("c", Fraction(5, 8)),
        (None, Fraction(0)),
    ]


def decide(platform: Platform, lead: str, status: str) -> None:
    steps = ["working", "qualified", "converted"] if status == "converted" else [status]
    for step in steps:
        with acting(platform, "diana") as unit:
            save_record(unit, "lead", lead, {"status": step}, channel="api")


pytestmark = pytest.mark.usefixtures("people")


def test_stored_points_are_those_from_before_the_end(platform: Platform, call: Client) -> None:
    """The base package's score has no say about a lead that is converted or disqualified."""
    ten, thirty, forty, sixty = leads(platform)
    decide(platform, sixty, "converted")
    decide(platform, ten, "disqualified")
    decide(platform, thirty, "disqualified")
    found = call("admin", "GET", f"{BASE}/backtest").get_json()
    assert (found["field"], found["won"], found["lost"], found["open"]) == ("status", 1, 2, 1)
    assert (found["auc"], found["won_rate"]) == (1.0, 0.333333)
    grades = {one["grade"]: one["lift"] for one in found["grades"]}
    assert grades == {"b": 3.0, "c": 0.0}
    draft(
        call, platform, ("range 0 to 100", "range 0 to 100\n    multiply by 0 when employees > 1")
    )
    drafted = call("admin", "GET", f"{BASE}/backtest?rules=draft").get_json()
    assert (drafted["auc"], drafted["won"], drafted["lost"]) == (0.25, 1, 2)
    assert call("admin", "GET", f"{BASE}/backtest?rules=active").get_json()["auc"] == 1.0
    assert forty


def test_a_shadow_affects_nobody_and_is_compared(platform: Platform, call: Client) -> None:
    assert call("admin", "GET", f"{BASE}/shadow").status_code == 404
    ten, thirty, other, sixty = leads(platform)
    keep_up(platform)
    draft(call, platform)
    assert call("admin", "POST", f"{BASE}/shadow").status_code == 202
    before = call("admin", "GET", f"lead/{thirty}").get_json()
    keep_up(platform)
    assert call("admin", "GET", f"lead/{thirty}").get_json() == before
    found = call("admin", "GET", f"{BASE}/shadow").get_json()
    moves = {(one["from"], one["to"]): one["records"] for one in found["moves"]}
    assert moves == {("c", "c"): 1, ("c", "b"): 2, ("b", "b"): 1}
    assert found["computed_at"]
    # What is known of a record when it is decided stays, whatever is written into it afterwards.
    decide(platform, thirty, "converted")
    decide(platform, ten, "disqualified")
    with acting(platform, "diana") as unit:
        save_record(unit, "lead", ten, {"employees": 5000}, channel="api")
    make(platform, "diana", "lead", **{**LEAD, "name": "New"})
    age(platform)
    keep_up(platform)
    found = call("admin", "GET", f"{BASE}/shadow").get_json()
    assert (found["shadow"]["won"], found["shadow"]["lost"], found["shadow"]["open"]) == (1, 1, 3)
    assert (found["shadow"]["auc"], found["live"]["auc"]) == (1.0, 1.0)
    by_grade = {one["grade"]: one["won"] for one in found["shadow"]["grades"]}
    assert by_grade == {"b": 1, "c": 0}
    assert call("admin", "DELETE", f"{BASE}/shadow").status_code == 204
    assert call("admin", "GET", f"{BASE}/shadow").get_json()["ended_at"]
    assert other
    assert sixty


def age(platform: Platform) -> None:
    """Has the last computing of all shadows been two days ago."""
    with platform.database.write() as connection:
        rows = sa.update(score_shadow)
        known = connection.execute(sa.select(score_shadow.c.computed_at)).scalar_one()
        assert isinstance(known, datetime)
        connection.execute(rows.values(computed_at=known - timedelta(days=2)))


def test_a_shadow_goes_on_while_its_draft_goes_another_way(
    platform: Platform, call: Client
) -> None:
    leads(platform)
    draft(call, platform)
    assert call("admin", "POST", f"{BASE}/shadow").status_code == 202
    assert call("admin", "DELETE", "meta/draft").status_code == 204
    publish_rules(platform, ("base 10", "base 12"))
    keep_up(platform)
    found = call("admin", "GET", f"{BASE}/shadow").get_json()
    moves = {(one["from"], one["to"]): one["records"] for one in found["moves"]}
    assert moves == {("c", "c"): 1, ("c", "b"): 2, ("b", "b"): 1}


@pytest.mark.parametrize("path", ["differences", "backtest?rules=draft", "backtest", "shadow"])
def test_sec_02_no_number_tells_of_a_hidden_field(
    platform: Platform, call: Client, path: str
) -> None:
    """SEC-02: a draft may look at what its author may not read, and its numbers would tell it."""
    leads(platform)
    change_element(
        platform, "role", "sales_director", lambda body: body.update({"administer": True})
    )
    draft(call, platform, by="diana")
    assert call("diana", "POST", f"{BASE}/shadow").status_code == 202
    assert call("diana", "GET", f"{BASE}/{path}").status_code == 200
    restrict_field(platform, "sales_director", "lead", "employees", "hidden")
    answer = call("diana", "GET", f"{BASE}/{path}")
    (error,) = answer.get_json()["errors"]
    assert (answer.status_code, error["code"]) == (403, "hidden_score")
    assert call("diana", "GET", "meta/scores").get_json()["items"] == []


def test_sec_02_differences_are_of_records_within_reach(platform: Platform, call: Client) -> None:
    """SEC-02: who administers and reads only some records is told of these by name."""
    ids = leads(platform)

    def change(body: dict[str, Any]) -> None:
        body["administer"] = True
        body["grants"]["lead"]["read"] = "own"

    change_element(platform, "role", "sales_rep", change)
    draft(call, platform, by="rita")
    found = call("rita", "GET", f"{BASE}/differences").get_json()
    assert (found["records"], [one["id"] for one in found["items"]]) == (3, [ids[3]])
