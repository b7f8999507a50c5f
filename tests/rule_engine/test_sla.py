from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from rule_engine.services.sla import next_look
from rule_engine.services.sla_clock import Clock, plan
from tests.rule_engine.sla_world import (
    LEVEL,
    OFFICE,
    Ticket,
    at,
    one_target,
    program_of,
    shown,
    ticket,
)

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
WAITING = "Waiting on customer"
MET = 'met when status = "Closed"'


# Starting, ending, starting again.


def test_starts_only_where_it_applies_and_its_start_is_known() -> None:
    assert ticket("02 09:00", kind="Question").state is None
    assert ticket("02 09:00", status="Duplicate").state is None
    level = one_target("otherwise within 1 hour").replace("created_at", "first_response_at")
    made = ticket("02 09:00", OFFICE, level)
    assert made.state is None
    made.save("02 10:00", first_response_at=at("02 09:45"))
    assert shown(made.clock().due) == "02 10:45"
    plain = one_target("otherwise within 1 hour").replace("clock from created_at", "")
    made = ticket("02 09:00", OFFICE, plain, created_at=at("01 09:00"))
    assert shown(made.clock().due) == "02 10:00"


def test_met_in_time_met_late_and_met_at_the_last_moment() -> None:
    for moment, breached in (("02 12:59", False), ("02 14:29", False), ("02 14:30", True)):
        made = ticket("02 09:00")
        made.save(moment, status="Resolved")
        clock = made.clock(now="20 09:00")
        assert (clock.status, clock.breached, clock.met_at) == ("met", breached, at(moment))
    assert clock.elapsed == 4 * HOUR


def test_met_stays_met() -> None:
    made = ticket("02 09:00")
    made.save("02 10:00", first_response_at=at("02 10:00"))
    made.save("02 10:01", first_response_at=None)
    assert made.clock("response").met_at == at("02 10:00")


def test_met_while_paused_stops_the_clock_where_it_stood() -> None:
    made = ticket("02 09:00")
    made.save("02 10:00", status=WAITING)
    made.save("03 10:00", status="Resolved")
    clock = made.clock(now="04 09:00")
    assert (clock.status, clock.elapsed, clock.breached) == ("met", HOUR, False)
    assert made.state is not None
    (pause,) = made.state.target("resolution").pauses
    assert pause.until == at("03 10:00")


def test_a_pause_that_begins_when_time_is_up_comes_too_late() -> None:
    made = ticket("02 09:00")
    made.save("02 14:30", status=WAITING)
    clock = made.clock(now="03 09:00")
    assert (shown(clock.due), clock.breached, clock.status) == ("02 14:30", True, "paused")


def test_cancelled_nothing_goes_off_any_more() -> None:
    made = ticket("02 09:00")
    made.save("02 09:20", status="Duplicate")
    made.tick("20 09:00")
    assert made.percents == []
    assert {one.status for one in plan_of(made)} == {"cancelled"}


def test_cancelled_for_a_while_the_clock_goes_on_as_if_nothing_had_been() -> None:
    made, straight = ticket("02 09:00"), ticket("02 09:00")
    made.save("02 09:20", status="Duplicate")
    made.save("02 09:50", first_response_at=at("02 09:50"))
    made.save("02 11:00", subject="x")
    assert {one.status for one in plan_of(made)} == {"cancelled"}
    made.save("02 11:30", status="Open")
    straight.save("02 09:50", first_response_at=at("02 09:50"))
    straight.tick("02 11:30")
    assert [(one.status, one.due, one.elapsed, one.breached) for one in plan_of(made)] == [
        (one.status, one.due, one.elapsed, one.breached) for one in plan_of(straight)
    ]
    made.tick("02 14:30")
    assert made.percents == [("resolution", 75, "02 12:00"), ("resolution", 100, "02 14:30")]


def test_what_came_due_while_cancelled_goes_off_once_when_it_goes_on() -> None:
    made = ticket("02 09:00")
    made.save("02 09:20", status="Duplicate")
    made.save("03 09:00", status="Open")
    made.save("03 09:10", subject="x")
    assert made.percents == [
        ("response", 50, "03 09:00"),
        ("response", 80, "03 09:00"),
        ("response", 100, "03 09:00"),
        ("resolution", 75, "03 09:00"),
        ("resolution", 100, "03 09:00"),
        ("resolution", 150, "03 09:00"),
    ]


