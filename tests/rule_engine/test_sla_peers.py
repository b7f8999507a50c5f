"""What other systems got wrong about service levels, as reported by their users."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from rule_engine.services.sla_clock import plan
from tests.rule_engine.sla_world import GLPI, OFFICE, at, one_target, shown, ticket

HOUR = timedelta(hours=1)
WAITING = "Waiting on customer"


def test_glpi_22678_triggers_keep_the_hours_of_the_calendar() -> None:
    level = one_target("otherwise within 4 business hours", "").replace("50%", "75%")
    made = ticket("02 17:00", GLPI, level)
    clock = made.clock(now="02 17:00")
    assert shown(clock.due) == "03 11:00"
    assert clock.next_trigger is not None
    assert shown(clock.next_trigger.at) == "03 10:00"


def test_glpi_6902_a_new_promise_keeps_the_time_spent_waiting() -> None:
    made = ticket("02 09:00", priority="P3")
    made.save("02 10:00", status=WAITING)
    made.save("04 10:00", priority="P1")
    made.save("04 11:00", status="Open")
    clock = made.clock()
    assert (clock.elapsed, shown(clock.due), clock.breached) == (HOUR, "04 12:00", False)


def test_zammad_5177_each_target_has_its_own_due_time() -> None:
    made = ticket("02 09:00")
    assert shown(made.clock("response").due) == "02 10:00"
    assert shown(made.clock("resolution").due) == "02 14:30"


def test_zammad_3140_nothing_escalates_after_the_answer() -> None:
    made = ticket("02 09:00")
    made.save("02 09:20", first_response_at=at("02 09:20"))
    made.tick("02 11:00")
    assert made.percents == []
    assert not made.clock("response").breached


def test_zammad_4432_nothing_goes_off_at_night() -> None:
    made = ticket("02 17:30")
    made.tick("04 12:00")
    assert [one for one in made.percents if one[0] == "response"] == [
        ("response", 50, "02 18:00"),
        ("response", 80, "03 09:18"),
        ("response", 100, "03 09:30"),
    ]


def test_erpnext_52489_time_on_hold_counts_once_and_in_working_time() -> None:
    made = ticket("02 09:00", OFFICE, one_target("otherwise within 8 business hours"))
    made.save("02 11:00", status=WAITING)
    made.save("03 10:00", status="Open")
    clock = made.clock()
    assert (clock.elapsed, clock.paused) == (2 * HOUR, 6.5 * HOUR)
    assert shown(clock.due) == "03 17:30"


def test_helpdesk_2449_created_on_a_day_off_and_put_on_hold() -> None:
    made = ticket("07 10:00", OFFICE, one_target("otherwise within 4 business hours"))
    made.save("07 11:00", status=WAITING)
    made.save("08 11:00", status="Open")
    assert made.clock().paused == timedelta()
    assert shown(made.clock().due) == "09 14:30"


def test_helpdesk_2212_lunch_does_not_count() -> None:
    made = ticket("02 11:30", OFFICE, one_target("otherwise within 1 business hour"))
    assert shown(made.clock().due) == "02 14:00"


def test_zendesk_a_new_priority_gives_a_new_due_time_and_keeps_what_has_elapsed() -> None:
    made = ticket("02 09:00", priority="P2")
    made.save("02 10:30", priority="P1")
    clock = made.clock()
    assert (clock.elapsed, shown(clock.due)) == (1.5 * HOUR, "02 11:00")
    made.save("02 10:40", priority="P2")
    assert shown(made.clock().due) == "02 14:30"
    fired = [one for one in made.percents if one[0] == "resolution"]
    assert fired == [("resolution", 75, "02 10:30")]
    made.tick("02 14:00")
    assert [one for one in made.percents if one[0] == "resolution"] == fired


def test_zendesk_the_page_shows_working_time_left() -> None:
    made = ticket("02 17:00", OFFICE, one_target("otherwise within 4 business hours"))
    clock = made.clock(now="03 08:00")
    assert (clock.elapsed, clock.remaining, clock.percent) == (HOUR, 3 * HOUR, Decimal("0.25"))
    assert (shown(clock.due), clock.in_business_time) == ("03 12:00", True)


def test_servicenow_the_clock_runs_on_when_the_condition_no_longer_holds() -> None:
    made = ticket("02 09:00")
    made.save("02 09:10", kind="Question")
    assert made.clock().status == "running"


def test_servicenow_another_promise_moves_running_clocks_in_a_way_that_can_be_foretold() -> None:
    """What a changed definition does to a clock under way is what it would have done from the
    start: nothing but facts is kept."""
    slow, fast = (one_target(f"otherwise within {n} business hours") for n in (8, 4))
    made, other = ticket("02 09:00", OFFICE, slow), ticket("02 09:00", OFFICE, fast)
    for one in (made, other):
        one.save("02 10:00", status=WAITING)
        one.save("02 11:00", status="Open")
    moved = other.program.service_levels[0]
    assert made.state is not None
    assert plan(moved, made.state, made.record, made.environment) == (other.clock(),)


@pytest.mark.parametrize(
    ("issue", "holds", "elapsed", "due"),
    [
        ("erpnext 47029: held from the first minute", [("09:00", "10:00")], 0.0, "03 10:30"),
        ("erpnext 47172: held twice", [("09:30", "10:00"), ("10:30", "11:00")], 1.0, "03 10:30"),
        ("erpnext 47884: held over lunch", [("11:30", "14:00")], 2.5, "03 10:30"),
        ("erpnext 49414: held until after hours", [("11:00", "20:00")], 2.0, "03 16:30"),
        ("erpnext 51111: held in the night only", [("18:30", "23:00")], 7.5, "03 09:30"),
        ("helpdesk 1554: held and never released", [("10:00", "")], 1.0, ""),
        ("helpdesk 1675: held, released at once", [("10:00", "10:00")], 1.0, "03 09:30"),
    ],
)
def test_time_on_hold_counts_once_and_in_working_time(
    issue: str, holds: list[tuple[str, str]], elapsed: float, due: str
) -> None:
    made = ticket("02 09:00", OFFICE, one_target("otherwise within 8 business hours"))
    for since, until in holds:
        made.save(f"02 {since}", status=WAITING)
        if until:
            made.save(f"02 {until}", status="Open")
    clock = made.clock()
    assert (clock.elapsed / HOUR, clock.status) == (elapsed, "running" if due else "paused"), issue
    if due:
        assert shown(clock.due) == due, issue


def test_zendesk_what_time_sets_off_goes_off_once_without_a_tag_that_says_so() -> None:
    made = ticket("02 09:00", OFFICE, one_target("otherwise within 2 business hours"))
    for hour in range(24):
        made.tick(f"02 {hour:02}:59")
    assert made.percents == [("resolution", 50, "02 10:00"), ("resolution", 100, "02 11:00")]


def test_zendesk_minutes_count_and_not_whole_hours_only() -> None:
    made = ticket("02 09:00", OFFICE, one_target("otherwise within 25 minutes"))
    assert shown(made.clock(now="02 09:00").due) == "02 09:25"


def test_zendesk_who_pauses_the_clock_is_seen_to() -> None:
    made = ticket("02 09:00", OFFICE, one_target("otherwise within 4 business hours"))
    made.save("02 10:00", status=WAITING)
    clock = made.clock(now="02 15:00")
    assert (clock.status, clock.paused, clock.remaining) == ("paused", 3.5 * HOUR, 3 * HOUR)


def test_zendesk_an_answer_does_not_reset_what_only_pauses() -> None:
    made = ticket("02 09:00", OFFICE, one_target("otherwise within 4 business hours"))
    for hour in (10, 11):
        made.save(f"02 {hour}:00", status=WAITING)
        made.save(f"02 {hour}:30", status="Open")
    assert made.state is not None
    assert (made.state.run, made.state.started_at) == (1, at("02 09:00"))
    assert made.clock(now="02 12:00").elapsed == 2 * HOUR


def test_glpi_6902_a_swapped_service_level_keeps_the_time_spent_waiting() -> None:
    """The ticket waits, goes to the service for others and comes back: nothing of it is lost."""
    level = one_target("otherwise within 4 business hours", 'cancel when priority = "P1"')
    made = ticket("02 09:00", OFFICE, level)
    made.save("02 10:00", status=WAITING)
    made.save("02 11:00", priority="P1")
    made.save("02 12:00", status="Open")
    made.save("02 14:00", priority="P2")
    clock = made.clock()
    assert (clock.status, clock.paused, clock.elapsed) == ("running", 2 * HOUR, 1.5 * HOUR)
    assert shown(clock.due) == "02 16:30"
