"""Why somebody may do something: what is said agrees with what every door does."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from metadata.access import ACTIONS
from metadata.problems import sentence
from metadata.shares import RECORD_SHARE
from tests.platform.acting import acting, change_element, make, system
from tests.platform.world import PEOPLE, Bearer, Login, People
from trellis.automation.requests import take_hold
from trellis.duplicates.choice import Wish
from trellis.duplicates.merge import merge_records
from trellis.errors import Missing, NotAllowed
from trellis.records.assign import assign_record
from trellis.records.delete import delete_record
from trellis.records.explain_access import AccessExplained, explain_access
from trellis.records.readers import readers_of
from trellis.records.save import save_record
from trellis.records.sharing import share_record
from trellis.runtime import Platform

LEAD = {"email": "li@acme.cn", "lead_source": "web"}


@pytest.fixture
def leads(platform: Platform, people: People) -> dict[str, str]:
    """Gives a lead of Rita's, one that she shared with Ron, one in Ron's queue, a locked one."""
    change_element(
        platform,
        "role",
        "sales_rep",
        lambda body: body["grants"]["lead"].update(
            share=[{"read": 'status = "new" and title = "CEO"', "because": "leads of CEOs"}]
        ),
    )
    made = {
        name: make(platform, "rita", "lead", name=name, **LEAD)
        for name in ("own", "shared", "queued", "locked")
    }
    made["ceo"] = make(platform, "rita", "lead", name="ceo", title="CEO", **LEAD)
    with system(platform) as unit:
        values = {"name": "Pool", "members": [people["ron"]]}
        save_record(unit, "queue", None, values, channel="system")
        take_hold(unit.connection, unit.catalog.objects["lead"].id, made["locked"], "audit",
                  unit.moment.now)  # fmt: skip
    with acting(platform, "mark") as unit:
        until = unit.moment.now + timedelta(days=1)
        share_record(unit, "lead", made["shared"], "ron", level="read", until=until)
        assign_record(unit, "lead", made["queued"], "Pool", channel="api")
    return made


def explained(platform: Platform, people: People, username: str, record: str) -> AccessExplained:
    with acting(platform, "admin") as unit:
        return explain_access(unit, people[username], "lead", record)


def said(found: AccessExplained, action: str, language: str = "en") -> list[tuple[bool, str]]:
    (one,) = (one for one in found.actions if one.action == action)
    return [(reason.grants, sentence(reason.because, language)) for reason in one.reasons]


def test_reasons_agree_with_what_is_allowed(
    platform: Platform, people: People, leads: dict[str, str]
) -> None:
    allowed = 0
    for username, record in product((*PEOPLE, "admin"), leads.values()):
        found = explained(platform, people, username, record)
        with acting(platform, username) as unit:
            may = unit.principal.access("lead").exists
            doors = {
                action: may and unit.records().reaches("lead", record, action) for action in ACTIONS
            }
        for one in found.actions:
            granted = any(reason.grants for reason in one.reasons)
            blind = any(reason.kind == "read" for reason in one.reasons)
            assert one.allowed == (granted and not blind), (username, one)
            assert one.action == "create" or one.allowed == doors[one.action]
            allowed += one.allowed
            for reason in one.reasons:
                assert sentence(reason.because, "zh") != sentence(reason.because, "en")
    assert allowed > 50


def test_each_reason_is_named(platform: Platform, people: People, leads: dict[str, str]) -> None:
    own = explained(platform, people, "rita", leads["own"])
    assert said(own, "update") == [(True, "Sales rep: own records, and this is one")]
    assert said(own, "delete") == [(False, "Sales rep: not allowed")]
    assert said(own, "create") == [(True, "Sales rep: makes records")]
    shared = explained(platform, people, "ron", leads["shared"])
    read = said(shared, "read")
    assert read[0] == (
        False, "Sales rep: own records only, and this belongs to somebody else",
    )  # fmt: skip
    assert read[1] == (
        False, "Sales rep: would open it on a condition that does not hold: leads of CEOs",
    )  # fmt: skip
    assert read[2][0]
    assert read[2][1].startswith("shared by Mark for reading until 20")
    assert said(shared, "update")[-1] == (
        False, "shared by Mark, but not for this, or no role allows it on any record",
    )  # fmt: skip
    queued = explained(platform, people, "ron", leads["queued"])
    assert said(queued, "read")[-1] == (True, "waits in the queue Pool, of which they are a member")
    assert said(explained(platform, people, "rita", leads["queued"]), "update")[-1] == (
        False, "the record cannot be seen, so nothing can be done with it",
    )  # fmt: skip
    assert (True, "Sales rep: opens it because leads of CEOs") in said(
        explained(platform, people, "ron", leads["ceo"]), "read"
    )
    locked = explained(platform, people, "rita", leads["locked"])
    assert said(locked, "update")[-1] == (False, "locked by audit")
    fay = explained(platform, people, "fay", leads["own"])
    assert said(fay, "read") == [(False, "Finance: says nothing about this object")]


def test_who_is_told(platform: Platform, people: People, leads: dict[str, str]) -> None:
    with acting(platform, "mark") as unit:
        assert explain_access(unit, people["rita"], "lead", leads["own"]).user == people["rita"]
    with acting(platform, "rita") as unit:
        assert explain_access(unit, None, "lead", leads["own"]).user == people["rita"]
        with pytest.raises(NotAllowed):
            explain_access(unit, people["mark"], "lead", leads["own"])
    with acting(platform, "ron") as unit, pytest.raises(Missing):
        explain_access(unit, None, "lead", leads["own"])


def test_over_the_api(
    platform: Platform, app: Flask, bearer: Bearer, leads: dict[str, str]
) -> None:
    change_element(
        platform,
        "role",
        "sales_rep",
        lambda body: body["grants"]["lead"].setdefault("fields", {}).update(phone="masked"),
    )
    client, mark = app.test_client(), bearer("mark")
    address = f"/api/v1/lead/{leads['shared']}/explain"
    answer = client.get(f"{address}?what=access&user=ron", headers=mark).get_json()["access"]
    assert answer["actions"]["read"]["allowed"]
    assert not answer["actions"]["update"]["allowed"]
    assert answer["fields"]["phone"] == {
        "right": "masked",
        "reasons": [
            {"grants": True, "kind": "field", "source": "sales_rep",
             "code": "access_field_masked", "because": "Sales rep: seen in part"}
        ],
    }  # fmt: skip
    assert "access" not in client.get(address, headers=mark).get_json()
    lone = client.get(f"{address}?what=score&user=ron", headers=mark)
    assert lone.status_code == 422
    other = client.get(f"{address}?what=access&user=fay", headers=mark)
    assert other.status_code == 403


# What is new on each page: numbers of scripts, tokens of forms.
FRESH = re.compile(r'nonce="[^"]*"|[\w.-]{60,}')
EXPLAINED = (
    *("what=access", "what=access&user=ron", "what=access&user={me}", "what=access&user=nobody"),
    *("what=access&user=admin", "what=access,score,approval", "", "what=nothing"),
)


def test_sec_07_of_records_out_of_sight_nothing_is_explained(
    platform: Platform, app: Flask, people: People, bearer: Bearer, login: Login
) -> None:
    """Neither the caller's rights nor another's, neither by the API nor by the page."""
    foreign, deleted, keep, merged, ended = (
        make(platform, "ron", "lead", name=str(number), **LEAD) for number in range(5)
    )
    with acting(platform, "diana") as unit:
        delete_record(unit, "lead", deleted, channel="api")
        merge_records(unit, "lead", keep, [merged], Wish({}), channel="api")
        share_record(unit, "lead", ended, "rita", level="read")
        past = unit.moment.now - timedelta(seconds=1)
        unit.connection.execute(sa.update(RECORD_SHARE).values(until=past))
    client, headers, page = app.test_client(), bearer("rita"), login("rita")
    for asked in EXPLAINED:
        query = asked.replace("{me}", people["rita"])
        told = set()
        for record in (foreign, deleted, keep, merged, ended, "0190d6a4-0000-7000-8000-0000000000"):
            answer = client.get(f"/api/v1/lead/{record}/explain?{query}", headers=headers)
            shown = page.get(f"/o/lead/{record}/access?{query}")
            text = answer.get_data(as_text=True) + FRESH.sub("", shown.get_data(as_text=True))
            told.add((answer.status_code, shown.status_code, text.replace(record, "ID")))
        assert [one[:2] for one in told] == [(422 if "nothing" in query else 404, 404)], asked


def test_sec_01_hidden_fields_are_not_spoken_of(
    platform: Platform, people: People, leads: dict[str, str]
) -> None:
    def hide(body: dict[str, Any]) -> None:
        body["grants"]["lead"]["fields"] = {"title": "hidden"}

    change_element(platform, "role", "sales_manager", hide)
    with acting(platform, "mark") as unit:
        found = explain_access(unit, people["ron"], "lead", leads["ceo"])
    assert "title" not in {one.field for one in found.fields}
    assert [reason.kind for reason in found.actions[1].reasons] == ["scope"]
    assert found.actions[1].allowed


def test_readers_are_those_whom_the_doors_let_see(
    platform: Platform, people: People, leads: dict[str, str]
) -> None:
    for record in leads.values():
        with acting(platform, "admin") as unit:
            found = readers_of(unit, "lead", record)
        doors = set()
        for username in (*PEOPLE, "admin"):
            with acting(platform, username) as unit:
                may = unit.principal.access("lead").exists
                if may and unit.records().reaches("lead", record, "read"):
                    doors.add(people[username])
        assert {one.user for one in found.items} == doors
        assert found.next is None
        assert [one.name for one in found.items] == sorted(one.name for one in found.items)
        assert all(one.reasons and all(why.grants for why in one.reasons) for one in found.items)


def test_readers_are_told_to_those_above_them(
    platform: Platform, people: People, leads: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {}
    for username in ("rita", "mark", "admin"):
        with acting(platform, username) as unit:
            found = readers_of(unit, "lead", leads["shared"])
            seen[username] = {one.user for one in found.items}
    assert seen["rita"] == {people["rita"]}
    assert {people["rita"], people["mark"]} <= seen["mark"] < seen["admin"]
    monkeypatch.setattr("trellis.records.readers.SCANNED", 2)
    for username in ("mark", "admin"):
        with acting(platform, username) as unit:
            paged, after = set[str](), None
            for _ in range(len(PEOPLE) + 2):
                found = readers_of(unit, "lead", leads["shared"], after)
                paged |= {one.user for one in found.items}
                after = found.next
                if after is None:
                    break
            assert (paged, after) == (seen[username], None)
    with acting(platform, "fay") as unit, pytest.raises(Missing):
        readers_of(unit, "lead", leads["shared"])
