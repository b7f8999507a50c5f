"""Scores beyond the save: kept right by themselves, foreseen before they are published, with a
history of what time and rules made of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from tests.platform.acting import acting, change_element, make, set_tests_aside, stored, system
from tests.platform.test_api import Client, call
from tests.platform.world import People
from trellis.jobs.running import job_table
from trellis.jobs.running_loop import drain_jobs
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.scoring.keeping_up import ask_for_scores, last_night
from trellis.scoring.past import KEEP_DAYS, forget_points
from trellis.scoring.tables import score_change, score_run

__all__ = ["call"]
pytestmark = pytest.mark.usefixtures("people")

RULES = ("rules", "crm/lead_scoring")
TESTS = "crm/tests/lead_scoring"
LEAD = {"name": "Li", "company": "Acme", "email": "li@acme.cn", "lead_source": "web"}
BASE = "meta/scores/lead/lead_score"
# The grade `b` begins at 25, and whoever is big has 5 more.
CHANGES = (("add 20 when is_enterprise", "add 25 when is_enterprise"), ("from 40", "from 25"))


def text_of(platform: Platform) -> str:
    with platform.database.read() as connection:
        return platform.catalogs.current(connection).rules["crm/lead_scoring"]


def changed(text: str, changes: Sequence[tuple[str, str]] = CHANGES) -> str:
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def publish_rules(platform: Platform, *changes: tuple[str, str]) -> None:
    def change(body: dict[str, Any]) -> None:
        body["text"] = changed(body["text"], changes)

    set_tests_aside(platform, TESTS)
    change_element(platform, *RULES, change)


def draft(call: Client, platform: Platform, *changes: tuple[str, str], by: str = "admin") -> None:
    set_tests_aside(platform, TESTS)
    body = {"text": changed(text_of(platform), changes or CHANGES)}
    answer = call(by, "PUT", "meta/rules/crm/lead_scoring", body)
    assert answer.status_code == 200, answer.get_json()


def leads(platform: Platform) -> list[str]:
    """Makes leads of 10, 30, 35 and 60 points, the last one Rita's."""
    rows: list[dict[str, object]] = [
        {},
        {"employees": 1500},
        {"employees": 300, "industry": "software"},
        {"employees": 1500, "industry": "software", "lead_source": "referral"},
    ]
    return [
        make(platform, "diana" if place < 3 else "rita", "lead", **{**LEAD, **row})
        for place, row in enumerate(rows)
    ]


def scores(platform: Platform, ids: Sequence[str]) -> list[tuple[int, str]]:
    rows = [stored(platform, "lead", one) for one in ids]
    return [(int(row["score"]), row["score_grade"]) for row in rows]


def keep_up(platform: Platform) -> int:
    started = ask_for_scores(platform)
    drain_jobs(platform)
    return started


def rows_of(platform: Platform, statement: sa.Select[Any]) -> list[Any]:
    with platform.database.read() as connection:
        return list(connection.execute(statement))


def test_what_is_published_is_followed_by_itself(platform: Platform, call: Client) -> None:
    ids = leads(platform)
    assert keep_up(platform) > 0
    assert keep_up(platform) == 0
    publish_rules(platform, *CHANGES)
    assert scores(platform, ids) == [(10, "c"), (30, "c"), (35, "c"), (60, "b")]
    versions = [stored(platform, "lead", one)["version"] for one in ids]
    assert ask_for_scores(platform) == 1
    assert ask_for_scores(platform) == 0
    drain_jobs(platform)
    assert scores(platform, ids) == [(10, "c"), (35, "b"), (35, "b"), (65, "b")]
    assert [stored(platform, "lead", one)["version"] for one in ids] == versions
    assert keep_up(platform) == 0
    run = call("admin", "GET", BASE).get_json()["runs"][0]
    assert (run["why"], run["changed"], run["by_record"]) == ("rules", 3, None)
    (job,) = (one for one in call("admin", "GET", "meta/background/jobs").get_json()["items"][:1])
    assert (job["what"], job["state"], job["object"]) == ("rescore", "done", "lead")


def test_words_alone_are_no_other_rules(platform: Platform) -> None:
    leads(platform)
    keep_up(platform)
    publish_rules(platform, ('"Lead scoring" version 1', '"Lead scoring" version 2'))
    publish_rules(platform, ("# Cold leads", "# Cold\n\n    # leads"))
    assert keep_up(platform) == 0


