"""`reassign` lines: each asks for itself, of whose the record became, until somebody is found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from metadata.query import Moment
from tests.platform.acting import acting, outbox_rows, system
from tests.platform.test_assignments import activate, owner, team
from tests.platform.world import People
from trellis.automation.assignments import REASSIGN, assignment_log
from trellis.automation.outbox import WAITING, add
from trellis.records.assign import assign_record
from trellis.records.delete import delete_record, restore_record
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.unit import Unit
from trellis.worker import make_dispatcher

NOW = datetime.now(UTC).replace(microsecond=0)

LINES = """
assign leads "Leads" on lead after create {
    otherwise assign to round_robin of team "Field"
    reassign after 2 hours when status = "new"
    reassign after 1 day when status = "working"
}
"""


@contextmanager
def then(platform: Platform, username: str, hours: float) -> Iterator[Unit]:
    """Gives somebody a unit of work so many hours from now."""
    with acting(platform, username) as unit:
        yield replace(unit, moment=Moment(NOW + timedelta(hours=hours), unit.moment.zone))


def lead(platform: Platform) -> str:
    with then(platform, "mark", 0) as unit:
        values = {"name": "L", "email": "l@a.cn", "lead_source": "web"}
        return save_record(unit, "lead", None, values, channel="api").id


def change(platform: Platform, record_id: str, hours: float, **values: object) -> None:
    with then(platform, "diana", hours) as unit:
        save_record(unit, "lead", record_id, values, channel="api")


def give(platform: Platform, record_id: str, to: str, hours: float) -> None:
    with then(platform, "diana", hours) as unit:
        assign_record(unit, "lead", record_id, to, channel="api")


def pass_time(platform: Platform, hours: float) -> None:
    """Lets workers do what is due so many hours from now."""
    at = NOW + timedelta(hours=hours)
    replace(make_dispatcher(platform), read_clock=lambda _connection: at).drain()


def planned(platform: Platform) -> int:
    rows = outbox_rows(platform)
    return sum(row["action"] == REASSIGN and row["state"] == WAITING for row in rows)


@pytest.fixture
def field(platform: Platform, people: People) -> Platform:
    """A platform with Rita and Ron in a team that takes turns; a first lead goes to Rita."""
    activate(platform, LINES)
    team(platform, people, "rita", "ron")
    return platform


def test_a_line_asks_only_its_own_condition_when_its_own_time_is_over(
    field: Platform, people: People
) -> None:
    one = lead(field)
    change(field, one, 1, status="working")
    pass_time(field, 2)
    assert owner(field, people, one) == "rita"
    pass_time(field, 23.9)
    assert owner(field, people, one) == "rita"
    pass_time(field, 24)
    assert owner(field, people, one) == "ron"


def test_the_times_begin_anew_when_somebody_else_gets_it(field: Platform, people: People) -> None:
    one = lead(field)
    pass_time(field, 2)
    assert owner(field, people, one) == "ron"
    change(field, one, 3, status="working")
    pass_time(field, 24)
    assert owner(field, people, one) == "ron"
    pass_time(field, 26)
    assert owner(field, people, one) == "rita"


@pytest.mark.parametrize("way", [["ron"], ["ron", "rita"], ["diana"]])
def test_what_people_give_to_somebody_is_not_taken_from_her(
    field: Platform, people: People, way: list[str]
) -> None:
    one = lead(field)
    for number, name in enumerate(way):
        give(field, one, name, 1.9 + number / 60)
    pass_time(field, 2)
    pass_time(field, 30)
    assert owner(field, people, one) == way[-1]
    assert planned(field) == 0


def test_what_a_rule_gives_on_at_once_is_not_taken_from_her(
    platform: Platform, people: People
) -> None:
    rule = 'rule on on lead after update max depth 2 { when owner changed assign to user "fay" }'
    activate(platform, f"{LINES} {rule}")
    team(platform, people, "rita", "ron")
    one = lead(platform)
    assert owner(platform, people, one) == "fay"
    pass_time(platform, 2)
    assert (owner(platform, people, one), planned(platform)) == ("fay", 0)


def test_where_nobody_is_free_somebody_is_looked_for_again(
    platform: Platform, people: People
) -> None:
    activate(platform, LINES)
    team(platform, people, "rita")
    one = lead(platform)
    for hours in (2, 4, 6):
        pass_time(platform, hours)
        assert owner(platform, people, one) == "rita"
    with system(platform) as unit:
        count = sa.select(sa.func.count()).where(assignment_log.c.record_id == one)
        assert unit.connection.execute(count).scalar_one() == 2  # not one more each time
        rita = unit.records().get("user", people["rita"])
        assert rita is not None
        save_record(unit, "user", people["ron"], {"team": rita["team"]}, channel="api")
    pass_time(platform, 7.9)
    assert owner(platform, people, one) == "rita"
    pass_time(platform, 8)
    assert owner(platform, people, one) == "ron"


def test_a_line_that_asks_for_nothing_rests(field: Platform, people: People) -> None:
    one = lead(field)
    change(field, one, 1, status="disqualified")
    pass_time(field, 24)
    assert (owner(field, people, one), planned(field)) == ("rita", 0)


def test_what_was_deleted_and_restored_meanwhile_is_still_asked_for(
    field: Platform, people: People
) -> None:
    one = lead(field)
    with then(field, "diana", 1) as unit:
        delete_record(unit, "lead", one, channel="api")
    with then(field, "diana", 1.5) as unit:
        restore_record(unit, "lead", one, channel="api")
    pass_time(field, 2)
    assert owner(field, people, one) == "ron"


def test_a_line_with_more_time_by_now_is_asked_when_that_is_over(
    field: Platform, people: People
) -> None:
    one = lead(field)
    activate(field, LINES.replace("2 hours", "5 hours"))
    pass_time(field, 2)
    assert owner(field, people, one) == "rita"
    pass_time(field, 5)
    assert owner(field, people, one) == "ron"


@pytest.mark.parametrize(("to", "later"), [(None, "ron"), ("diana", "diana")])
def test_rows_of_an_older_product_stand_for_all_lines(
    field: Platform, people: People, to: str | None, later: str
) -> None:
    one = lead(field)
    with field.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM outbox")
        payload = {"assignment": "leads", "at": NOW.isoformat()}
        about = {"object_name": "lead", "record_id": one, "at": NOW + timedelta(hours=2)}
        add(connection, REASSIGN, payload, "old", **about)
    change(field, one, 1, status="working")
    if to is not None:
        give(field, one, to, 1.5)
    pass_time(field, 2)
    pass_time(field, 24)
    assert owner(field, people, one) == later
