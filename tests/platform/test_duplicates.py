"""Duplicates through the platform: keys that follow every write, checks, scans."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import sqlalchemy as sa

from metadata.access import SYSTEM
from tests.platform.acting import acting, change_element
from tests.platform.world import Login
from trellis.duplicates.check import find_duplicates
from trellis.duplicates.filling import ask_for_keys, is_filled
from trellis.duplicates.index import rows_of
from trellis.duplicates.pairs import list_pairs
from trellis.duplicates.scan import start_scan
from trellis.duplicates.tables import duplicate_key
from trellis.jobs.running_loop import drain_jobs
from trellis.records.delete import delete_record, restore_record
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.unit import Unit
from trellis.work import unit_for, writing_as

LI = {"name": "Li Wei", "email": "li.wei@example.com", "phone": "+8613800138000"}


def save(unit: Unit, values: Mapping[str, object], record_id: str | None = None) -> str:
    return save_record(unit, "contact", record_id, dict(values), channel="api").id


def stored_keys(unit: Unit) -> set[tuple[str, str, int]]:
    here = duplicate_key.c
    definition = unit.catalog.objects["contact"]
    query = sa.select(here.record, here.rule, here.key).where(here.object == definition.id)
    return {(record, rule, key) for record, rule, key in unit.connection.execute(query)}


def wanted_keys(unit: Unit) -> set[tuple[str, str, int]]:
    definition = unit.catalog.objects["contact"]
    page = unit.records().list("contact", limit=200)
    return {
        (str(record["id"]), *row)
        for record in page.items
        for row in rows_of(unit.connection, definition, record)
    }


def test_keys_follow_every_write(platform: Platform) -> None:
    with writing_as(platform, SYSTEM) as unit:
        one = save(unit, LI)
        other = save(unit, {"name": "Wei Li", "phone": "13800138000"})
        assert stored_keys(unit) == wanted_keys(unit) != set()
        save(unit, {"email": "wei@example.com", "phone": None}, one)
        assert stored_keys(unit) == wanted_keys(unit)
        delete_record(unit, "contact", other, channel="api")
        assert stored_keys(unit) == wanted_keys(unit)
        assert {record for record, _, _ in stored_keys(unit)} == {one}
        restore_record(unit, "contact", other, channel="api")
        assert stored_keys(unit) == wanted_keys(unit)
        assert {record for record, _, _ in stored_keys(unit)} == {one, other}


def test_keys_are_made_anew_when_the_rules_are_others(platform: Platform) -> None:
    with writing_as(platform, SYSTEM) as unit:
        save(unit, LI)
        kept = stored_keys(unit)
        unit.connection.execute(sa.delete(duplicate_key))
    assert set(ask_for_keys(platform)) == {"account", "contact", "lead"}
    assert ask_for_keys(platform) == []
    drain_jobs(platform)
    with writing_as(platform, SYSTEM) as unit:
        assert stored_keys(unit) == kept
        assert is_filled(unit.connection, unit.catalog.objects["contact"])
    assert ask_for_keys(platform) == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"name": "Wei Li", "phone": "138 0013 8000"}, True),
        ({"email": "LI.WEI@Example.COM"}, True),
        ({"name": "李伟", "email": "li.wei+news@example.com"}, True),
        ({"name": "Li Wei"}, False),
        ({"name": "Zhang San", "phone": "+8613800138000"}, False),
        ({}, False),
    ],
    ids=["turned round, phone", "email in capitals", "tag in email", "name", "phone", "nothing"],
)
def test_check(platform: Platform, values: dict[str, object], expected: bool) -> None:
    with writing_as(platform, SYSTEM) as unit:
        known = save(unit, LI)
        found = find_duplicates(unit, unit.catalog.objects["contact"], values)
        ids = [one.id for finding in found for one in finding.candidates]
        assert ids == ([known] if expected else [])


def test_scan_finds_pairs_once(platform: Platform) -> None:
    with writing_as(platform, SYSTEM) as unit:
        ids = [save(unit, {**LI, "name": name}) for name in ("Li Wei", "Wei Li", "LI WEI")]
        save(unit, {"name": "Somebody Else", "phone": "+8613800138001"})
        start_scan(unit, "contact")
    drain_jobs(platform)
    with platform.database.read() as connection:
        unit = unit_for(platform, connection, platform.catalogs.current(connection), SYSTEM)
        pairs, following = list_pairs(unit, "contact")
        found = {frozenset((pair.first["id"], pair.second["id"])) for pair in pairs}
        assert found == {frozenset(ids[:2]), frozenset(ids[1:]), frozenset((ids[0], ids[2]))}
        assert following is None
        first, after = list_pairs(unit, "contact", limit=2)
        second, end = list_pairs(unit, "contact", limit=2, after=after)
        assert [pair.id for pair in (*first, *second)] == [pair.id for pair in pairs]
        assert end is None


def test_api_warns_blocks_and_tells_where(platform: Platform, login: Login) -> None:
    client = login("diana")
    known = client.post("/api/v1/contact", json=LI)
    assert "Trellis-Duplicates" not in known.headers
    again = client.post("/api/v1/contact", json={**LI, "name": "Wei Li"})
    assert again.status_code == 201
    assert again.headers["Trellis-Duplicates"] == known.get_json()["id"]
    change_element(platform, "object", "contact", set_rule(on_create="block"))
    refused = client.post("/api/v1/contact", json={**LI, "name": "LI, Wei"})
    assert refused.status_code == 409
    assert refused.get_json()["errors"] == [
        {
            "path": "",
            "code": "duplicate",
            "message": "There may be such a record already (The same person); look at the ones "
            "named first",
        }
    ]
    found = refused.get_json()["duplicates"][0]
    assert [one["id"] for one in found["candidates"]] == [
        known.get_json()["id"],
        again.get_json()["id"],
    ]
    assert client.get("/api/v1/contact?count=exact").get_json()["count"] == 2
    bulk = client.post(
        "/api/v1/contact/bulk?mode=each",
        json=[{"op": "create", "data": LI}, {"op": "create", "data": {"name": "Somebody Else"}}],
    )
    assert [one["status"] for one in bulk.get_json()["results"]] == [409, 201]


def set_rule(**values: object) -> Callable[[dict[str, Any]], None]:
    def change(body: dict[str, Any]) -> None:
        body["crm"]["duplicates"][0].update(values)

    return change


def test_api_of_pairs_scan_and_merge(platform: Platform, login: Login) -> None:
    client = login("diana")
    ids = [client.post("/api/v1/contact", json=LI).get_json()["id"] for _ in range(2)]
    started = client.post("/api/v1/contact/duplicates/scan")
    assert (started.status_code, started.get_json()["state"]) == (202, "waiting")
    drain_jobs(platform)
    progress = client.get(f"/api/v1/contact/duplicates/scan/{started.get_json()['id']}").get_json()
    assert (progress["state"], progress["result"]) == ("done", {"compared": 1, "new": 1})
    (pair,) = client.get("/api/v1/contact/duplicates").get_json()["items"]
    assert {one["id"] for one in pair["records"]} == set(ids)
    address = f"/api/v1/contact/duplicates/{pair['id']}"
    assert client.patch(address, json={"state": "dismissed"}).get_json()["state"] == "dismissed"
    assert client.get("/api/v1/contact/duplicates").get_json()["items"] == []
    done = client.post(f"/api/v1/contact/{ids[0]}/actions/merge", json={"records": [ids[1]]})
    assert (done.status_code, done.get_json()["merged"]) == (200, [ids[1]])
    moved = client.get(f"/api/v1/contact/{ids[1]}?fields=name")
    assert (moved.status_code, moved.headers["Location"]) == (
        308,
        f"/api/v1/contact/{ids[0]}?fields=name",
    )
    assert client.get(f"/o/contact/{ids[1]}").headers["Location"] == f"/o/contact/{ids[0]}"
    back = client.post(f"/api/v1/contact/{ids[0]}/actions/unmerge").get_json()
    assert (back["restored"], back["kept"]) == ([ids[1]], [])
    assert client.get(f"/api/v1/contact/{ids[1]}").status_code == 200


def test_pages(platform: Platform, login: Login) -> None:
    client = login("diana")
    ids = [client.post("/api/v1/contact", json=LI).get_json()["id"] for _ in range(2)]
    refused = client.post("/o/contact/new", data=LI)
    assert refused.status_code == 422
    assert "It is another one: save it all the same" in refused.text
    assert f"/o/contact/{ids[0]}" in refused.text
    saved = client.post("/o/contact/new", data={**LI, "accept-duplicates": "1"})
    assert saved.status_code == 302
    typed = client.post("/o/contact/duplicates/check", data=LI).text
    assert f"/o/contact/{ids[0]}" in typed
    with acting(platform, "diana") as unit:
        start_scan(unit, "contact")
    drain_jobs(platform)
    assert client.get("/o/contact/duplicates").text.count('class="request"') == 3
    query = "&".join(f"record={one}" for one in ids)
    assert client.get(f"/o/contact/merge?{query}").status_code == 200
    merged = client.post(
        "/o/contact/merge", data={"record": ids, "survivor": ids[1], "value-name": ids[0]}
    )
    assert merged.headers["Location"] == f"/o/contact/{ids[1]}"
    assert "Take back" in client.get(f"/o/contact/{ids[1]}/duplicates").text
    client.post(f"/o/contact/{ids[1]}/unmerge")
    assert client.get(f"/o/contact/{ids[0]}").status_code == 200