def test_every_night_scores_follow_the_time(platform: Platform, call: Client) -> None:
    with acting(platform, "rita") as unit:
        now = unit.moment.now
    fading = {"industry": "software", "last_contacted_at": now.isoformat()}
    lead = make(platform, "rita", "lead", **LEAD, **fading)
    keep_up(platform)
    long_ago = now - timedelta(days=61)
    with platform.database.write() as connection:
        table = platform.catalogs.current(connection).tables["lead"]
        connection.execute(sa.update(table).values(last_contacted_at=long_ago))
    assert keep_up(platform) == 0
    with platform.database.write() as connection:
        two_days = timedelta(days=2)
        connection.execute(sa.update(score_run).values(started_at=now - two_days))
    assert keep_up(platform) > 0
    assert scores(platform, [lead]) == [(13, "c")]
    line = call("rita", "GET", f"lead/{lead}/score_history").get_json()["items"][0]
    assert (line["why"], line["points"], line["grade"]) == ("time", ["25", "13"], ["c", "c"])


@pytest.mark.parametrize(
    ("now", "night"),
    [
        ("2026-03-02T01:59:00+08:00", "2026-03-01T02:00:00+08:00"),
        ("2026-03-02T02:00:00+08:00", "2026-03-02T02:00:00+08:00"),
        ("2026-03-02T23:00:00+08:00", "2026-03-02T02:00:00+08:00"),
    ],
)
def test_nights_begin_at_two_where_the_company_is(now: str, night: str) -> None:
    found = last_night(datetime.fromisoformat(now), ZoneInfo("Asia/Shanghai"))
    assert found == datetime.fromisoformat(night)


