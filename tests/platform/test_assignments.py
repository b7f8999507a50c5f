"""Assignments: who gets a record, in turns and by how much they have, why, and what comes later."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from metadata.migrate import publish
from metadata.problems import DefinitionError, sentence
from metadata.store import load_elements
from tests.platform.acting import (
    change_element,
    make,
    restrict_field,
    stored,
    system,
)
from tests.platform.computed_world import rules
from tests.platform.world import Bearer, Login, People
from trellis.automation.assignments import decisions_on
from trellis.records.save import save_record
from trellis.runtime import Platform

LEADS = """
assign leads "Leads" on lead after create {
    when country = "CN" assign to round_robin of team "Field" capacity 2 because "From China"
    when country = "DE" assign to least_busy of team "Field"
    when country = "FR" assign to user "fay" because "She speaks French"
    when country = "US" assign to queue "Pool"
    reassign after 4 hours when status = "new"
}
"""


def activate(platform: Platform, text: str) -> None:
    """Publishes rules beside those that there are."""
    with platform.database.write(publishing=True) as connection:
        publish(connection, [*load_elements(connection), rules(text)], by="test")


def team(platform: Platform, people: People, *members: str) -> None:
    """Makes the team `Field` of some users."""
    with system(platform) as unit:
        made = save_record(unit, "team", None, {"name": "Field"}, channel="api").id
        for one in members:
            save_record(unit, "user", people[one], {"team": made}, channel="api")


def lead(platform: Platform, country: str, **more: object) -> str:
    given = {"email": f"{datetime.now(UTC).timestamp()}@a.cn", "lead_source": "web", **more}
    return make(platform, "mark", "lead", name="L", country=country, **given)


def owner(platform: Platform, people: People, record_id: str) -> str | None:
    """Gives the user name of whose a lead is."""
    found = stored(platform, "lead", record_id)["owner"]
    return next((name for name, one in people.ids.items() if one == found), None)


def decision(platform: Platform, record_id: str) -> tuple[str, list[tuple[str, str]]]:
    """Gives why a lead was given to somebody, and who was skipped for what."""
    with system(platform) as unit:
        (_, newest), *_ = decisions_on(unit, unit.catalog.objects["lead"], record_id)
    return str(newest.because), [(one.user, one.code) for one in newest.skipped]


def test_people_take_turns_until_they_have_enough(platform: Platform, people: People) -> None:
    activate(platform, LEADS)
    team(platform, people, "rita", "ron")
    leads = [lead(platform, "CN") for _ in range(5)]
    owners = [owner(platform, people, one) for one in leads]
    assert owners == ["rita", "ron", "rita", "ron", "mark"]  # who made the last one keeps it
    assert stored(platform, "lead", leads[0])["owner_team"] is not None
    because, skipped = decision(platform, leads[4])
    assert because == "nobody can take it"
    assert sorted(skipped) == sorted([(people["rita"], "full"), (people["ron"], "full")])


def test_the_least_busy_gets_it_and_what_is_done_does_not_count(
    platform: Platform, people: People
) -> None:
    activate(platform, LEADS)
    team(platform, people, "rita", "ron")
    for _ in range(2):
        make(platform, "ron", "lead", name="X", email=f"{_}@b.cn", lead_source="web")
    assert owner(platform, people, lead(platform, "DE")) == "rita"
    with system(platform) as unit:
        table = unit.catalog.tables["lead"]
        done = sa.update(table).where(table.c.owner == people["ron"])
        unit.connection.execute(done.values(status="disqualified"))
    assert owner(platform, people, lead(platform, "DE")) == "ron"


def test_a_named_person_a_queue_or_nobody(platform: Platform, people: People) -> None:
    activate(platform, LEADS)
    with system(platform) as unit:
        pool = save_record(
            unit, "queue", None, {"name": "Pool", "object": "lead"}, channel="api"
        ).id
    french = lead(platform, "FR")
    assert owner(platform, people, french) == "fay"
    assert decision(platform, french)[0] == "She speaks French"
    waiting = stored(platform, "lead", lead(platform, "US"))
    assert (waiting["owner"], waiting["owner_queue"]) == (None, pool)
    other = lead(platform, "IT")
    assert owner(platform, people, other) == "mark"
    assert decision(platform, other)[0] == "no entry fits"


def test_a_rule_assigns_in_turns(platform: Platform, people: People) -> None:
    rule = 'when country = "JP" assign to round_robin of team "Field"'
    activate(platform, f"rule hot on lead after create {{ {rule} }}")
    team(platform, people, "rita", "ron")
    leads = [lead(platform, "JP") for _ in range(3)]
    assert [owner(platform, people, one) for one in leads] == ["rita", "ron", "rita"]


def test_two_at_once_never_get_the_same_turn(platform: Platform, people: People) -> None:
    activate(platform, LEADS.replace(" capacity 2", ""))
    team(platform, people, "rita", "ron")
    leads: list[str] = []

    def work(number: int) -> None:
        leads.extend(lead(platform, "CN", email=f"{number}-{k}@c.cn") for k in range(5))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    owners = [owner(platform, people, one) for one in leads]
    assert (owners.count("rita"), owners.count("ron")) == (10, 10)


def test_why_somebody_has_it_is_told_to_who_may_know(
    platform: Platform, people: People, login: Login, bearer: Bearer
) -> None:
    activate(platform, LEADS)
    team(platform, people, "rita", "ron")
    record = lead(platform, "CN")
    client = login("rita")

    def told() -> list[dict[str, object]]:
        address = f"/api/v1/lead/{record}/explain?what=owner"
        found: list[dict[str, object]] = client.get(address, headers=bearer("rita")).get_json()[
            "owner"
        ]
        return found

    (one,) = told()
    assert (one["assignment"], one["user"], one["because"], one["skipped"]) == (
        *("leads", people["rita"]),
        *("From China", []),
    )
    restrict_field(platform, "sales_rep", "lead", "country", "hidden")
    assert told() == []


def test_who_knows_it_and_had_the_customer_before(platform: Platform, people: People) -> None:
    line = 'when true assign to round_robin of team "Field"'
    body = f'{line} skilled in country sticky by company capacity 2 because "Known"'
    activate(platform, f"assign fit on lead after create {{ {body} }}")
    team(platform, people, "rita", "ron", "fay")
    with system(platform) as unit:
        for one in ("rita", "ron"):
            save_record(unit, "user", people[one], {"skills": ["cn", "Wine"]}, channel="api")
    leads = [lead(platform, "CN", company=name) for name in ("Acme", "Beta", "Beta", "Beta")]
    assert [owner(platform, people, one) for one in leads] == ["rita", "ron", "ron", "rita"]
    because, skipped = decision(platform, leads[2])
    assert because == "Known; had the last one with the same company"
    assert skipped == [(people["fay"], "unskilled")]
    because, skipped = decision(platform, leads[3])
    assert (because, sorted(skipped)) == (
        "Known",
        sorted([(people["ron"], "full"), (people["fay"], "unskilled")]),
    )


def test_an_encrypted_field_finds_nobody_and_is_refused_when_published(
    platform: Platform, people: People
) -> None:
    def seal(body: dict[str, Any]) -> None:
        body["properties"]["code"] = {"type": "string", "crm": {"field": "secret"}}

    change_element(platform, "object", "lead", seal)
    with pytest.raises(DefinitionError) as caught:
        activate(
            platform, "assign a on lead after create { when true assign to owner sticky by code }"
        )
    assert [sentence(problem) for problem in caught.value.problems] == [
        '"a" cannot look for records by "code": it is encrypted, or computed and not stored; '
        "choose another field after `sticky by`"
    ]
