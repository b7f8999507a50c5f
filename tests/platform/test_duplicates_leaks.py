"""Nobody learns by looking for duplicates what she may not see (SEC-01, SEC-02, SEC-07).

The yardstick: when only values change that a person may not read, every answer she gets stays the
same to the byte, whatever she asks.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.platform.acting import acting, change_element, make, system
from tests.platform.world import Login
from trellis.duplicates.check import find_each
from trellis.duplicates.crowded import MOST_OF_KEY
from trellis.duplicates.scan import start_scan
from trellis.jobs.running_loop import drain_jobs
from trellis.records.delete import delete_record
from trellis.records.save import save_record
from trellis.runtime import Platform

PROBES = 24
NAMES = ("Li Wei", "Wei Li", "Zhang San", "Wang Fang", "李伟", "Ada Lovelace")
EMAILS = ("a@example.com", "b@example.com", "c@example.com", None)
PHONES = ("+8613800138000", "+8613800138001", None)
BIRTHDAYS = ("1990-01-02", "1990-01-03", None)


def contact(chance: random.Random) -> dict[str, object]:
    drawn = {"email": chance.choice(EMAILS), "phone": chance.choice(PHONES)}
    return {"name": chance.choice(NAMES), **{k: v for k, v in drawn.items() if v is not None}}


def lead(chance: random.Random) -> dict[str, object]:
    return {**contact(chance), "lead_source": "web"}


def block(body: dict[str, Any]) -> None:
    """Makes a rule block, of two records that agree in one thing only too."""
    body["crm"]["duplicates"][0].update(on_create="block", threshold=0.5)


def told(client: FlaskClient, object_name: str, probes: list[dict[str, object]]) -> list[bytes]:
    """Gives all that somebody is answered."""
    found = [client.get(f"/api/v1/{object_name}/duplicates").data]
    found += [client.post(f"/api/v1/{object_name}/duplicates", json=one).data for one in probes]
    for record in client.get(f"/api/v1/{object_name}?fields=id").get_json()["items"]:
        found.append(client.get(f"/api/v1/{object_name}/{record['id']}/duplicates").data)
    for one in probes[:4]:
        found.append(client.post(f"/o/{object_name}/duplicates/check", data=one).data)
    return found


def change(platform: Platform, object_name: str, ids: list[str], values: Mapping[str, Any]) -> None:
    with system(platform) as unit:
        for one in ids:
            save_record(unit, object_name, one, dict(values), channel="api")


def scanned(platform: Platform, object_name: str) -> None:
    with system(platform) as unit:
        start_scan(unit, object_name)
    drain_jobs(platform)


def test_sec_01_hidden_fields_count_for_nothing(platform: Platform, login: Login) -> None:
    """Sales people do not see birthdays, which the rule compares."""
    chance = random.Random(3)
    ids = [make(platform, "diana", "contact", **contact(chance)) for _ in range(12)]
    probes = [contact(chance) for _ in range(PROBES)]
    client, answers = login("rita"), []
    for birthday in BIRTHDAYS:
        change(platform, "contact", ids, {"birthday": birthday})
        scanned(platform, "contact")
        answers.append(told(client, "contact", probes))
    assert all(one == answers[0] for one in answers)
    assert any(b'"candidates":[{' in one for one in answers[0])
    assert b"birthday" not in b"".join(answers[0])
    hidden = client.post("/api/v1/contact/duplicates", json={"birthday": "1990-01-02"})
    unknown = client.post("/api/v1/contact/duplicates", json={"birthdax": "1990-01-02"})
    assert hidden.status_code == unknown.status_code == 422
    assert (
        hidden.get_json()["errors"][0]["code"]
        == unknown.get_json()["errors"][0]["code"]
        == "unknown_field"
    )


@pytest.mark.parametrize("blocks", [False, True], ids=["warns", "blocks"])
def test_sec_07_records_of_others_count_for_nothing(
    platform: Platform, login: Login, blocks: bool
) -> None:
    """Sales people see their own leads only: others' do not block and are not told."""
    if blocks:
        change_element(platform, "object", "lead", block)
    chance = random.Random(4)
    for _ in range(6):
        make(platform, "rita", "lead", **lead(chance))
    strange = [make(platform, "ron", "lead", **lead(chance)) for _ in range(6)]
    probes = [lead(chance) for _ in range(PROBES)]
    client, answers = login("rita"), []
    for values in (contact(chance) for _ in range(3)):
        theirs = {"email": None, "phone": None, **values}
        change(platform, "lead", strange, theirs)
        scanned(platform, "lead")
        answers.append(told(client, "lead", probes))
    assert all(one == answers[0] for one in answers)
    assert any(b'"candidates":[{' in one for one in answers[0])
    his = {"name": "Grace Hopper", "email": "grace@example.com", "lead_source": "web"}
    make(platform, "ron", "lead", **his)
    made = client.post("/api/v1/lead", json=his)
    assert made.status_code == 201
    assert "Trellis-Duplicates" not in made.headers


