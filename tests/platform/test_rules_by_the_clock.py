"""Rules by the clock: each occasion once and in order, after a standstill, with two at work."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from metadata.elements import Element
from tests.metadata.databases import JsonObject, element, object_body
from tests.platform.computed_world import NUMBER, TEXT, ZONE, reference, rules
from tests.platform.office import START, Office
from trellis.automation.clock import rule_clock
from trellis.automation.outbox import DEAD, WAITING, outbox
from trellis.db import Database

DATE: JsonObject = {"type": "string", "format": "date"}
INSTANT: JsonObject = {"type": "string", "format": "date-time"}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


def objects(rule: str) -> list[Element]:
    """Gives projects and tasks of projects, with a rule."""
    task: JsonObject = {
        "name": TEXT,
        "due_on": DATE,
        "starts_at": INSTANT,
        "note": TEXT,
        "n": NUMBER,
        "project": reference("project"),
    }
    return [
        element("project", object_body({"name": TEXT, "ends_on": DATE})),
        element("task", object_body(task)),
        rules(rule),
    ]


ON_DATE = """
rule late on task 3 days after due_on at 09:00 {
    when n is empty or n < 5
    set note to concat(coalesce(note, ""), "late;")
}
"""


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


def shanghai(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=ZONE)


def test_a_rule_on_a_date_runs_once_at_its_time(office: Office) -> None:
    office.publish(objects(ON_DATE))
    office.round()
    task = office.save("task", name="A", due_on="2026-02-27")
    other = office.save("task", name="B", due_on="2026-02-27", n=7)
    never = office.save("task", name="C")
    office.until(shanghai(2, 8, 59))
    assert office.get("task", task)["note"] is None
    office.until(shanghai(2, 9, 0))
    assert office.get("task", task)["note"] == "late;"
    office.until(shanghai(5, 9), timedelta(hours=6))
    assert [office.get("task", one)["note"] for one in (task, other, never)] == [
        "late;",
        None,
        None,
    ]
    assert office.rows(DEAD) == 0


def test_a_date_that_is_saved_in_the_last_minute_is_not_missed(office: Office) -> None:
    office.publish(objects(ON_DATE))
    office.now = shanghai(2, 8, 30)
    office.round()  # planned an hour ahead: the record is not there yet
    office.now = shanghai(2, 8, 59)
    task = office.save("task", due_on="2026-02-27")
    office.until(shanghai(2, 9, 1), timedelta(minutes=1))
    assert office.get("task", task)["note"] == "late;"


def test_a_save_that_takes_long_is_not_missed(office: Office) -> None:
    office.publish(objects(ON_DATE))
    office.now = shanghai(2, 7, 30)
    office.round()
    begun = shanghai(2, 7, 45)
    office.now = shanghai(2, 8, 20)
    office.plan()  # up to 9:20, while the save of 7:45 is not committed
    office.now = begun
    task = office.save("task", due_on="2026-02-27")
    office.now = shanghai(2, 8, 21)
    office.until(shanghai(2, 9, 1))
    assert office.get("task", task)["note"] == "late;"


def test_a_date_that_moves_is_due_by_the_new_one_alone(office: Office) -> None:
    office.publish(objects(ON_DATE))
    office.round()
    task = office.save("task", due_on="2026-02-27")
    office.until(shanghai(2, 8, 30))
    assert office.rows(WAITING) == 1
    office.save("task", task, due_on="2026-02-28")
    office.until(shanghai(2, 12))
    assert office.get("task", task)["note"] is None
    office.until(shanghai(3, 9))
    assert office.get("task", task)["note"] == "late;"


def test_what_came_due_while_nobody_worked_is_made_up_for_in_its_order(office: Office) -> None:
    rule = """
    rule a on task 0 days after due_on at 09:00 { set note to concat(coalesce(note, ""), "a") }
    rule b on task 1 day after due_on at 09:00 { set note to concat(coalesce(note, ""), "b") }
    """
    office.publish(objects(rule))
    office.round()
    task = office.save("task", due_on="2026-03-03")
    office.now = shanghai(9, 12)
    office.round()
    assert office.get("task", task)["note"] == "ab"
    office.round()
    assert office.get("task", task)["note"] == "ab"


def test_a_new_rule_does_not_reach_into_the_past(office: Office) -> None:
    office.publish(objects(ON_DATE))
    task = office.save("task", due_on="2026-02-20")
    office.until(shanghai(3, 9), timedelta(hours=1))
    assert office.get("task", task)["note"] is None


def test_two_planners_at_once_plan_each_occasion_once(office: Office) -> None:
    office.publish(objects(ON_DATE))
    office.round()
    tasks = [office.save("task", due_on="2026-02-27") for _ in range(250)]
    office.now = shanghai(2, 8, 30)
    assert office.plan() == len(tasks)
    with office.database.write() as connection:
        connection.execute(sa.update(rule_clock).values(reached=START))
    assert office.plan() == 0  # a planner that died before its commit: all of it again
    office.now = shanghai(2, 9)
    office.round()
    assert {office.get("task", one)["note"] for one in tasks} == {"late;"}


def test_a_date_of_another_record_counts_too(office: Office) -> None:
    rule = 'rule over on task 1 day after project.ends_on at 09:00 { set note to "over" }'
    office.publish(objects(rule))
    office.round()
    project = office.save("project", name="P", ends_on="2026-05-01")
    task = office.save("task", project=project)
    office.until(shanghai(2, 8))
    office.save("project", project, ends_on="2026-03-01")
    office.until(shanghai(2, 9, 5))
    assert office.get("task", task)["note"] == "over"


def test_an_instant_is_counted_by_the_clock(office: Office) -> None:
    rule = 'rule soon on task 2 hours before starts_at { set note to "soon" }'
    office.publish(objects(rule))
    office.round()
    task = office.save("task", starts_at="2026-03-01T12:00Z")
    office.until(START + timedelta(hours=1, minutes=55))
    assert office.get("task", task)["note"] is None
    office.until(START + timedelta(hours=2))
    assert office.get("task", task)["note"] == "soon"


def test_a_schedule_runs_where_its_condition_holds_and_once_after_a_standstill(
    office: Office,
) -> None:
    rule = """
    rule weekly on task every monday at 08:00 {
        when n > 1
        set note to concat(coalesce(note, ""), "w")
    }
    """
    office.publish(objects(rule))
    office.round()
    many = [office.save("task", n=2) for _ in range(230)]
    few = [office.save("task", n=1) for _ in range(3)]
    office.until(shanghai(2, 7, 55), timedelta(hours=1))
    assert {office.get("task", one)["note"] for one in many} == {None}
    office.until(shanghai(2, 8))
    office.until(shanghai(2, 20), timedelta(hours=1))
    assert {office.get("task", one)["note"] for one in many} == {"w"}
    assert {office.get("task", one)["note"] for one in few} == {None}
    office.now = shanghai(25, 12)  # three mondays later
    office.round()
    assert {office.get("task", one)["note"] for one in many} == {"ww"}
    assert office.rows(DEAD) == 0


def test_one_record_that_refuses_does_not_keep_the_others(office: Office) -> None:
    rule = """
    rule weekly on task every monday at 08:00 { set n to 9 }
    validate small on task { forbid n > 5 and name = "stubborn" message "Too much" }
    """
    office.publish(objects(rule))
    office.round()
    stubborn = office.save("task", name="stubborn")
    fine = office.save("task", name="fine")
    office.until(shanghai(2, 8, 5))
    assert (office.get("task", fine)["n"], office.get("task", stubborn)["n"]) == (9, None)
    with office.database.read() as connection:
        left = connection.execute(sa.select(outbox).where(outbox.c.state == WAITING)).one()
    assert (left.action, left.record_id) == ("due", stubborn)
    assert left.last_error == 'The rule "weekly" failed in Task: Too much'
    office.save("task", stubborn, name="tamed")
    office.until(shanghai(2, 9))
    assert office.rows(WAITING) == 0


@pytest.mark.parametrize(
    ("zone", "changes"),
    [
        ("America/New_York", ["2026-03-05", "2026-10-29"]),
        ("Australia/Lord_Howe", ["2026-04-02", "2026-10-01"]),  # by half an hour
        ("America/Santiago", ["2026-04-02", "2026-09-03"]),  # at midnight
    ],
)
def test_each_day_has_its_hour_once_when_clocks_change(
    database: Database, zone: str, changes: list[str]
) -> None:
    office = Office(database, ZoneInfo(zone), datetime(2026, 2, 1, tzinfo=UTC))
    rule = 'rule nightly on task every day at 02:15 { set note to concat(coalesce(note, ""), "x") }'
    office.publish(objects(rule))
    task = office.save("task", name="A")
    for change in changes:
        office.now = datetime.fromisoformat(f"{change}T12:00Z")
        office.round()
        office.save("task", task, note=None)
        office.until(office.now + timedelta(days=6), timedelta(minutes=75))
        assert office.get("task", task)["note"] == "x" * 6, change
