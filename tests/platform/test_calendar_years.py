"""Years whose days off are not known yet: said in time, to whom it concerns, and on clocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from flask import Flask

from metadata.query import Moment
from rule_engine.calendars.library import BY_DECREE, decreed_until
from tests.metadata.databases import object_body
from tests.platform.acting import acting, system
from tests.platform.computed_world import TEXT
from tests.platform.conditional_world import publish_more
from tests.platform.pages import get
from tests.platform.test_service_levels import choice
from tests.platform.world import Bearer, Login, People
from trellis.automation.outbox import outbox
from trellis.calendar_years import AHEAD, unknown_years, warn_of_years
from trellis.channels.in_app import notification
from trellis.doctor import examine_calendars
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.worker import make_dispatcher, watch_years

WEEK = 'timezone "Asia/Shanghai" hours monday to friday from 09:00 to 17:00'
DESK = f'calendar desk "Desk" {{ {WEEK} holidays "CN public" }}'
LEVEL = """
sla repair "Repair" on job {
    calendar desk
    target done "Done" { met when state = "done" otherwise within 1000 business days }
    target seen "Seen" { met when state = "done" otherwise within 1000 days }
}
"""


def until(country: str) -> int:
    found = decreed_until(country)
    assert found is not None
    return found


CHINA = until("CN")
OLDEST = min(BY_DECREE, key=until)


def publish(platform: Platform, text: str) -> None:
    fields = {"name": TEXT, "state": choice("open", "done")}
    publish_more(platform, {"job": object_body(fields)}, {"rules/local/jobs.rules": {"text": text}})


def before(platform: Platform, year: int, length: timedelta) -> Moment:
    """Gives the moment so long before a year begins where the calendar is."""
    begin = datetime(year, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai"))
    return Moment(begin.astimezone(UTC) - length, platform.settings.zone)


def warn(platform: Platform, moment: Moment) -> None:
    """Has the worker look at a moment, and deliver what it says."""
    with system(platform) as unit:
        warn_of_years(replace(unit, moment=moment))
    make_dispatcher(platform).drain()


def bells(platform: Platform) -> Sequence[tuple[str, object]]:
    """Gives who was told of which calendar and year."""
    here = notification.c
    query = sa.select(here.user_id, here["values"]).where(here.kind == "calendar_year")
    with platform.database.read() as connection:
        rows = connection.execute(query.order_by(here.id)).all()
    return [(user, (values["calendar"], values["year"])) for user, values in rows]


def test_administrators_are_told_sixty_days_before_once_for_each_year(
    platform: Platform, people: People, login: Login
) -> None:
    publish(platform, DESK)
    warn(platform, before(platform, CHINA + 1, AHEAD + timedelta.resolution))
    assert bells(platform) == []
    for length in (AHEAD, AHEAD, timedelta(), timedelta(days=-200)):
        warn(platform, before(platform, CHINA + 1, length))
        with platform.database.write() as connection:
            connection.execute(sa.delete(outbox))  # as after a month
    assert bells(platform) == [(people["admin"], ("Desk", CHINA + 1))]
    page = get(login("admin"), "/notifications").text_content()
    assert (
        f"The calendar Desk does not know the days off of {CHINA + 1} yet: update the Python "
        "package holidays, or write them in the calendar"
    ) in page
    warn(platform, before(platform, CHINA + 2, AHEAD))
    assert [told for _user, told in bells(platform)] == [
        ("Desk", CHINA + 1),
        ("Desk", CHINA + 2),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        f'calendar desk {{ {WEEK} holidays "DE public" }}',
        DESK.replace(" }", f" open {CHINA + 1}-01-02 from 09:00 to 12:00 }}"),
    ],
)
def test_nobody_is_told_of_years_that_are_known(
    platform: Platform, people: People, text: str
) -> None:
    days = (date(CHINA + 1, 1, number) for number in range(1, 8))
    saturday = next(day for day in days if day.weekday() == 5)
    publish(platform, text.replace(f"{CHINA + 1}-01-02", str(saturday)))
    warn(platform, before(platform, CHINA + 1, timedelta(days=1)))
    assert bells(platform) == []


def test_the_worker_tells_and_the_doctor_notes_what_lacks_today(
    platform: Platform, people: People
) -> None:
    publish(platform, DESK.replace("CN", OLDEST))
    with system(platform) as unit:
        wanted = unknown_years(unit)
    assert wanted[0] == ("desk", max(unit.moment.today.year, until(OLDEST) + 1))
    for _ in range(2):
        watch_years(platform)
        make_dispatcher(platform).drain()
    admin = people["admin"]
    assert bells(platform) == [(admin, ("Desk", year)) for _name, year in wanted]
    assert [(one.level, one.subject, one.text) for one in examine_calendars(platform)] == [
        (
            *("note", "calendars"),
            f"desk does not know the days off of {year} yet: update the Python package holidays, "
            "or write them in the calendar",
        )
        for _name, year in wanted
    ]


def test_clocks_that_depend_on_such_a_year_say_so(
    platform: Platform, app: Flask, bearer: Bearer, login: Login
) -> None:
    publish(platform, f"{DESK} {LEVEL}")
    with acting(platform, "rita") as unit:
        made = save_record(unit, "job", None, {"name": "Paint"}, channel="api").id
        year = max(unit.moment.today.year, CHINA + 1)
    asked = "/api/v1/service-levels?state=running"
    items = app.test_client().get(asked, headers=bearer("rita")).get_json()["items"]
    found = {line["target"]["name"]: line["target"]["unknown_year"] for line in items}
    assert found == {"done": year, "seen": None}
    client = login("rita")
    for language, words in (
        ("en", f"provisional: days off of {year} unknown"),
        ("zh", f"暂定：{year} 年节假日数据未知"),
    ):
        for address in ("/service-levels?state=running", f"/o/job/{made}"):
            answer = client.get(address, headers={"Accept-Language": language})
            assert answer.get_data(as_text=True).count(words) == 1, address
