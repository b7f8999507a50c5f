"""Files on decisions: who may send them, who reads them, and how long they stay."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.platform.acting import acting, system
from tests.platform.filing import fetch, uploaded
from tests.platform.pages import get, texts
from tests.platform.test_approval_people import act, quote_of, start
from tests.platform.world import Bearer, Login, People
from trellis.approvals import pending_for
from trellis.files.cleanup import clean
from trellis.records.delete import delete_record
from trellis.runtime import Platform

TEXT = b"The contract, as agreed."


@pytest.fixture
def quote(platform: Platform, people: People) -> str:
    """A quote of Rita's that Mark has to approve."""
    found = quote_of(platform)
    start(platform, found)
    return found


def status(client: FlaskClient, url: str) -> int:
    return int(fetch(client, url).status_code)


def decisions(client: FlaskClient, quote: str) -> list[dict[str, object]]:
    told = client.get(f"/api/v1/quote/{quote}/explain?what=approval").get_json()
    found: list[dict[str, object]] = told["approval"][0]["decisions"]
    return found


def asked(platform: Platform, who: str) -> bool:
    with acting(platform, who) as unit:
        return bool(pending_for(unit))


def test_sec07_who_reads_the_request_reads_its_files_and_nobody_else(
    platform: Platform, app: Flask, login: Login, bearer: Bearer, quote: str
) -> None:
    clients = {who: login(who) for who in ("rita", "ron", "mark", "diana")}
    api = app.test_client()
    why = {"reason": "He knows more", "to": "ron", "place": "after"}
    assert act(api, bearer("mark"), quote, "add_signer", **why) == (200, "open")
    file = uploaded(clients["mark"], TEXT, name="contract.txt")
    assert [status(one, file["url"]) for one in clients.values()] == [404, 404, 200, 404]
    assert not asked(platform, "ron")
    assert act(api, bearer("mark"), quote, "approve", files=[file["id"]]) == (200, "open")
    # Ron sees no quote of Rita's; he is asked now, and sees what comes with the request.
    assert clients["ron"].get(f"/api/v1/quote/{quote}").status_code == 404
    assert asked(platform, "ron")
    assert [status(one, file["url"]) for one in clients.values()] == [200] * 4
    page = get(clients["ron"], "/approvals")
    assert "contract.txt" in page.text_content()
    (kept,) = decisions(clients["rita"], quote)[0]["files"]  # type: ignore[misc]  # JSON
    assert kept == file
    assert act(api, bearer("ron"), quote, "approve") == (200, "approved")
    assert [status(one, file["url"]) for one in clients.values()] == [200, 404, 200, 200]
    record = get(clients["rita"], f"/o/quote/{quote}")
    assert "contract.txt" in record.text_content()
    with acting(platform, "diana") as unit:
        delete_record(unit, "quote", quote, channel="api")
    assert status(clients["rita"], file["url"]) == 404


def test_sec07_files_of_others_come_with_no_decision(
    platform: Platform, app: Flask, login: Login, bearer: Bearer, quote: str
) -> None:
    foreign = uploaded(login("ron"), TEXT)["id"]
    absent = "00000000-0000-4000-8000-000000000000"
    api = app.test_client()
    told = [act(api, bearer("mark"), quote, "approve", files=[one]) for one in (foreign, absent)]
    sentence = (
        "There is no file {} that you may use here; upload it first, and save within 24 hours"
    )
    assert told == [(422, sentence.format(one)) for one in (foreign, absent)]
    mine = login("mark")
    many = [uploaded(mine, TEXT)["id"] for _ in range(11)]
    assert act(api, bearer("mark"), quote, "approve", files=many) == (422, "At most 10 values")
    assert act(api, bearer("ron"), quote, "approve", files=[foreign])[0] == 404
    assert asked(platform, "mark")


def test_they_stay_as_long_as_the_request(
    platform: Platform, app: Flask, login: Login, bearer: Bearer, quote: str
) -> None:
    mark = login("mark")
    kept, left = uploaded(mark, TEXT), uploaded(mark, b"Something else")
    api = app.test_client()
    body = {"comment": "Too much", "files": [kept["id"], kept["id"]]}
    assert act(api, bearer("mark"), quote, "reject", **body)[0] == 200
    with system(platform) as unit:
        later = unit.moment.now + timedelta(days=3)
    assert clean(platform.database, platform.blobs, later).files == 1
    assert status(mark, kept["url"]) == 200
    assert status(mark, left["url"]) == 404


@pytest.mark.parametrize("place", ["inbox", "record"])
def test_they_come_with_the_form_and_outlive_a_refusal(
    platform: Platform, login: Login, quote: str, place: str
) -> None:
    mark = login("mark")
    with acting(platform, "mark") as unit:
        (pending,) = pending_for(unit)
    record = f"/o/quote/{quote}"
    address = f"/approvals/{pending.request.id}" if place == "inbox" else f"{record}/actions/decide"
    sent = {"verdict": "reject", "files": (io.BytesIO(TEXT), "minutes.txt")}
    refused = mark.post(address, data=sent, content_type="multipart/form-data")
    assert refused.status_code == 422
    page = refused.get_data(as_text=True)
    assert "minutes.txt" in page
    assert "A rejection needs a comment" in page
    empty = {"verdict": "reject", "files": (io.BytesIO(b""), "empty.txt")}
    assert "empty.txt" in mark.post(address, data=empty).get_data(as_text=True)
    key = page.split('name="file" value="')[1].split('"')[0]
    again = {"verdict": "reject", "comment": "No", "file": key}
    assert mark.post(address, data=again).status_code in (200, 302)
    (decision,) = decisions(mark, quote)
    (file,) = decision["files"]  # type: ignore[misc]  # JSON
    assert (file["id"], file["name"]) == (key, "minutes.txt")
    shown = texts(get(mark, record), "ol.steps a")
    assert shown == ["minutes.txt"]
