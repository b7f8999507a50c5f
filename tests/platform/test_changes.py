"""The change feed: every change once, in the order of commits, and only what its reader may see."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.platform.acting import acting, change_element, make
from tests.platform.world import Bearer, People
from trellis.audit.sequencer import sequence
from trellis.records import changes
from trellis.records.assign import assign_record
from trellis.records.changes import changes_after
from trellis.records.delete import delete_record, restore_record
from trellis.records.history import record_history
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.unit import Unit
from trellis.work import unit_for

Ask = Callable[..., dict[str, Any]]

WRITERS, WRITES = 3, 8


@pytest.fixture
def ask(app: Flask, bearer: Bearer, platform: Platform) -> Ask:
    """Asks for changes as somebody, with everything numbered before."""
    known: dict[str, Mapping[str, str]] = {}

    def get(username: str, status: int = 200, **parameters: object) -> dict[str, Any]:
        headers = known.setdefault(username, bearer(username))
        sequence(platform.database)
        client = app.test_client()
        answer = client.get("/api/v1/changes", query_string=parameters, headers=headers)
        assert answer.status_code == status, answer.get_data(as_text=True)
        found: dict[str, Any] = answer.get_json()
        return found

    return get


def lead_of(platform: Platform, username: str = "rita", **values: object) -> str:
    return make(platform, username, "lead", **{"name": "Li", "lead_source": "web", **values})


def save(platform: Platform, username: str, object_name: str, key: str, **values: object) -> None:
    with acting(platform, username) as unit:
        save_record(unit, object_name, key, values, channel="api")


def told(answer: Mapping[str, Any]) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(one["id"], one["op"], tuple(one["fields"])) for one in answer["items"]]


def test_the_feed_tells_what_happened(platform: Platform, ask: Ask) -> None:
    start = ask("rita", after="latest")
    assert start["items"] == []
    lead = lead_of(platform, email="li@acme.cn")
    save(platform, "rita", "lead", lead, title="Boss")
    with acting(platform, "diana") as unit:
        delete_record(unit, "lead", lead, channel="api")
        restore_record(unit, "lead", lead, channel="api")
    answer = ask("rita", after=start["next"])
    assert [(key, op) for key, op, _ in told(answer)] == [
        (lead, "create"), (lead, "update"), (lead, "delete"), (lead, "restore")
    ]  # fmt: skip
    assert {"name", "email", "lead_source"} <= set(answer["items"][0]["fields"])
    assert [fields for _, _, fields in told(answer)[1:]] == [("title",), (), ()]
    assert answer["items"][0].keys() == {"sequence", "object", "id", "op", "at", "fields"}


@pytest.mark.parametrize("whole", [False, True], ids=["a field", "an object"])
def test_what_is_not_tracked_is_not_told(
    platform: Platform, people: People, ask: Ask, whole: bool
) -> None:
    """As docs/api.md says at the feed, and docs/keywords.md at `track`."""

    def untrack(body: dict[str, Any]) -> None:
        if whole:
            body["crm"]["track"] = "none"
        else:
            body["properties"]["title"].setdefault("crm", {})["track"] = False

    change_element(platform, "object", "lead", untrack)
    start = ask("diana", after="latest")
    lead = lead_of(platform, title="Clerk")
    save(platform, "rita", "lead", lead, title="Boss")
    save(platform, "rita", "lead", lead, title="Chief", email="li@acme.cn")
    with acting(platform, "diana") as unit:
        assign_record(unit, "lead", lead, people["ron"], channel="api")
        delete_record(unit, "lead", lead, channel="api")
    found = told(ask("diana", after=start["next"]))
    ops = [op for _, op, _ in found]
    assert ops == ["create", *([] if whole else ["update"]), "update", "delete"]
    assert all("title" not in fields for _, _, fields in found)
    assert "owner" in found[-2][2]
    assert ("name" in found[0][2]) is not whole
    assert whole or "email" in found[1][2]


def test_pages_follow_each_other_to_the_end(platform: Platform, ask: Ask) -> None:
    lead = lead_of(platform)
    for turn in range(5):
        save(platform, "rita", "lead", lead, title=f"T{turn}")
    seen: list[int] = []
    after: dict[str, object] = {}
    while (answer := ask("rita", object="lead", limit=2, **after))["items"]:
        assert len(answer["items"]) <= 2
        seen += [one["sequence"] for one in answer["items"]]
        after = {"after": answer["next"]}
    assert seen == sorted(set(seen))
    assert len(seen) == 6
    assert answer["next"] == after["after"]


def test_nobody_hears_of_what_she_may_not_see(platform: Platform, ask: Ask) -> None:
    """Records out of reach, hidden fields, and how often either changed."""
    contact = make(platform, "diana", "contact", name="Wang", birthday="1990-01-01")
    start = ask("rita")
    quiet = ask("rita", after="latest")
    save(platform, "diana", "contact", contact, birthday="1991-01-01")
    mine = lead_of(platform, "mark")
    assert ask("rita", after=start["next"]) == {"items": [], "next": start["next"]}
    assert ask("rita", after=quiet["next"]) == {"items": [], "next": quiet["next"]}
    assert mine not in {key for key, _, _ in told(ask("ron"))}
    assert [fields for _, _, fields in told(ask("diana", after="latest"))] == []
    first = next(one for one in ask("rita")["items"] if one["id"] == contact)
    assert "birthday" not in first["fields"]


def test_what_follows_many_hidden_changes_is_reached(
    platform: Platform, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "SCANNED", 4)
    monkeypatch.setattr(changes, "BATCH", 2)
    hidden = lead_of(platform, "diana")
    start = ask("ron")
    for turn in range(9):
        save(platform, "diana", "lead", hidden, title=f"T{turn}")
    mine = lead_of(platform, "ron")
    after, found = start["next"], []
    for _ in range(5):
        answer = ask("ron", after=after)
        found += told(answer)
        after = answer["next"]
    assert [key for key, _, _ in found] == [mine]


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"limit": 201}, "bad_limit"),
        ({"limit": 0}, "bad_limit"),
        ({"after": "7"}, "bad_cursor"),
        ({"after": "x" * 5000}, "bad_cursor"),
        ({"objects": "lead"}, "unknown_parameter"),
    ],
)
def test_wrong_questions_are_refused(ask: Ask, parameters: dict[str, object], code: str) -> None:
    answer = ask("rita", 422, **parameters)
    assert [(one["path"], one["code"]) for one in answer["errors"]] == [(*parameters, code)]


def test_a_cursor_is_its_owners_and_for_its_question(platform: Platform, ask: Ask) -> None:
    cursor = ask("rita", object="lead")["next"]
    for username, parameters in (("ron", {"object": "lead"}), ("rita", {})):
        answer = ask(username, 422, after=cursor, **parameters)
        assert [one["code"] for one in answer["errors"]] == ["bad_cursor"]


def test_a_hidden_object_is_an_unknown_one(ask: Ask) -> None:
    answers = [ask("fay", 422, object=name) for name in ("lead", "lexd")]
    texts = [str(one).replace("lexd", "lead") for one in answers]
    assert texts[0] == texts[1]


@contextmanager
def looking(platform: Platform, username: str) -> Iterator[Unit]:
    """Gives a user a unit of work that reads and locks nothing."""
    with platform.database.read() as connection:
        snapshot = platform.catalogs.snapshot(connection)
        users = snapshot.catalog.tables["user"]
        account = sa.select(users.c.account).where(users.c.username == username)
        number = connection.execute(account).scalar_one()
        principal = platform.accounts.principal_for(connection, snapshot, number)
        assert principal is not None
        yield unit_for(platform, connection, snapshot.catalog, principal)


def test_concurrent_writers_are_told_once_each(platform: Platform, people: People) -> None:
    """Whoever reads on while others write and two sequencers number sees every write once."""
    done, failed = threading.Event(), []

    def guarded(work: Callable[[], None]) -> threading.Thread:
        def run() -> None:
            try:
                work()
            except Exception as error:  # shown below: a thread's own fault is silent
                failed.append(error)

        return threading.Thread(target=run)

    def write() -> None:
        lead = lead_of(platform)
        for turn in range(WRITES - 1):
            save(platform, "rita", "lead", lead, title=f"T{turn}")

    def number() -> None:
        while not done.is_set():
            sequence(platform.database)

    seen: list[int] = []

    def read_on() -> None:
        after, ended = 0, False
        while not ended:
            was_done = done.is_set()
            with looking(platform, "rita") as unit:
                found, after = changes_after(unit, after, object_name="lead", limit=5)
            seen.extend(one.sequence for one in found)
            ended = was_done and not found

    with platform.database.read() as connection:
        count = sa.select(sa.func.count()).select_from(record_history)
        before = connection.execute(count).scalar_one()
    writers = [guarded(write) for _ in range(WRITERS)]
    others = [guarded(number), guarded(number), guarded(read_on)]
    for thread in (*writers, *others):
        thread.start()
    for thread in writers:
        thread.join()
    sequence(platform.database)
    done.set()
    for thread in others:
        thread.join()
    assert failed == []
    with platform.database.read() as connection:
        after = connection.execute(count).scalar_one()
    assert after - before == WRITERS * WRITES
    assert seen == sorted(set(seen))
    assert len(seen) == WRITERS * WRITES
