"""`Idempotency-Key`: what is sent again is answered again, and done once (IDEM-1 to IDEM-4)."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.platform.acting import database_hash, outbox_rows
from tests.platform.filing import add_folders
from tests.platform.test_api import LEAD, Client, call, created
from tests.platform.world import Bearer, Login
from trellis.app import create_app
from trellis.config import Settings
from trellis.kept_answers import KEPT, kept_answer, purge
from trellis.runtime import Platform, open_platform

__all__ = ["call"]

KEY = {"Idempotency-Key": "order-1"}


def leads(call: Client, username: str = "rita") -> int:
    return len(call(username, "GET", "lead").get_json()["items"])


def age(platform: Platform, by: timedelta) -> None:
    """Makes all answers that are kept so old."""
    with platform.database.write() as connection:
        connection.execute(sa.update(kept_answer).values(at=datetime.now(UTC) - by))


def test_idem_1_the_same_answer_also_after_a_restart(
    call: Client, platform: Platform, settings: Settings, bearer: Bearer
) -> None:
    first = call("rita", "POST", "lead", LEAD, KEY)
    again = call("rita", "POST", "lead", LEAD, KEY)
    restarted = open_platform(settings)
    app = create_app(settings, platform=restarted)
    headers = {**bearer("rita"), **KEY}
    later = app.test_client().post("/api/v1/lead", json=LEAD, headers=headers)
    for answer in (again, later):
        assert (answer.status_code, answer.get_data()) == (201, first.get_data())
        for name in ("ETag", "Location", "Content-Type"):
            assert answer.headers[name] == first.headers[name]
        assert answer.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert leads(call) == 1
    app.extensions["trellis_fab_engine"].dispose()
    restarted.close()


def test_idem_1_refusals_are_kept_too(call: Client) -> None:
    wrong = {**LEAD, "stage": "won"}
    first = call("rita", "POST", "lead", wrong, KEY)
    again = call("rita", "POST", "lead", wrong, KEY)
    assert (first.status_code, again.status_code) == (422, 422)
    assert again.get_data() == first.get_data()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.content_type == "application/problem+json"


def test_idem_2_another_body_is_refused(call: Client) -> None:
    call("rita", "POST", "lead", LEAD, KEY)
    other = call("rita", "POST", "lead", {**LEAD, "name": "Other"}, KEY)
    queried = call("rita", "POST", "lead?x=1", LEAD, KEY)
    for answer in (other, queried):
        (error,) = answer.get_json()["errors"]
        assert (answer.status_code, error["path"]) == (422, "Idempotency-Key")
        assert error["message"] == "This Idempotency-Key stood for another request; take a new one"
    assert leads(call) == 1


def test_idem_3_of_a_hundred_at_once_one_is_done(
    app: Flask, bearer: Bearer, platform: Platform
) -> None:
    headers = {**bearer("rita"), **KEY}

    def post(_number: int) -> tuple[int, bytes]:
        answer = app.test_client().post("/api/v1/lead", json=LEAD, headers=headers)
        return answer.status_code, answer.get_data()

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(post, range(100)))
    assert {status for status, _ in answers} <= {201, 409}
    assert len({body for status, body in answers if status == 201}) == 1
    made = app.test_client().get("/api/v1/lead", headers=headers).get_json()["items"]
    assert len(made) == 1


@pytest.mark.on("postgresql")
def test_idem_3_a_key_that_is_being_worked_on(call: Client, platform: Platform) -> None:
    """On SQLite whoever writes is alone, and the second one waits."""
    call("rita", "POST", "lead", LEAD, KEY)
    with platform.database.read() as reader:
        scope = reader.execute(sa.select(kept_answer.c.scope)).scalar_one()
    with platform.database.write() as connection:
        connection.execute(sa.delete(kept_answer))
    with platform.database.read() as other:
        number = int(scope[:16], 16) - (1 << 63)
        other.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))
        answer = call("rita", "POST", "lead", LEAD, KEY)
    assert answer.status_code == 409
    assert answer.get_json()["detail"] == (
        "A request with this Idempotency-Key is being worked on; ask again in a moment"
    )
    assert call("rita", "POST", "lead", LEAD, KEY).status_code == 201


def test_idem_4_kept_for_a_day_for_one_caller_and_address(call: Client, platform: Platform) -> None:
    call("rita", "POST", "lead", LEAD, KEY)
    assert call("ron", "POST", "lead", LEAD, KEY).status_code == 201
    assert call("rita", "POST", "account", {"name": "Acme"}, KEY).status_code == 201
    assert purge(platform.database) == 0
    age(platform, timedelta(hours=24))
    assert purge(platform.database) == 0
    assert call("rita", "POST", "lead", LEAD, KEY).headers["Idempotency-Replayed"] == "true"
    age(platform, KEPT + timedelta(seconds=1))
    assert purge(platform.database) == 3
    assert call("rita", "POST", "lead", LEAD, KEY).status_code == 201
    assert leads(call) == 2


def test_changes_deletions_and_actions_are_done_once(call: Client) -> None:
    record = created(call, "diana", "lead", **LEAD)
    address, tag = f"lead/{record['id']}", {"If-Match": f'"{record["id"]}:1"', **KEY}
    for method, path, body in (
        ("PATCH", address, {"title": "CEO"}),
        ("POST", f"{address}/actions/assign", {"to": "rita"}),
        ("DELETE", address, None),
    ):
        headers = tag if method == "PATCH" else {**KEY, "If-Match": "*"}
        first = call("diana", method, path, body, headers)
        again = call("diana", method, path, body, headers)
        assert first.status_code in {200, 204}, first.get_data(as_text=True)
        assert (again.status_code, again.get_data()) == (first.status_code, first.get_data())
    history = call("diana", "POST", f"{address}/restore")
    assert history.get_json()["version"] == 5


class BrokenError(Exception):
    """What breaks a request off."""


def test_what_breaks_off_leaves_neither_effect_nor_answer(
    call: Client, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    call("rita", "GET", "lead")
    before = database_hash(platform)

    def broken(*_arguments: object) -> None:
        raise BrokenError

    with monkeypatch.context() as patch:
        patch.setattr("trellis.api.idempotency.keep", broken)
        assert call("rita", "POST", "lead", LEAD, KEY).status_code == 500
    assert database_hash(platform) == before
    assert outbox_rows(platform) == []
    assert call("rita", "POST", "lead", LEAD, KEY).status_code == 201


def test_conflicts_are_not_kept(call: Client) -> None:
    account = created(call, "rita", "account", name="Acme")["id"]
    quote = created(call, "rita", "quote", name="Q", account=account, amount=8, discount="0.25")
    address = f"quote/{quote['id']}/actions"
    assert call("rita", "POST", f"{address}/recall", None, KEY).status_code == 409
    call("rita", "POST", f"{address}/submit")
    assert call("rita", "POST", f"{address}/recall", None, KEY).status_code == 200


@pytest.mark.parametrize("key", ["", "x" * 256, "schlüssel"])
def test_keys_that_are_none(call: Client, key: str) -> None:
    answer = call("rita", "POST", "lead", LEAD, {"Idempotency-Key": key})
    assert (answer.status_code, answer.get_json()["errors"][0]["code"]) == (422, "idempotency_key")


def test_kept_answers_are_sealed(call: Client, platform: Platform) -> None:
    add_folders(platform)
    body = {"name": "One", "id_number": "CANARY-1"}
    assert call("rita", "POST", "folder", body, KEY).get_json()["id_number"] == "CANARY-1"
    with platform.database.read() as connection:
        rows = [dict(row) for row in connection.execute(sa.select(kept_answer)).mappings()]
    assert len(rows) == 1
    assert "CANARY" not in json.dumps(rows, default=str)


def test_uploads_and_browsers_have_keys_too(login: Login) -> None:
    client = login("rita")

    def send(content: bytes) -> Any:
        data: dict[str, Any] = {"file": (io.BytesIO(content), "a.txt", "text/plain")}
        return client.post("/api/v1/files", data=data, headers=KEY)

    first, again, other = send(b"one"), send(b"one"), send(b"two")
    assert (first.status_code, again.get_data()) == (201, first.get_data())
    assert other.status_code == 422