def test_a_job_that_was_broken_off_goes_on(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = leads(platform)
    monkeypatch.setattr("trellis.scoring.rescoring.BATCH", 3)
    keep_up(platform)
    publish_rules(platform, *CHANGES)
    ask_for_scores(platform)
    statements: list[str] = []

    def break_off(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith("UPDATE o_lead"):
            statements.append(statement)
            if len(statements) == 2:
                raise ConnectionResetError

    sa.event.listen(platform.database.engine, "before_cursor_execute", break_off)
    drain_jobs(platform)
    sa.event.remove(platform.database.engine, "before_cursor_execute", break_off)
    first = scores(platform, ids)
    assert [grade for _, grade in first] == ["c", "b", "b", "b"]
    assert first[3] == (60, "b")
    with platform.database.write() as connection:
        connection.execute(
            sa.update(job_table).values(available_at=datetime(2020, 1, 1, tzinfo=UTC))
        )
    drain_jobs(platform)
    assert scores(platform, ids) == [(10, "c"), (35, "b"), (35, "b"), (65, "b")]
    kept = rows_of(platform, sa.select(score_change.c.record_id, score_change.c.points))
    assert sorted(map(tuple, kept)) == sorted(zip(ids[1:], (35, 35, 65), strict=True))


def test_a_save_in_the_midst_of_a_run_wins(platform: Platform) -> None:
    """Between what a run keeps of a batch and its UPDATE, somebody saves one of the records."""
    if platform.database.dialect == "sqlite":
        return  # There writes wait for each other.
    ids = leads(platform)
    keep_up(platform)
    publish_rules(platform, *CHANGES)
    saved: list[str] = []

    def save(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith("UPDATE o_lead") and not saved:
            saved.append(statement)
            with acting(platform, "diana") as unit:
                save_record(unit, "lead", ids[1], {"employees": 1}, channel="api")

    sa.event.listen(platform.database.engine, "before_cursor_execute", save)
    keep_up(platform)
    sa.event.remove(platform.database.engine, "before_cursor_execute", save)
    assert saved
    assert scores(platform, ids) == [(10, "c"), (10, "c"), (35, "b"), (65, "b")]
    kept = sa.select(score_change.c.record_id).order_by(score_change.c.record_id)
    assert [row[0] for row in rows_of(platform, kept)] == sorted(ids[2:])


def test_what_a_draft_changes_is_told_before_it_is_published(
    platform: Platform, call: Client
) -> None:
    ids = leads(platform)
    nothing = call("admin", "GET", f"{BASE}/differences").get_json()
    assert (nothing["records"], nothing["items"]) == (0, [])
    draft(call, platform)
    told = call("admin", "GET", "meta/scores/changed").get_json()
    assert told["items"] == [{"object": "lead", "name": "lead_score"}]
    found = call("admin", "GET", f"{BASE}/differences?limit=2").get_json()
    assert told["token"] == call("admin", "POST", "meta/plan").get_json()["token"]
    assert found["token"].startswith(f"{told['token']}~lead.lead_score@")
    assert (found["records"], found["raised"], found["lowered"]) == (3, 2, 0)
    moves = {(one["from"], one["to"]): one["records"] for one in found["moves"]}
    assert moves == {("c", "b"): 2, ("b", "b"): 1}
    rest = call("admin", "GET", f"{BASE}/differences?limit=2&after={found['next']}").get_json()
    items = [*found["items"], *rest["items"]]
    assert [(one["id"], one["points"], one["grade"]) for one in items] == [
        (ids[1], ["30", "35"], ["c", "b"]),
        (ids[2], ["35", "35"], ["c", "b"]),
        (ids[3], ["60", "65"], ["b", "b"]),
    ]
    assert rest["next"] is None
    before = scores(platform, ids)
    published = call("admin", "POST", "meta/publish", {"token": found["token"]})
    assert published.status_code == 200
    assert scores(platform, ids) == before
    keep_up(platform)
    after = {one["id"]: (int(one["points"][1]), one["grade"][1]) for one in items}
    assert scores(platform, ids[1:]) == [after[one] for one in ids[1:]]


def test_a_plan_that_was_shown_is_the_one_that_is_published(
    platform: Platform, call: Client
) -> None:
    leads(platform)
    draft(call, platform)
    token = call("admin", "GET", f"{BASE}/differences").get_json()["token"]
    draft(call, platform, ("base 10", "base 20"))
    refused = call("admin", "POST", "meta/publish", {"token": token})
    assert (refused.status_code, refused.get_json()["errors"][0]["code"]) == (409, "draft_changed")
    token = call("admin", "GET", f"{BASE}/differences").get_json()["token"]
    publish_rules(platform, ("base 10", "base 15"))
    refused = call("admin", "POST", "meta/publish", {"token": token})
    assert (refused.status_code, refused.get_json()["errors"][0]["code"]) == (409, "base_moved")


REFUSED = [
    (
        ("base 10", 'base 10\n    add 7 when name matches "^[A-M]"'),
        "score_by_record",
        "The score lead_score can only be computed record by record: ",
    ),
]


@pytest.mark.parametrize(("change", "code", "message"), REFUSED)
def test_what_cannot_be_foreseen_is_said(
    platform: Platform, call: Client, change: tuple[str, str], code: str, message: str
) -> None:
    draft(call, platform, change)
    for path in ("differences", "backtest?rules=draft"):
        answer = call("admin", "GET", f"{BASE}/{path}")
        (error,) = answer.get_json()["errors"]
        assert (answer.status_code, error["code"]) == (422, code)
        assert error["message"].startswith(message)


def test_a_field_of_the_same_draft_is_not_there_yet(platform: Platform, call: Client) -> None:
    leads(platform)
    lead = call("admin", "GET", "meta/objects/lead").get_json()
    body = lead.get("body", lead)
    body["properties"]["shoe_size"] = {"type": "integer", "title": "Shoe size"}
    assert call("admin", "PUT", "meta/objects/lead", body).status_code == 200
    draft(call, platform, ("base 10", "base 10\n    add 5 when shoe_size > 40"))
    answer = call("admin", "GET", f"{BASE}/differences")
    assert answer.get_json()["errors"] == [
        {
            "path": "",
            "code": "score_not_yet",
            "message": "The score lead_score looks at what is there only when the draft is"
            " published: shoe_size. Publish these first, then change the score",
        }
    ]


def test_a_record_tells_its_points(platform: Platform, call: Client, people: People) -> None:
    ids = leads(platform)
    with acting(platform, "rita") as unit:
        save_record(unit, "lead", ids[3], {"employees": 300}, channel="api")
    keep_up(platform)
    publish_rules(platform, ("from 40", "from 25"), ("base 10", "base 11"))
    keep_up(platform)
    lines = call("rita", "GET", f"lead/{ids[3]}/score_history").get_json()["items"]
    assert [(one["why"], one["points"], one["by"] is None) for one in lines] == [
        ("rules", ["50", "51"], True),
        ("save", ["60", "50"], False),
        ("save", [None, "60"], False),
    ]
    assert call("ron", "GET", f"lead/{ids[3]}/score_history").status_code == 404


def test_what_is_long_past_is_forgotten(platform: Platform) -> None:
    leads(platform)
    keep_up(platform)
    publish_rules(platform, *CHANGES)
    keep_up(platform)
    now = datetime.now(UTC)
    runs = len(rows_of(platform, sa.select(score_run)))
    assert forget_points(platform.database, now) == 0
    assert forget_points(platform.database, now + timedelta(days=KEEP_DAYS + 1)) == 3 + runs
    assert (
        rows_of(platform, sa.select(score_change)) == rows_of(platform, sa.select(score_run)) == []
    )


def test_only_who_administers_asks(platform: Platform, call: Client) -> None:
    for path in ("meta/scores", BASE, f"{BASE}/differences", f"{BASE}/backtest", f"{BASE}/shadow"):
        assert call("diana", "GET", path).status_code == 403
    assert call("diana", "POST", f"{BASE}/rescore").status_code == 403
    assert call("admin", "GET", "meta/scores/lead/nothing").status_code == 404
    assert call("admin", "GET", f"{BASE}/backtest?rules=dreams").status_code == 422
    job = call("admin", "POST", f"{BASE}/rescore").get_json()["job"]
    drain_jobs(platform)
    assert call("admin", "GET", BASE).get_json()["runs"][0]["why"] == "asked"
    with system(platform) as unit:
        state = sa.select(job_table.c.state).where(job_table.c.id == job)
        assert unit.connection.execute(state).scalar_one() == "done"


SITE: dict[str, Any] = {
    "title": "Site",
    "type": "object",
    "properties": {
        "name": {"type": "string", "title": "Name"},
        "size": {"type": "number", "title": "Size"},
        "worth": {"type": "number", "title": "Worth", "crm": {"scale": 2}},
        "rank": {"type": "string", "title": "Rank"},
    },
    "crm": {"plural": "Sites", "name_field": "name"},
}
SITE_RULES = """ruleset sites
score worth on site into worth, rank {{
    add size * {factor} when size is not empty
    grade "Größe" from 2
    grade "B" from 0
}}
"""


def test_points_with_places_and_grades_in_a_text(platform: Platform, call: Client) -> None:
    assert call("admin", "PUT", "meta/objects/site", SITE).status_code == 200
    body = {"text": SITE_RULES.format(factor="0.333")}
    assert call("admin", "PUT", "meta/rules/local/sites", body).status_code == 200
    publish(call)
    ids = [make(platform, "admin", "site", name="S", size=size) for size in (1, 4, 7, None)]
    keep_up(platform)
    body = {"text": SITE_RULES.format(factor="0.555")}
    assert call("admin", "PUT", "meta/rules/local/sites", body).status_code == 200
    told = call("admin", "GET", "meta/scores/site/worth/differences").get_json()
    assert [one["points"] for one in told["items"]] == [
        ["0.33", "0.56"], ["1.33", "2.22"], ["2.33", "3.89"],
    ]  # fmt: skip
    publish(call)
    keep_up(platform)
    rows = [stored(platform, "site", one) for one in ids]
    assert [(str(row["worth"]), row["rank"]) for row in rows] == [
        ("0.56", "B"), ("2.22", "Größe"), ("3.89", "Größe"), ("0.00", "B"),
    ]  # fmt: skip
    found = call("admin", "GET", 'site?filter=rank contains "GRÖSSE"').get_json()["items"]
    assert [one["id"] for one in found] == ids[1:3]
    line = call("admin", "GET", f"site/{ids[1]}/score_history").get_json()["items"][0]
    assert (line["points"], line["grade"]) == (["1.33", "2.22"], ["B", "Größe"])


def publish(call: Client) -> None:
    token = call("admin", "POST", "meta/plan").get_json()["token"]
    answer = call("admin", "POST", "meta/publish", {"token": token})
    assert answer.status_code == 200, answer.get_json()