def test_sec_01_a_scan_counts_only_what_its_starter_reads(platform: Platform, login: Login) -> None:
    """Guessing what others' records hold, by scans of one's own, tells nothing."""
    his = make(platform, "ron", "lead", name="Ada", email="ada@example.com", lead_source="web")
    for name in ("Li Wei", "Wei Li"):
        make(platform, "rita", "lead", name=name, email="one@example.com", lead_source="web")
    told = [scan_of(platform, login("rita"))]
    for values in (
        {"email": "guess@example.com"},
        {"email": "one@example.com"},
        {"name": "Li Wei"},
    ):
        change(platform, "lead", [his], values)
        told.append(scan_of(platform, login("rita")))
    assert told == [(1, {"compared": 1, "new": 1}), *[(1, {"compared": 1, "new": 0})] * 3]
    assert scan_of(platform, login("diana")) == (3, {"compared": 3, "new": 2})


def test_sec_01_so_many_of_ones_own_tell_of_no_other(platform: Platform, login: Login) -> None:
    """A key that more than a hundred have says nothing: those out of sight do not count for it."""
    guess = {"name": "Ada", "email": "guess@example.com", "lead_source": "web"}
    for _ in range(MOST_OF_KEY):
        make(platform, "rita", "lead", **guess)
    asked = [guess, {**guess, "name": "Other"}]

    def heard() -> list[object]:
        single = login("rita").post("/api/v1/lead/duplicates", json=asked[0]).get_json()
        with acting(platform, "rita") as unit:
            lead = unit.catalog.objects["lead"]
            batch = find_each(unit, lead, asked, door="import", every=True)
        ids = [[one.id for found in each for one in found.candidates] for each in batch]
        return [single, ids, scan_of(platform, login("rita"))]

    before = heard()
    assert before[0]["items"]  # type: ignore[index]
    pairs = MOST_OF_KEY * (MOST_OF_KEY - 1) // 2
    assert before[2] == (pairs, {"compared": pairs, "new": pairs})
    for _ in range(3):
        make(platform, "ron", "lead", **guess)
    after = heard()
    assert after[:2] == before[:2]
    assert after[2] == (pairs, {"compared": pairs, "new": 0})
    # For who reads them all the key says nothing, and so it does with one more of one's own.
    assert scan_of(platform, login("diana")) == (0, {"compared": 0, "new": 0})
    make(platform, "rita", "lead", **guess)
    assert login("rita").post("/api/v1/lead/duplicates", json=guess).get_json() == {"items": []}


def test_sec_01_the_end_of_a_page_of_pairs_tells_of_no_others(
    platform: Platform, login: Login
) -> None:
    """However many pairs of others stand before one's own, and with none of one's own."""
    for place in range(8):
        for owner in ("ron", "ron", "rita") if place == 7 else ("ron", "ron"):
            email = f"n{place}@example.com"
            make(platform, owner, "lead", name=f"N {place}", email=email, lead_source="web")
    make(platform, "rita", "lead", name="N 7", email="n7@example.com", lead_source="web")
    scan_of(platform, login("diana"))
    address = "/api/v1/lead/duplicates?limit=1"
    hers = login("rita").get(address).get_json()
    assert (len(hers["items"]), hers["next"]) == (1, None)
    assert login("diana").get(address).get_json()["next"]
    remove = hers["items"][0]["records"][0]["id"]
    with system(platform) as unit:
        delete_record(unit, "lead", remove, channel="api")
    assert login("rita").get(address).get_json() == {"items": [], "next": None}


def scan_of(platform: Platform, client: FlaskClient) -> tuple[int, object]:
    """Gives what is told of a scan: how much was done, and its result."""
    address = "/api/v1/lead/duplicates/scan"
    job = client.post(address).get_json()["id"]
    drain_jobs(platform)
    ended = client.get(f"{address}/{job}").get_json()
    assert ended["state"] == "done"
    return ended["done"], ended["result"]


def test_only_a_rule_that_reveals_tells_that_somebody_has_it(
    platform: Platform, login: Login
) -> None:
    known = {"name": "Ada Lovelace", "email": "ada@example.com", "lead_source": "web"}
    make(platform, "ron", "lead", **known)
    client = login("rita")
    assert client.post("/api/v1/lead/duplicates", json=known).get_json() == {"items": []}

    def reveal(body: dict[str, Any]) -> None:
        body["crm"]["duplicates"][0].update(reveal=True, on_create="block")

    change_element(platform, "object", "lead", reveal)
    (finding,) = client.post("/api/v1/lead/duplicates", json=known).get_json()["items"]
    assert finding == {
        "rule": "same_person",
        "title": "The same person",
        "policy": "block",
        "message": "Somebody in the company may have such a record already (The same person)",
        "hidden": True,
        "candidates": [],
    }
    assert client.post("/api/v1/lead", json=known).status_code == 409


def test_pairs_are_for_who_reads_both_records(platform: Platform, login: Login) -> None:
    known = {"name": "Ada Lovelace", "email": "ada@example.com", "lead_source": "web"}
    mine, other = make(platform, "rita", "lead", **known), make(platform, "ron", "lead", **known)
    scanned(platform, "lead")
    (pair,) = login("diana").get("/api/v1/lead/duplicates").get_json()["items"]
    assert {one["id"] for one in pair["records"]} == {mine, other}
    client = login("rita")
    assert client.get("/api/v1/lead/duplicates").get_json() == {"items": [], "next": None}
    address = f"/api/v1/lead/duplicates/{pair['id']}"
    there, nowhere = (
        client.patch(one, json={"state": "dismissed"})
        for one in (address, "/api/v1/lead/duplicates/nothing")
    )
    assert (there.status_code, there.data) == (404, nowhere.data)
    assert client.get(f"/o/lead/merge?record={mine}&record={other}").status_code == 404
