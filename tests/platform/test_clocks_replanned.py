"""Open clocks when business time or rules change: shown first, then moved; none goes off twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from metadata.elements import Element
from metadata.migrate import publish
from tests.metadata.databases import JsonObject, element, object_body
from tests.platform.computed_world import TEXT, ZONE, people, rules
from tests.platform.office import Office
from tests.platform.test_service_levels import choice, told
from trellis.automation.service_levels import running_on, service_level, service_target
from trellis.db import Database
from trellis.jobs.running import RunningJob
from trellis.records.delete import delete_record, restore_record
from trellis.service_levels.job import KIND
from trellis.service_levels.preview import ClockPlan, preview_clocks_of

# A Monday, at 9 in Shanghai. The database's clock has to be behind that of the test.
START = datetime(2046, 3, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)

CALENDAR = """
calendar desk "Desk" {
    timezone "Asia/Shanghai"
    hours monday to friday from 09:00 to 17:00
}
"""
LEVEL = """
sla support "Support" on ticket {
    applies when kind = "fault"
    calendar desk
    cancel when status = "duplicate"
    target answer "Answer" {
        met when status != "open"
        otherwise within 16 business hours
        at 50% { notify owner using "half" }
        at 100% { notify owner using "late" }
    }
}
"""


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    database = Database(database_url)
    yield Office(database, now=START)
    database.dispose()


def desk(*texts: str) -> list[Element]:
    fields: dict[str, JsonObject] = {
        "name": TEXT,
        "status": choice("open", "waiting", "done", "duplicate"),
        "kind": choice("fault", "question"),
    }
    return [element("ticket", object_body(fields)), rules("\n".join(texts))]


def republish(office: Office, *texts: str) -> None:
    with office.database.write(publishing=True) as connection:
        publish(connection, [*people(), *desk(*texts)], by="test", zone=ZONE)


def preview(office: Office, *texts: str) -> Sequence[ClockPlan]:
    with office.database.read() as connection:
        unit = office.unit(connection)
        known = [one for one in unit.catalog.elements if one.kind != "rules"]
        return preview_clocks_of(unit, [*known, rules("\n".join(texts))])


def run_job(office: Office, params: dict[str, object]) -> int:
    """Does the steps of the job, each in a transaction of its own; gives how many there were."""
    cursor, done, total, steps = None, 0, None, 0
    while True:
        with office.database.write() as connection:
            step = KIND.step(
                office.unit(connection),
                RunningJob(
                    *("job", KIND.name, params, "test", "running", cursor, done, total),
                    *(None, (), office.now, None, None),  # type: ignore[arg-type]  # no blobs needed
                ),
            )
        cursor, done, total, steps = step.cursor, step.done, step.total, steps + 1
        if step.result is not None:
            return steps


def replan(office: Office) -> None:
    run_job(office, {"calendars": "new"})


def dues(office: Office) -> list[datetime | None]:
    here = service_target.c
    with office.database.read() as connection:
        query = sa.select(here.due).where(here.state == "running").order_by(here.id)
        return list(connection.scalars(query))


def at(text: str) -> datetime:
    """Gives an instant of March 2046 in Shanghai; the fifth is a Monday."""
    return datetime.fromisoformat(f"2046-03-{text}:00").replace(tzinfo=ZONE)


def test_a_holiday_moves_what_is_open_and_is_shown_first(office: Office) -> None:
    office.publish(desk(CALENDAR, LEVEL))
    for name in ("amy", "bo"):
        office.save("ticket", owner=office.person(name))
    met = office.save("ticket", owner="amy", status="done")
    assert dues(office) == [at("06 17:00")] * 2
    closed = CALENDAR.replace("17:00\n", "17:00\n closed 2046-03-06\n")
    (found,) = preview(office, closed, LEVEL)
    assert (found.key, found.kind, found.open, found.looked_at) == ("ticket.support", "same", 2, 2)
    assert found.moved is None
    assert (found.calendar.moved, found.calendar.late) == ({("later", "more"): 2}, 0)
    assert {(one.before, one.after) for one in found.calendar.samples} == {
        (at("06 17:00"), at("07 17:00"))
    }
    assert dues(office) == [at("06 17:00")] * 2
    republish(office, closed, LEVEL)
    replan(office)
    assert dues(office) == [at("07 17:00")] * 2
    office.until(START + 1 * DAY)
    assert told(office) == ["half", "half"]
    office.until(at("07 16:55"), timedelta(hours=1))
    assert told(office) == ["half", "half"]
    office.until(at("07 17:00"))
    assert told(office) == ["half", "half", "late", "late"]
    with office.database.read() as connection:
        unit = office.unit(connection)
        (one,) = running_on(unit, unit.catalog.objects["ticket"], met).values()
    assert one.next_at is None


def test_longer_hours_make_due_now_what_goes_off_once_and_in_order(office: Office) -> None:
    office.publish(desk(CALENDAR, LEVEL))
    office.save("ticket", owner=office.person("amy"))
    office.until(at("05 16:00"), timedelta(hours=1))
    assert told(office) == []
    longer = CALENDAR.replace(
        "monday to friday from 09:00 to 17:00", "monday to sunday from 00:00 to 24:00"
    )
    longer = longer.replace("24:00", "00:00")
    office.now = at("06 02:00")
    (found,) = preview(office, longer, LEVEL)
    assert (found.calendar.late, found.calendar.saved) == (1, 0)
    assert found.calendar.moved == {("earlier", "day"): 1}
    republish(office, longer, LEVEL)
    replan(office)
    office.round()
    assert told(office) == ["half", "late"]
    replan(office)
    office.until(office.now + 3 * DAY, timedelta(hours=6))
    assert told(office) == ["half", "late"]


def test_what_has_gone_off_does_not_go_off_again(office: Office) -> None:
    office.publish(desk(CALENDAR, LEVEL))
    office.save("ticket", owner=office.person("amy"))
    office.until(at("05 17:00"), timedelta(hours=1))
    assert told(office) == ["half"]
    shorter = CALENDAR.replace("17:00", "13:00")
    republish(office, shorter, LEVEL)
    replan(office)
    assert dues(office) == [at("08 13:00")]
    office.until(at("08 13:00"), timedelta(hours=1))
    assert told(office) == ["half", "late"]


def test_other_rules_hold_for_what_comes_and_for_what_is_open_when_asked(office: Office) -> None:
    office.publish(desk(CALENDAR, LEVEL))
    office.save("ticket", owner=office.person("amy"))
    office.now = at("05 10:00")
    faster = LEVEL.replace("16 business", "4 business")
    (found,) = preview(office, CALENDAR, faster)
    assert (found.kind, found.open, found.calendar.is_empty) == ("changed", 1, True)
    assert found.moved is not None
    assert found.moved.moved == {("earlier", "more"): 1}
    republish(office, CALENDAR, faster)
    replan(office)
    assert dues(office) == [at("06 17:00")]
    run_job(office, {"levels": [["ticket", "support"]]})
    assert dues(office) == [at("05 13:00")]
    office.until(at("05 13:00"))
    assert told(office) == ["half", "late"]


def test_only_what_a_rule_says_makes_other_rules_of_it(office: Office) -> None:
    office.publish(desk(CALENDAR, LEVEL))
    office.save("ticket", owner=office.person("amy"))
    assert preview(office, "# moved down", CALENDAR, "", LEVEL) == ()


def test_a_new_service_level_begins_on_what_is_open_when_asked(office: Office) -> None:
    office.publish(desk(CALENDAR))
    fault = office.save("ticket", owner=office.person("amy"))
    office.save("ticket", owner="amy", status="done")
    office.save("ticket", owner="amy", kind="question")
    (found,) = preview(office, CALENDAR, LEVEL)
    assert (found.kind, found.open, found.without) == ("added", 0, 3)
    assert found.moved is not None
    assert (found.moved.begin, [one.record_id for one in found.moved.samples]) == (1, [fault])
    republish(office, CALENDAR, LEVEL)
    assert dues(office) == []
    run_job(office, {"levels": [["ticket", "support"]]})
    run_job(office, {"levels": [["ticket", "support"]]})
    assert dues(office) == [at("06 17:00")]
    office.until(at("06 17:00"), timedelta(hours=1))
    assert told(office) == ["half", "late"]


def test_a_service_level_that_is_taken_out_ends_when_asked(office: Office) -> None:
    office.publish(desk(CALENDAR, LEVEL))
    office.save("ticket", owner=office.person("amy"))
    (found,) = preview(office, CALENDAR)
    assert found.kind == "removed"
    assert found.moved is not None
    assert found.moved.end == 1
    republish(office, CALENDAR)
    assert dues(office) == [at("06 17:00")]
    run_job(office, {"levels": [["ticket", "support"]]})
    assert dues(office) == []
    office.until(at("06 17:00"), timedelta(hours=1))
    assert told(office) == []


def test_a_clock_goes_on_without_its_calendar_and_its_record_can_be_saved(office: Office) -> None:
    office.publish(desk(CALENDAR, LEVEL))
    ticket = office.save("ticket", owner=office.person("amy"))
    republish(office)
    replan(office)
    office.save("ticket", ticket, name="A")
    assert dues(office) == [at("06 17:00")]
    office.until(at("06 17:00"), timedelta(hours=1))
    assert told(office) == ["half", "late"]


def test_rules_that_fit_no_more_give_way_to_those_in_force(office: Office) -> None:
    office.publish(desk(CALENDAR, LEVEL))
    office.save("ticket", owner=office.person("amy"))
    renamed = LEVEL.replace('kind = "fault"', 'sort = "fault"')
    fields = {"name": TEXT, "status": choice("open", "done", "duplicate"), "sort": choice("fault")}
    with office.database.write(publishing=True) as connection:
        ticket = element("ticket", object_body(fields))
        more = [ticket, rules(f"{CALENDAR}\n{renamed}")]
        publish(connection, [*people(), *more], by="test", zone=ZONE, confirm=["ticket.kind"])
    office.until(at("06 17:00"), timedelta(hours=1))
    assert told(office) == ["half", "late"]


def test_a_clock_stays_on_its_rules_whatever_becomes_of_others(office: Office) -> None:
    other = 'rule warm on lead after save { set name to "A" }'
    lead = element("lead", object_body({"name": TEXT}))
    office.publish([lead, *desk(CALENDAR, LEVEL, other)])
    office.save("ticket", owner=office.person("amy"))
    slower = desk(CALENDAR, LEVEL.replace("16 business hours", "32 business hours"))
    with office.database.write(publishing=True) as connection:
        publish(connection, [*people(), *slower], by="test", zone=ZONE, confirm=["lead"])
    office.until(at("06 17:00"), timedelta(hours=1))
    assert told(office) == ["half", "late"]


def test_what_comes_due_while_a_record_is_deleted_goes_off_when_it_is_back(office: Office) -> None:
    office.publish(desk(CALENDAR, LEVEL))
    ticket = office.save("ticket", owner=office.person("amy"))
    with office.database.write() as connection:
        delete_record(office.unit(connection), "ticket", ticket, channel="api")
    office.until(at("07 09:00"), timedelta(hours=3))
    assert told(office) == []
    with office.database.write() as connection:
        restore_record(office.unit(connection), "ticket", ticket, channel="api")
    office.round()
    assert told(office) == ["half", "late"]


def test_what_comes_due_while_its_object_is_not_in_use_goes_off_when_it_is_back(
    office: Office,
) -> None:
    office.publish(desk(CALENDAR, LEVEL))
    office.save("ticket", owner=office.person("amy"))
    with office.database.write(publishing=True) as connection:
        publish(connection, people(), by="test", zone=ZONE, confirm=["ticket"])
    office.until(at("07 09:00"), timedelta(hours=3))
    assert told(office) == []
    republish(office, CALENDAR, LEVEL)
    office.round()
    assert told(office) == ["half", "late"]


def test_a_job_that_is_broken_off_goes_on_where_it_was(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.publish(desk(CALENDAR, LEVEL))
    office.person("amy")
    for number in range(7):
        office.save("ticket", owner="amy", name=str(number))
    monkeypatch.setattr("trellis.service_levels.replanning.BATCH", 2)
    republish(office, CALENDAR.replace("17:00\n", "17:00\n closed 2046-03-06\n"), LEVEL)
    assert run_job(office, {"calendars": "new"}) == 5
    assert dues(office) == [at("07 17:00")] * 7
    with office.database.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(service_level)) == 7
