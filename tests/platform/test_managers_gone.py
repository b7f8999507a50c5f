"""Managers who are gone: who stands above comes in, nobody is told in vain, and it is noted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa

from metadata.migrate import publish
from metadata.store import load_elements
from tests.platform.acting import acting, make, system
from tests.platform.computed_world import rules
from tests.platform.world import Bearer, Login, People
from trellis.automation.outbox import outbox
from trellis.departing.depart import depart
from trellis.doctor import Finding, examine_managers
from trellis.records.causes import worded
from trellis.records.history import history_of
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.security.directory import UserDirectory
from trellis.security.users import set_active

LEAD = {"name": "L", "email": "li@acme.cn", "lead_source": "web"}
UP = "rule up on lead after create { escalate to manager of owner }"


def with_rule(platform: Platform, text: str) -> None:
    """Publishes a rule beside those that are there."""
    with platform.database.write() as connection:
        elements = [*load_elements(connection), replace(rules(text), name="more")]
        publish(connection, elements, by="system")


@contextmanager
def directory(platform: Platform, days: int = 0) -> Iterator[UserDirectory]:
    """Gives who is who some days from now."""
    with system(platform) as unit:
        today = unit.moment.today + timedelta(days=days)
        yield UserDirectory(unit.connection, unit.catalog, today)


def lock_out(platform: Platform, user_id: str) -> None:
    with platform.database.write() as connection:
        set_active(connection, platform.catalogs.current(connection), user_id, active=False)


def managers(platform: Platform, user_id: str, days: int = 0) -> list[str]:
    with directory(platform, days) as found:
        return list(found.relation("manager", user_id))


def below(platform: Platform, user_id: str) -> frozenset[str]:
    with directory(platform) as found:
        return found.standing.people_below(user_id)


def told(platform: Platform) -> list[list[str]]:
    """Gives whom messages are for."""
    query = sa.select(outbox.c.payload).where(outbox.c.action == "notify").order_by(outbox.c.id)
    with platform.database.read() as connection:
        return [payload["recipients"] for payload in connection.scalars(query)]


def test_who_stands_above_comes_in_and_rights_stay(platform: Platform, people: People) -> None:
    before = below(platform, people["mark"])
    assert {people["rita"], people["ron"]} <= before
    lock_out(platform, people["mark"])
    assert managers(platform, people["rita"]) == [people["diana"]]
    assert below(platform, people["mark"]) == before
    lock_out(platform, people["diana"])
    assert managers(platform, people["rita"]) == []
    with system(platform) as unit:
        circle = {"manager": people["mark"]}
        save_record(unit, "user", people["diana"], circle, channel="system")
    assert managers(platform, people["rita"]) == []


def test_the_line_of_the_day_counts_and_no_dotted_one(platform: Platform, people: People) -> None:
    with system(platform) as unit:
        first, last = (unit.moment.today + timedelta(days=days) for days in (2, 3))
        line = {"person": people["rita"], "manager": people["ron"], "kind": "line"}
        dated = {**line, "from": first.isoformat(), "until": last.isoformat()}
        save_record(unit, "manager_period", None, dated, channel="system")
        dotted = {"person": people["rita"], "manager": people["fay"], "kind": "dotted"}
        save_record(unit, "manager_period", None, dotted, channel="system")
    assert [managers(platform, people["rita"], days) for days in range(5)] == [
        [people["mark"]],
        [people["mark"]],
        [people["ron"]],
        [people["ron"]],
        [people["mark"]],
    ]
    lock_out(platform, people["ron"])
    assert managers(platform, people["rita"], 2) == [people["mark"]]


def test_an_escalation_goes_up_and_is_noted(platform: Platform, people: People) -> None:
    with_rule(platform, UP)
    lock_out(platform, people["mark"])
    lead = make(platform, "rita", "lead", **LEAD)
    assert told(platform) == [[people["diana"]]]
    with acting(platform, "rita") as unit:
        entries, _ = history_of(unit, "lead", lead)
        noted = [one for one in entries if "up" in one.rules]
        assert [(one.channel, dict(one.changes)) for one in noted] == [("rule", {})]
        words = [worded(unit, noted[0].why, "rule", language) for language in ("en", "zh")]
        name = unit.records().names("user", [people["diana"]])[people["diana"]]
    assert words == [f"escalated to {name}", f"已升级给 {name}"]


def test_the_note_is_on_the_page_and_explained(
    platform: Platform, login: Login, bearer: Bearer, people: People
) -> None:
    with_rule(platform, UP)
    lead = make(platform, "rita", "lead", **LEAD)
    client = login("rita")
    page = client.get(f"/o/lead/{lead}").get_data(as_text=True)
    with system(platform) as unit:
        name = unit.records().names("user", [people["mark"]])[people["mark"]]
    assert f"escalated to {name}" in page
    assert "changed 0 fields" not in page
    token = bearer("rita")
    answer = client.get(f"/api/v1/lead/{lead}/history", headers=token).get_json()
    (noted,) = [one for one in answer["items"] if one["rules"] == ["up"]]
    assert noted["why"] == f"escalated to {name}"
    why = client.get(f"/api/v1/lead/{lead}/history/{noted['id']}/why", headers=token).get_json()
    assert [one["name"] for one in why["rules"]] == ["up"]


def test_without_anybody_above_administrators_are_told(platform: Platform, people: People) -> None:
    with_rule(platform, UP)
    for name in ("mark", "diana"):
        lock_out(platform, people[name])
    make(platform, "rita", "lead", **LEAD)
    assert told(platform) == [[people["admin"]]]


def test_a_departure_and_the_doctor_name_those_who_are_left(
    platform: Platform, login: Login, people: People
) -> None:
    address = f"/setup/people/{people['mark']}/depart"
    page = login("admin").get(address).get_data(as_text=True)
    assert "Managed by this person" in page
    with directory(platform) as found:
        names = [one.name for one in found.standing.reports(people["mark"])]
        users = [one.username for one in found.standing.reports(people["mark"])]
    assert {"rita", "ron"} <= set(users)
    assert list(examine_managers(platform)) == []
    with acting(platform, "admin") as unit:
        left = depart(unit, people["mark"], "manager", channel="api")
    assert list(left.reports) == names
    text = f"mark is gone, the manager of {', '.join(users)}: who stands above comes in"
    assert list(examine_managers(platform)) == [
        Finding("note", "managers", f"{text}; name another manager for them")
    ]


def test_a_departure_climbs_over_who_is_gone(platform: Platform, people: People) -> None:
    account = make(platform, "rita", "account", name="Acme")
    lock_out(platform, people["mark"])
    with acting(platform, "admin") as unit:
        left = depart(unit, people["rita"], "manager", channel="api")
    assert left.owned == {"account": 1}
    del account