def test_what_a_change_has_cancelled_stays_so() -> None:
    level = LEVEL.replace('status = "Duplicate"', 'status changed from "Open" to "Duplicate"')
    made = ticket("02 09:00", OFFICE, level)
    made.save("02 09:20", status="Duplicate")
    made.save("02 09:30", subject="x")
    made.save("02 09:40", status="Open")
    assert {one.status for one in plan_of(made)} == {"cancelled"}


def test_restart_is_a_new_run_in_which_triggers_go_off_again() -> None:
    made = ticket("02 09:00")
    made.save("02 12:00", status="Resolved")
    assert ("resolution", 75, "02 12:00") in made.percents
    made.save("03 09:00", status="Open")
    assert made.state is not None
    assert (made.state.run, shown(made.state.started_at)) == (2, "03 09:00")
    assert (made.clock().elapsed, shown(made.clock().due)) == (timedelta(), "03 14:30")
    made.tick("03 13:00")
    assert [(one.run, one.percent) for one in made.fired if one.target == "resolution"] == [
        (1, Decimal("0.75")),
        (2, Decimal("0.75")),
    ]


def test_restart_needs_the_condition_to_come_to_hold() -> None:
    level = one_target("otherwise within 4 hours", 'restart when priority = "P1"')
    made = ticket("02 09:00", OFFICE, level)
    made.save("02 10:00", priority="P1")
    made.save("02 11:00", subject="x")
    assert made.state is not None
    assert (made.state.run, made.state.started_at) == (2, at("02 10:00"))


def test_a_target_may_pause_alone() -> None:
    level = LEVEL.replace(
        "met when status in", 'pause when priority_flag = "Red" met when status in'
    )
    made = ticket("02 09:00", OFFICE, level)
    made.save("02 09:10", priority_flag="Red")
    response, resolution = plan_of(made, "02 10:10")
    assert (response.status, response.elapsed) == ("running", 70 * MINUTE)
    assert (resolution.status, resolution.elapsed) == ("paused", 10 * MINUTE)
    assert resolution.next_trigger is None


def test_without_a_promise_there_is_no_due_time() -> None:
    made = ticket("02 09:00", priority=None)
    clock = made.clock(now="05 09:00")
    assert (clock.status, clock.due, clock.breached) == ("unlimited", None, False)
    assert clock.remaining is clock.percent is clock.next_trigger is None


# The clock's measure: real time, days, business time.


@pytest.mark.parametrize(
    ("within", "created", "due"),
    [
        ("4 hours", "06 17:00", "06 21:00"),
        ("2 days", "06 17:00", "08 17:00"),
        ("1 week", "06 17:00", "13 17:00"),
        ("4 business hours", "06 17:00", "09 12:00"),
        ("1 business day", "06 17:00", "09 17:00"),
        ("1 business day", "06 20:00", "10 09:00"),
        ("1 business day", "07 07:00", "10 09:00"),
        ("90 business minutes", "06 17:30", "09 10:00"),
    ],
)
def test_due(within: str, created: str, due: str) -> None:
    made = ticket(created, OFFICE, one_target(f"otherwise within {within}"))
    assert shown(made.clock().due) == due
    made.tick(at(due) - MINUTE)
    assert not made.clock().breached
    made.tick(due)
    assert made.clock().breached
    assert made.record["response_breached"] is True


def test_a_day_on_hold_moves_a_promise_in_days() -> None:
    made = ticket("02 10:00", OFFICE, one_target("otherwise within 2 business days"))
    made.save("02 11:00", status=WAITING)
    made.save("03 11:00", status="Open")
    assert shown(made.clock().due) == "05 10:00"


