"""Records out of a queue: who has them, when they go back, and who may not take them again yet."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from metadata.query import Moment
from tests.platform.acting import acting, change_element, restrict_field, stored, system
from tests.platform.test_worker import wait_until, worker
from tests.platform.world import Bearer, Login, People
from trellis.automation.outbox import DONE, outbox
from trellis.automation.requests import release, take_hold
from trellis.channels.in_app import notification
from trellis.errors import Conflict, Missing
from trellis.records.assign import assign_record
from trellis.records.claim import claim_record
from trellis.records.claim_log import queue_claim
from trellis.records.delete import delete_record, restore_record
from trellis.records.history import record_history
from trellis.records.queue_terms import Held, Terms, next_step
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.unit import Unit
from trellis.worker import make_dispatcher

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


@contextmanager
def then(platform: Platform, username: str, days: float) -> Iterator[Unit]:
    """Gives somebody a unit of work so many days from now."""
    with acting(platform, username) as unit:
        yield replace(unit, moment=Moment(NOW + days * DAY, unit.moment.zone))


def queue(platform: Platform, people: People, **terms: int) -> str:
    with system(platform) as unit:
        values = {"name": "Pool", "object": "lead", "members": [people["ron"], people["rita"]]}
        return save_record(unit, "queue", None, {**values, **terms}, channel="system").id


def waiting(platform: Platform, name: str = "L", days: float = 0) -> str:
    """Gives a lead that waits in the queue."""
    values = {"name": name, "email": f"{name}{random.random()}@a.cn", "lead_source": "web"}
    with then(platform, "rita", days) as unit:
        lead = save_record(unit, "lead", None, values, channel="api").id
    give(platform, lead, "Pool", days)
    return lead


def claim(platform: Platform, username: str, lead: str, days: float = 0) -> None:
    with then(platform, username, days) as unit:
        claim_record(unit, "lead", lead, channel="api")


def work(platform: Platform, username: str, lead: str, days: float) -> None:
    with then(platform, username, days) as unit:
        save_record(unit, "lead", lead, {"title": f"T{days}"}, channel="api")


def give(platform: Platform, lead: str, to: str, days: float, by: str = "diana") -> None:
    with then(platform, by, days) as unit:
        assign_record(unit, "lead", lead, to, channel="api")


def pass_time(platform: Platform, days: float) -> None:
    """Lets workers do what is due so many days from now."""
    at = NOW + days * DAY
    replace(make_dispatcher(platform), read_clock=lambda _connection: at).drain()


def holder(platform: Platform, people: People, lead: str) -> str | None:
    """Gives whose a lead is: a user name, or `Pool`."""
    found = stored(platform, "lead", lead)
    if found["owner_queue"] is not None:
        return "Pool"
    return next((name for name, key in people.ids.items() if key == found["owner"]), None)


def bells(platform: Platform, people: People) -> list[tuple[str, str]]:
    """Gives who was told what."""
    names = {key: name for name, key in people.ids.items()}
    query = sa.select(notification.c.user_id, notification.c.kind).order_by(notification.c.id)
    with platform.database.read() as connection:
        return [(names[row.user_id], row.kind) for row in connection.execute(query)]


def test_nobody_works_on_it_and_it_goes_back_after_a_warning(
    platform: Platform, people: People, login: Login, bearer: Bearer
) -> None:
    queue(platform, people, recycle_days=7, warn_days=2, cool_down_hours=12)
    lead = waiting(platform)
    claim(platform, "ron", lead)
    pass_time(platform, 4.9)
    assert bells(platform, people) == []
    pass_time(platform, 5.1)
    pass_time(platform, 6.9)
    assert bells(platform, people) == [("ron", "recycle_warning")]
    assert holder(platform, people, lead) == "ron"
    client = login("ron")
    address = f"/api/v1/lead/{lead}"
    (one,) = client.get(f"{address}/explain?what=owner", headers=bearer("ron")).get_json()["owner"]
    assert (one["assignment"], one["user"], one["skipped"]) == ("", people["ron"], [])
    zone = platform.settings.zone
    day = (NOW + 7.1 * DAY).astimezone(zone).date()
    assert one["because"] == (
        f"took it from Pool; it goes back on {day} unless something is done with it"
    )
    pass_time(platform, 7.2)
    assert holder(platform, people, lead) == "Pool"
    assert bells(platform, people)[1:] == [("ron", "recycled")]
    newest, *_ = client.get(f"{address}/history", headers=bearer("ron")).get_json()["items"]
    assert newest["why"] == "went back to its queue: nothing was done with it"
    headers = {**bearer("ron"), "Accept-Language": "zh"}
    told = client.get(f"{address}/explain?what=owner", headers=headers).get_json()["owner"]
    assert [(one["user"], one["queue"]) for one in told] == [(None, "Pool"), (people["ron"], None)]
    since = NOW.astimezone(zone).date()
    assert told[0]["because"] == f"自 {since} 起无人跟进"
    assert [(one["user"], one["code"]) for one in told[0]["skipped"]] == [
        (people["ron"], "cooling")
    ]
    with pytest.raises(Conflict) as caught:
        claim(platform, "ron", lead, 7.3)
    (problem,) = caught.value.problems
    assert (problem.code, problem.values["queue"]) == ("claim_cooling", "Pool")
    claim(platform, "rita", lead, 7.3)
    give(platform, lead, "Pool", 7.5)
    claim(platform, "ron", lead, 7.8)
    assert holder(platform, people, lead) == "ron"


def test_sec01_why_it_is_hers_tells_nothing_that_she_may_not_read(
    platform: Platform, people: People, login: Login, bearer: Bearer
) -> None:
    queue(platform, people, recycle_days=7)
    lead = waiting(platform)
    claim(platform, "ron", lead)
    client, address = login("ron"), f"/api/v1/lead/{lead}/explain?what=owner"

    def told(who: str = "ron") -> list[str]:
        answer = client.get(address, headers=bearer(who))
        return [one["because"] for one in answer.get_json()["owner"]]

    assert told()[0].startswith("took it from Pool; it goes back on ")
    assert client.get(address, headers=bearer("rita")).status_code == 404

    def blind(body: dict[str, Any]) -> None:
        del body["grants"]["queue"]

    change_element(platform, "role", "sales_rep", blind)
    assert told()[0].startswith("took it from a queue; it goes back on ")
    restrict_field(platform, "sales_rep", "lead", "owner", "hidden")
    assert told() == []


def test_work_of_people_puts_it_off_and_that_of_rules_does_not(
    platform: Platform, people: People
) -> None:
    queue(platform, people, recycle_days=7, warn_days=2)
    lead = waiting(platform)
    claim(platform, "ron", lead)
    work(platform, "ron", lead, 4)
    with system(platform) as unit:
        later = replace(unit, moment=Moment(NOW + 6 * DAY, unit.moment.zone))
        save_record(later, "lead", lead, {"title": "by a rule"}, channel="rule")
    for day in (5.1, 8.9):
        pass_time(platform, day)
        assert bells(platform, people) == []
    pass_time(platform, 9.1)
    work(platform, "ron", lead, 9.2)
    pass_time(platform, 11.5)
    assert bells(platform, people) == [("ron", "recycle_warning")]
    pass_time(platform, 14.3)
    assert bells(platform, people) == [("ron", "recycle_warning")] * 2
    assert holder(platform, people, lead) == "ron"
    pass_time(platform, 16.3)
    assert holder(platform, people, lead) == "Pool"


def test_what_is_locked_stays_as_long_as_that_is_so(platform: Platform, people: People) -> None:
    queue(platform, people, recycle_days=2)
    lead = waiting(platform)
    claim(platform, "ron", lead)
    with system(platform) as unit:
        take_hold(unit.connection, unit.catalog.objects["lead"].id, lead, "signed", NOW)
    pass_time(platform, 2.1)
    pass_time(platform, 6)
    assert holder(platform, people, lead) == "ron"
    with system(platform) as unit:
        release(unit.connection, unit.catalog.objects["lead"].id, lead)
    pass_time(platform, 7.1)
    assert holder(platform, people, lead) == "Pool"


def test_the_page_says_why_it_may_not_be_taken_now(
    platform: Platform, people: People, login: Login
) -> None:
    queue(platform, people, cool_down_hours=12)
    lead = waiting(platform)
    give(platform, lead, "ron", 0)
    client, address = login("ron"), f"/o/lead/{lead}/access"
    assert "queue of yours" not in client.get(address).text
    give(platform, lead, "Pool", 0)
    cools = client.get(address).text
    assert (
        'It waits in a queue of yours.<div class="muted">you had this record until a short' in cools
    )
    assert f"{address}/claim" in cools
    assert ">Claim<" not in cools
    assert ">Claim<" in login("rita").get(address).text


def test_an_activity_is_work(platform: Platform, people: People) -> None:
    queue(platform, people, recycle_days=2)
    lead = waiting(platform)
    claim(platform, "ron", lead)
    with then(platform, "ron", 1) as unit:
        link = unit.catalog.children("lead")["activities"]
        name = unit.catalog.objects[link.target].name_field
        save_record(
            unit,
            link.target,
            None,
            {name: "Rang", link.field: lead, "happened_at": unit.moment.now.isoformat()},
            channel="page",
        )
    pass_time(platform, 2.1)
    assert holder(platform, people, lead) == "ron"
    pass_time(platform, 3.1)
    assert holder(platform, people, lead) == "Pool"


def test_no_way_leads_around_it(platform: Platform, people: People) -> None:
    queue(platform, people, recycle_days=2)
    leads = [waiting(platform, name) for name in "ABCD"]
    given, passed_on, gone, done = leads
    give(platform, given, "rita", 0)
    for one in (passed_on, gone, done):
        claim(platform, "ron", one)
    give(platform, passed_on, "rita", 1)
    with then(platform, "diana", 1) as unit:
        delete_record(unit, "lead", gone, channel="api")
    with then(platform, "diana", 1.5) as unit:
        restore_record(unit, "lead", gone, channel="api")
    with then(platform, "ron", 1) as unit:
        save_record(unit, "lead", done, {"status": "disqualified"}, channel="api")
    pass_time(platform, 2.5)
    assert [holder(platform, people, one) for one in leads] == ["Pool", "rita", "ron", "ron"]
    pass_time(platform, 3.6)
    assert [holder(platform, people, one) for one in leads] == ["Pool", "Pool", "Pool", "ron"]
    with system(platform) as unit:
        table = unit.catalog.tables["lead"]
        opened = sa.update(table).where(table.c.id == done)
        unit.connection.execute(opened.values(status="working"))
    pass_time(platform, 9)
    assert holder(platform, people, done) == "Pool"


def test_it_is_protected_at_first_and_new_terms_hold_for_what_is_out(
    platform: Platform, people: People
) -> None:
    pool = queue(platform, people)
    lead = waiting(platform)
    claim(platform, "ron", lead)
    pass_time(platform, 50)
    assert holder(platform, people, lead) == "ron"
    with system(platform) as unit:
        values = {"recycle_days": 1, "protected_days": 60, "warn_days": 2}
        save_record(unit, "queue", pool, values, channel="system")
    pass_time(platform, 57.9)
    assert bells(platform, people) == []
    pass_time(platform, 58.1)
    pass_time(platform, 59.9)
    assert (holder(platform, people, lead), len(bells(platform, people))) == ("ron", 1)
    with system(platform) as unit:
        save_record(unit, "queue", pool, {"recycle_days": None}, channel="system")
    pass_time(platform, 99)
    assert holder(platform, people, lead) == "ron"
    with system(platform) as unit:
        save_record(unit, "queue", pool, {"recycle_days": 3}, channel="system")
    pass_time(platform, 99.1)
    assert holder(platform, people, lead) == "Pool"


def test_nobody_loses_a_record_unwarned_after_a_standstill(
    platform: Platform, people: People
) -> None:
    queue(platform, people, recycle_days=7, warn_days=2)
    lead = waiting(platform)
    claim(platform, "ron", lead)
    pass_time(platform, 30)
    assert holder(platform, people, lead) == "ron"
    assert bells(platform, people) == [("ron", "recycle_warning")]
    pass_time(platform, 31.9)
    assert holder(platform, people, lead) == "ron"
    pass_time(platform, 32.1)
    assert holder(platform, people, lead) == "Pool"


def test_of_two_claims_at_once_one_wins_and_no_limit_is_broken(
    platform: Platform, people: People
) -> None:
    queue(platform, people, claims_open=2)
    leads = [waiting(platform, str(number)) for number in range(4)]
    refused: list[str] = []

    def take(username: str) -> None:
        for lead in leads:
            try:
                claim(platform, username, lead)
            except (Conflict, Missing) as error:  # what is another's is not seen
                refused.extend(problem.code for problem in error.problems)

    threads = [threading.Thread(target=take, args=(who,)) for who in ("ron", "rita", "ron", "rita")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    owners = [holder(platform, people, lead) for lead in leads]
    assert sorted(map(str, owners)) == ["rita", "rita", "ron", "ron"]
    assert set(refused) <= {"claims_open_reached", "not_in_queue", "missing_record"}
    assert len(refused) == 12
    with platform.database.read() as connection:
        rows = connection.execute(sa.select(queue_claim.c.record_id, queue_claim.c.given)).all()
    assert sorted(row.record_id for row in rows) == sorted(leads)
    assert not any(row.given for row in rows)


def test_what_is_finished_counts_no_more_among_the_claims_at_once(
    platform: Platform, people: People
) -> None:
    queue(platform, people, claims_open=2)
    leads = [waiting(platform, str(number)) for number in range(5)]
    refused: set[str] = set()

    def may_take(lead: str) -> bool:
        try:
            claim(platform, "ron", lead)
        except Conflict as error:
            refused.update(problem.code for problem in error.problems)
            return False
        return True

    def turn(lead: str, status: str) -> None:
        with then(platform, "diana", 0) as unit:
            save_record(unit, "lead", lead, {"status": status}, channel="api")

    assert [may_take(lead) for lead in leads[:3]] == [True, True, False]
    turn(leads[0], "disqualified")
    assert [may_take(lead) for lead in leads[2:4]] == [True, False]
    turn(leads[0], "new")  # it is work again: three are too many
    with then(platform, "diana", 0) as unit:
        delete_record(unit, "lead", leads[1], channel="api")
    assert not may_take(leads[3])
    turn(leads[2], "disqualified")
    assert may_take(leads[3])
    assert [holder(platform, people, lead) for lead in leads[2:]] == ["ron", "ron", "Pool"]
    assert refused == {"claims_open_reached"}


def test_each_goes_back_once_whoever_dies(platform: Platform, people: People) -> None:
    queue(platform, people, recycle_days=7)
    # Their time is over by the clock of the database.
    leads = [waiting(platform, str(number), -9) for number in range(20)]
    for lead in leads:
        claim(platform, "ron", lead, -8)
    for left in (12, 0):
        with worker(platform.settings), worker(platform.settings):
            wait_until(lambda left=left: open_timers(platform) <= left, 60)
    assert {holder(platform, people, lead) for lead in leads} == {"Pool"}
    with platform.database.read() as connection:
        back = connection.execute(
            sa.select(record_history.c.record_id).where(record_history.c.why == "recycled")
        )
        assert sorted(back.scalars()) == sorted(leads)
    pass_time(platform, 1)
    assert [kind for _, kind in bells(platform, people)] == ["recycled"] * len(leads)


def open_timers(platform: Platform) -> int:
    query = sa.select(sa.func.count()).where(outbox.c.action == "recycle", outbox.c.state != DONE)
    with platform.database.read() as connection:
        return int(connection.execute(query).scalar_one())


TERMS = st.builds(
    Terms,
    st.integers(1, 20),
    st.none() | st.integers(1, 9),
    st.none() | st.integers(1, 30),
)


@given(TERMS, st.lists(st.floats(0, 100), max_size=6), st.sampled_from(["UTC", "Asia/Shanghai"]))
def test_law_nobody_loses_what_she_works_on(
    terms: Terms, works: list[float], zone_name: str
) -> None:
    """However a record is worked on: it goes back only when nothing was done for the days that the
    queue says, never while it is protected, and, where the queue warns, only so many days after a
    warning that came after the last work."""
    start = datetime(2026, 3, 2, 9, tzinfo=UTC)
    events = sorted(start + work * DAY for work in works)
    held, now = Held(start, start), start
    for _ in range(60):
        held = replace(held, active_at=max([at for at in events if at <= now], default=start))
        step = next_step(terms, held, ZoneInfo(zone_name))
        assert step is not None
        if step.at > now:
            now = step.at
        elif step.kind == "warn":
            held = replace(held, warned_at=now)
        else:
            break
    assert step.kind == "back"
    assert now - held.active_at >= (terms.recycle_days or 0) * DAY
    assert now - start >= (terms.protected_days or 0) * DAY
    if terms.warn_days is not None:
        assert held.warned_at is not None
        assert held.warned_at >= held.active_at
        assert now - held.warned_at >= terms.warn_days * DAY
