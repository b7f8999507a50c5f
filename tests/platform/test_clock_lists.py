"""Lists of clocks: what is at risk and late, for everybody by what she may read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from flask import Flask

from metadata.access import FieldRight, Principal, Rows, everything
from tests.metadata.databases import element, object_body
from tests.platform.acting import acting
from tests.platform.computed_world import TEXT, rules
from tests.platform.conditional_world import publish_more
from tests.platform.office import Office
from tests.platform.test_service_levels import choice
from tests.platform.world import Bearer, Login
from trellis.db import Database
from trellis.errors import Missing, Refused
from trellis.records.delete import delete_record
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.service_levels.lists import list_clocks

START = datetime(2046, 3, 5, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
LEVEL = """
sla support "Support" on ticket {
    pause when status = "waiting"
    target answer "Answer" {
        met when status = "done"
        within 1 hour when priority = "p1"
        otherwise within 10 hours
    }
}
"""


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    database = Database(database_url)
    office = Office(database, now=START)
    fields = {
        "name": TEXT,
        "status": choice("open", "waiting", "done"),
        "priority": choice("p2", "p1"),
    }
    office.publish([element("ticket", object_body(fields)), rules(LEVEL)])
    yield office
    database.dispose()


def reader(rows: Rows | None = None, **hidden: FieldRight) -> Principal:
    access = replace(everything("ticket"), fields=hidden)
    if rows is not None:
        access = replace(access, rows={**access.rows, "read": rows})
    return Principal("p", {"id": "amy"}, grants={"ticket": access})


def asked(
    office: Office, state: str, who: Principal | None = None, *, limit: int = 50, **more: object
) -> list[str]:
    """Gives the names of the records, page by page."""
    found: list[str] = []
    after = None
    while True:
        with office.database.read() as connection:
            unit = office.unit(connection)
            unit = unit if who is None else replace(unit, principal=who)
            page = list_clocks(unit, state, limit=limit, after=after, **more)  # type: ignore[arg-type]
        found += [line.name for line in page.items]
        after = page.next
        if after is None:
            return found


def test_each_clock_is_in_the_list_of_its_state_the_first_due_first(office: Office) -> None:
    for name, priority in (("slow", "p2"), ("fast", "p1"), ("held", "p1"), ("done", "p1")):
        made = office.save("ticket", name=name, priority=priority)
        if name in ("held", "done"):
            office.save("ticket", made, status={"held": "waiting"}.get(name, "done"))
    states = ("running", "at_risk", "breached", "paused", "met")
    at: dict[float, list[list[str]]] = {
        0: [["fast", "slow"], [], [], ["held"], ["done"]],
        0.8: [["fast", "slow"], ["fast"], [], ["held"], ["done"]],
        1: [["slow"], [], ["fast"], ["held"], ["done"]],
        8: [["slow"], ["slow"], ["fast"], ["held"], ["done"]],
        11: [[], [], ["fast", "slow"], ["held"], ["done"]],
    }
    for hours, expected in at.items():
        office.now = START + hours * HOUR
        assert [asked(office, state) for state in states] == expected, hours
    office.now = START
    assert asked(office, "running", within=2 * HOUR) == ["fast"]


def test_what_was_late_before_it_was_held_is_late(office: Office) -> None:
    made = office.save("ticket", name="A", priority="p1")
    office.now = START + 2 * HOUR
    office.save("ticket", made, status="waiting")
    assert (asked(office, "breached"), asked(office, "paused")) == (["A"], [])


def test_another_priority_moves_a_clock_in_the_list(office: Office) -> None:
    for name in ("A", "B"):
        made = office.save("ticket", name=name)
    assert asked(office, "running") == ["A", "B"]
    office.save("ticket", made, priority="p1")
    assert asked(office, "running") == ["B", "A"]


def test_pages_follow_each_other_and_hold_each_clock_once(office: Office) -> None:
    names = [f"{number:02}" for number in range(11)]
    for name in names:
        office.save("ticket", name=name)
    held = [office.save("ticket", name=name, status="waiting") for name in ("x", "y", "z")]
    assert len(held) == 3
    for limit in (1, 2, 5, 11, 12):
        assert sorted(asked(office, "running", limit=limit)) == names
        assert sorted(asked(office, "paused", limit=limit)) == ["x", "y", "z"]


def test_sec_01_who_may_not_read_what_a_level_looks_at_sees_none_of_its_clocks(
    office: Office,
) -> None:
    office.save("ticket", name="A")
    assert asked(office, "running", reader()) == ["A"]
    for field in ("status", "priority"):
        assert asked(office, "running", reader(**{field: FieldRight.HIDDEN})) == []
    assert asked(office, "running", reader(name=FieldRight.HIDDEN)) == [""]


def test_sec_02_clocks_of_records_out_of_reach_are_in_no_list(office: Office) -> None:
    for name, owner in (("A", "amy"), ("B", "bo"), ("C", "amy")):
        office.save("ticket", name=name, owner=office.person(owner) if name != "C" else owner)
    own = reader(Rows(owners=frozenset({"amy"})))
    for limit in (1, 50):
        assert asked(office, "running", own, limit=limit) == ["A", "C"]
    with office.database.read() as connection:
        nobody = replace(office.unit(connection), principal=Principal("p", {"id": "p"}, grants={}))
        assert list_clocks(nobody, "running").items == ()
        with pytest.raises(Missing):
            list_clocks(nobody, "running", "ticket")


def test_clocks_of_deleted_records_are_in_no_list(office: Office) -> None:
    made = office.save("ticket", name="A")
    with office.database.write() as connection:
        delete_record(office.unit(connection), "ticket", made, channel="api")
    assert asked(office, "running") == []


@pytest.mark.parametrize(
    ("more", "codes"),
    [
        ({"state": "dull"}, ["unknown_value"]),
        ({"limit": 0, "state": "x"}, ["unknown_value", "bad_limit"]),
        ({"after": "nothing"}, ["bad_cursor"]),
    ],
)
def test_what_cannot_be_asked_for_is_told(
    office: Office, more: dict[str, object], codes: Sequence[str]
) -> None:
    with office.database.read() as connection, pytest.raises(Refused) as caught:
        list_clocks(office.unit(connection), **{"state": "running", **more})  # type: ignore[arg-type]
    assert [problem.code for problem in caught.value.problems] == list(codes)


WORK = """
sla job_clock "Jobs" on job {
    target done "Done" { met when state = "done" otherwise within 8 hours }
}
"""


@pytest.fixture
def jobs(platform: Platform) -> Platform:
    fields = {"name": TEXT, "state": choice("open", "done")}
    publish_more(platform, {"job": object_body(fields)}, {"rules/local/jobs.rules": {"text": WORK}})
    return platform


@pytest.mark.usefixtures("people")
def test_programs_and_people_get_the_same_clocks(
    jobs: Platform, app: Flask, bearer: Bearer, login: Login
) -> None:
    with acting(jobs, "rita") as unit:
        made = save_record(unit, "job", None, {"name": "Paint"}, channel="api").id
    client = app.test_client()
    (line,) = client.get(
        "/api/v1/service-levels?state=running&within=PT9H", headers=bearer("rita")
    ).get_json()["items"]
    assert (line["object"], line["record"], line["name"]) == ("job", made, "Paint")
    assert line["service_level"] == {"name": "job_clock", "label": "Jobs"}
    assert (line["target"]["status"], line["target"]["length"]) == ("running", "PT8H")
    answer = client.get("/api/v1/service-levels?within=soon&state=running", headers=bearer("rita"))
    assert answer.status_code == 422
    page = login("rita").get("/service-levels?state=running").get_data(as_text=True)
    assert "Paint" in page
    assert "7 h 59 min left" in page
    assert 'href="/service-levels"' in page
    assert "Paint" in login("rita").get("/service-levels").get_data(as_text=True)
    assert "Paint" not in login("rita").get("/service-levels?state=at_risk").get_data(as_text=True)
    assert 'href="/service-levels"' not in login("fay").get("/").get_data(as_text=True)
    # Both pages ask for their clocks again, by the minute.
    (again,) = re.findall(r'id="clocks" hx-get="([^"]+)"', page)
    assert 'id="clocks"' in login("rita").get(unescape(again)).get_data(as_text=True)
    address = f"/o/job/{made}"
    assert f'hx-get="{address}/clocks"' in login("rita").get(address).get_data(as_text=True)
    cards = login("rita").get(f"{address}/clocks").get_data(as_text=True)
    assert cards.strip().startswith('<section class="why" id="level-job_clock"')
    assert login("fay").get(f"{address}/clocks").status_code == 404