def test_a_changed_calendar_moves_open_due_times() -> None:
    made = ticket("02 17:00", OFFICE, one_target("otherwise within 2 business hours"))
    assert shown(made.clock().due) == "03 10:00"
    closed = OFFICE.replace(" }", " closed 2026-03-03 }")
    made.calendars = dict(program_of(closed).business_time)
    assert shown(made.clock().due) == "04 10:00"
    made.tick("03 12:00")
    assert made.percents == [("resolution", 50, "02 18:00")]


def test_the_organisation_s_calendar_holds_where_none_is_named() -> None:
    house = OFFICE.replace("calendar office", "calendar organisation")
    level = one_target("otherwise within 2 business hours").replace("calendar office", "")
    assert shown(ticket("02 17:00", house, level).clock().due) == "03 10:00"


# Triggers.


def test_triggers_go_off_once_in_order_as_of_their_own_time() -> None:
    made = ticket("02 09:00")
    made.tick("02 09:29")
    assert made.percents == []
    made.tick("02 09:30")
    made.tick("02 09:30")
    assert made.percents == [("response", 50, "02 09:30")]
    made.tick("20 09:00")
    assert made.percents == [
        ("response", 50, "02 09:30"),
        ("response", 80, "02 09:48"),
        ("response", 100, "02 10:00"),
        ("resolution", 75, "02 12:00"),
        ("resolution", 100, "02 14:30"),
        ("resolution", 150, "02 16:30"),
    ]


def test_effects_of_triggers() -> None:
    made = ticket("02 09:00")
    made.tick("02 16:30")
    assert [(one.action, dict(one.arguments)) for fired in made.fired for one in fired.effects] == [
        ("notify", told("soon")),
        ("notify", told("soon")),
        ("set", {"field": "response_breached", "value": True}),
        ("notify", told("hurry")),
        ("escalate", {"recipients": ["bob"]}),
        ("escalate", {"recipients": ["bob"]}),
    ]


def told(template: str) -> dict[str, object]:
    return {"recipients": ["amy"], "addressees": [], "template": template, "channel": None}


def test_a_late_save_runs_first_what_was_due_before_it() -> None:
    made = ticket("02 09:00")
    made.save("02 11:00", first_response_at=at("02 11:00"))
    assert [one[1] for one in made.percents] == [50, 80, 100]
    assert made.clock("response").breached


def test_a_shorter_promise_goes_off_now_and_not_in_the_past() -> None:
    made = ticket("02 09:00")
    made.save("02 09:20", priority="P1")
    assert made.percents == [
        ("response", 50, "02 09:20"),
        ("response", 80, "02 09:20"),
        ("response", 100, "02 09:20"),
    ]


def test_triggers_see_what_earlier_ones_set() -> None:
    level = (
        f'sla s on ticket {{ target t {{ {MET} within 1 hour when priority = "P1" '
        'otherwise within 10 hours at 50% { set priority to "P1" } '
        'at 100% { when priority = "P1" { set priority_flag to "Red" } } } }'
    )
    made = ticket("02 09:00", level)
    made.tick("02 15:00")
    assert made.percents == [("t", 50, "02 14:00"), ("t", 100, "02 10:00")]
    assert made.record["priority_flag"] == "Red"


def test_actions_happen_when_they_were_due() -> None:
    level = one_target("otherwise within 4 hours").replace(
        "set response_breached to true", "set first_response_at to now"
    )
    made = ticket("02 09:00", OFFICE, level)
    made.tick("03 09:00")
    assert made.record["first_response_at"] == at("02 13:00")


def test_next_look() -> None:
    made = ticket("02 09:00")

    def look(now: str) -> str:
        made.tick(now)
        assert made.state is not None
        return shown(next_look(made.level, made.state, made.record, made.environment))

    assert look("02 09:00") == "02 09:30"
    assert look("02 11:00") == "02 12:00"
    made.save("02 11:30", status=WAITING)
    assert look("02 17:00") == ""
    made.save("03 09:00", status="Open")
    assert look("03 09:00") == "03 09:30"
    assert look("20 09:00") == ""


def plan_of(made: Ticket, now: str = "20 09:00") -> tuple[Clock, ...]:
    made.now = at(now)
    assert made.state is not None
    return plan(made.level, made.state, made.record, made.environment)
