"""What holds of service levels whatever happens: made-up lives of tickets."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rule_engine.program import Program
from rule_engine.services.sla import move
from rule_engine.services.sla_clock import NEARLY, Clock, look_ahead, plan
from tests.rule_engine.law_run import IS_SOAK, law
from tests.rule_engine.sla_world import LEVEL, OFFICE, Ticket, at, program_of

pytestmark = pytest.mark.soak

LAW = law(2000 if IS_SOAK else 60)
START = at("02 00:00")
MINUTE = timedelta(minutes=1)

STATUSES = st.sampled_from(
    ["Open", "Open", "Waiting on customer", "Resolved", "Closed", "Duplicate"]
)
CHANGES = st.one_of(
    st.fixed_dictionaries({"status": STATUSES}),
    st.fixed_dictionaries({"priority": st.sampled_from(["P1", "P2", "P3", None])}),
    st.just({"first_response_at": START}),
    st.just({"subject": "x"}),
)
GAPS = st.integers(0, 40 * 60)


@dataclass(frozen=True)
class Life:
    """When a ticket comes, and what is saved how many minutes after the save before."""

    created: int
    priority: str | None
    saves: Sequence[tuple[int, dict[str, object]]]

    def run(
        self,
        program: Program,
        looks: timedelta | None = None,
        shift: int = 0,
        refuses: Collection[tuple[str, Decimal]] = (),
    ) -> Ticket:
        """Lives it; with `looks` the clock is looked at that often between the saves."""
        now = START + timedelta(days=shift, minutes=self.created)
        record = {"kind": "Incident", "priority": self.priority, "status": "Open"}
        made = Ticket(program, now, record, refuses=refuses)
        for gap, changed in self.saves:
            now = _look_on(made, now, gap, looks)
            made.save(now, **changed)
        made.tick(_look_on(made, now, 3 * 24 * 60, looks))
        return made


def _look_on(made: Ticket, now: datetime, gap: int, looks: timedelta | None) -> datetime:
    end = now + gap * MINUTE
    while looks and now + looks < end:
        now += looks
        made.tick(now)
    return end


LIVES = st.builds(
    Life,
    GAPS,
    st.sampled_from(["P1", "P2", "P3", None]),
    st.lists(st.tuples(GAPS, CHANGES), max_size=8),
)


@cache
def program(more: str = "") -> Program:
    return program_of(OFFICE.replace(" }", f" {more} }}"), LEVEL)


def clocks(made: Ticket) -> tuple[Clock, ...]:
    assert made.state is not None
    return plan(made.level, made.state, made.record, made.environment)


@LAW
@given(LIVES, st.integers(5, 3000))
def test_how_often_anybody_looks_does_not_matter(life: Life, minutes: int) -> None:
    seldom = life.run(program())
    often = life.run(program(), minutes * MINUTE)
    assert often.percents == seldom.percents
    assert often.record == seldom.record
    assert often.state == seldom.state
    assert clocks(often) == clocks(seldom)


BLOCKS = [("response", "0.5"), ("response", "1"), ("resolution", "0.75"), ("resolution", "1")]


@LAW
@given(LIVES, st.integers(5, 3000), st.sets(st.sampled_from(BLOCKS)))
def test_blocks_that_cannot_be_carried_out_change_nothing_for_the_others(
    life: Life, minutes: int, refused: set[tuple[str, str]]
) -> None:
    refuses = [(target, Decimal(percent)) for target, percent in refused]
    whole = life.run(program())
    seldom = life.run(program(), refuses=refuses)
    often = life.run(program(), minutes * MINUTE, refuses=refuses)
    assert (often.percents, often.record) == (seldom.percents, seldom.record)
    assert often.state == seldom.state == whole.state
    others = [one for one in whole.fired if (one.target, one.percent) not in refuses]
    assert seldom.fired == others


@LAW
@given(LIVES, st.integers(-20, 20))
def test_whole_weeks_shift_everything(life: Life, weeks: int) -> None:
    made, later = life.run(program()), life.run(program(), shift=7 * weeks)
    shift = timedelta(weeks=weeks)
    assert [(one.target, one.percent, one.at + shift) for one in made.fired] == [
        (one.target, one.percent, one.at) for one in later.fired
    ]
    for before, after in zip(clocks(made), clocks(later), strict=True):
        assert (before.elapsed, before.paused, before.status, before.breached) == (
            *(after.elapsed, after.paused, after.status, after.breached),
        )
        assert (before.due and before.due + shift) == after.due


@LAW
@given(LIVES, st.integers(0, 14))
def test_a_day_off_only_delays(life: Life, day: int) -> None:
    off = (START + timedelta(days=day)).date()
    made, later = life.run(program()), life.run(program(f"closed {off}"))
    for before, after in zip(clocks(made), clocks(later), strict=True):
        if before.in_business_time and before.due and before.paused == after.paused:
            assert after.due is not None
            assert after.due >= before.due
            assert after.elapsed <= before.elapsed


@LAW
@given(LIVES)
def test_each_trigger_goes_off_once_in_a_run_and_in_order(life: Life) -> None:
    made = life.run(program())
    seen = [(one.run, one.target, one.percent) for one in made.fired]
    assert len(set(seen)) == len(seen)
    by_target: dict[tuple[int, str], list[object]] = {}
    for run, target, percent in seen:
        by_target.setdefault((run, target), []).append(percent)
    assert all(percents == sorted(percents, key=str) for percents in by_target.values())


@LAW
@given(LIVES)
def test_the_parts_add_up(life: Life) -> None:
    made = life.run(program())
    for clock in clocks(made):
        end = min(clock.met_at or made.now, made.state.cancelled_at or made.now)  # type: ignore[union-attr]  # it is attached
        calendar = made.calendars["office"]
        if clock.in_business_time and end > clock.started_at:
            assert clock.elapsed + clock.paused == calendar.worked(clock.started_at, end)
        assert clock.elapsed >= timedelta()
        if clock.due is not None and clock.length is not None:
            late = clock.elapsed > clock.length
            assert not late or clock.breached


@LAW
@given(st.integers(0, 3 * 24 * 60), st.integers(1, 600), st.integers(1, 600))
def test_a_pause_moves_the_due_time_by_its_working_time(
    created: int, before: int, length: int
) -> None:
    saves = [(before, {"status": "Waiting on customer"}), (length, {"status": "Open"})]
    made = Life(created, "P2", saves).run(program())
    plain = Life(created, "P2", []).run(program())
    (_, paused), (_, straight) = clocks(made), clocks(plain)
    calendar = made.calendars["office"]
    assert straight.due is not None
    assert paused.due is not None
    start = START + created * MINUTE
    if straight.due <= start + before * MINUTE:
        assert paused.due == straight.due
    else:
        assert calendar.worked(straight.due, paused.due) == paused.paused
    # Pausing and going on at once changes nothing.
    idle = Life(created, "P2", [(before, saves[0][1]), (0, saves[1][1])]).run(program())
    assert clocks(idle)[1].due == straight.due


@LAW
@given(LIVES)
def test_what_lists_go_by_is_what_the_page_shows(life: Life) -> None:
    made = life.run(program())
    assert made.state is not None
    ahead = look_ahead(made.level, made.state, made.record, made.environment)
    for outlook, clock in zip(ahead, clocks(made), strict=True):
        upcoming = clock.next_trigger
        assert (outlook.target, outlook.status) == (clock.target, clock.status)
        assert outlook.next_at == (None if upcoming is None else upcoming.at)
        assert clock.status == "paused" or outlook.due == clock.due
        if clock.status in ("running", "paused"):
            assert (outlook.due is not None and outlook.due <= made.now) == clock.breached
        if outlook.at_risk_at is not None and clock.percent is not None:
            assert (outlook.at_risk_at <= made.now) == (clock.percent >= NEARLY)


@LAW
@given(LIVES)
def test_going_over_to_the_same_rules_changes_nothing(life: Life) -> None:
    made = life.run(program())
    assert made.state is not None
    assert move(made.level, made.state, made.record, made.environment) == made.state
