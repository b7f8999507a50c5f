"""Deciding by the link in a letter: as the user who was asked, once, and only while she is."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import TimestampSigner

from tests.platform.acting import acting, database_hash, restrict_field, system
from tests.platform.pages import read, texts, value
from tests.platform.test_approvals import quote_with
from tests.platform.world import People
from trellis.approvals import Request, decide, of_record, submit
from trellis.automation.outbox import outbox
from trellis.config import Settings
from trellis.mail.decisions import DAYS, DECISIONS, decision_token
from trellis.mail.letters import write_letter
from trellis.mail.recipients import recipient_of
from trellis.records.save import save_record
from trellis.runtime import Platform

BOSS = "diana"


@pytest.fixture
def asked(platform: Platform, people: People) -> Request:
    """A request of Rita's for a discount that waits."""
    quote = quote_with(platform, discount="0.35")
    with acting(platform, "rita") as unit:
        return submit(unit, "quote", quote)


@pytest.fixture
def stranger(app: Flask) -> FlaskClient:
    """A browser in which nobody is logged in."""
    return app.test_client()


def first_asked(platform: Platform, asked: Request) -> str:
    return next(iter(asked.state.approvers))


def address(settings: Settings, asked: Request, user_id: str) -> str:
    return f"{DECISIONS}/{decision_token(settings.secret_key, asked.id, user_id)}"


def now(platform: Platform, asked: Request) -> Request:
    with acting(platform, "admin") as unit:
        return next(one for one in of_record(unit, "quote", asked.record_id) if one.id == asked.id)


def test_the_letter_leads_there_and_a_click_decides(
    platform: Platform, asked: Request, stranger: FlaskClient
) -> None:
    who = first_asked(platform, asked)
    with system(platform) as unit:
        row = unit.connection.execute(sa.select(outbox)).mappings().first()
        assert row is not None
        message = {
            **{"id": "1", "user_id": who, "kind": "approval_waiting", "title": ""},
            **{"values": row["payload"]["values"], "object": "quote"},
            **{"record_id": asked.record_id, "created_at": unit.moment.now},
        }
        here = replace(
            platform.settings, mail_from="crm@trellis.example", public_url="https://crm.example"
        )
        letter = write_letter(here, message, recipient_of(platform, unit, message))
    text = str(letter.get_content())
    link = next(
        line for line in text.splitlines() if line.startswith("Decide here, without logging in:")
    )
    path = link.rpartition("https://crm.example")[2].strip()
    before = database_hash(platform)
    page = read(stranger.get(path))
    assert texts(page, "h1") == ["Q"]
    assert database_hash(platform) == before, "opening it decides nothing"
    sent = {
        "verdict": "approve",
        "comment": "fine",
        "revision": value(page, "input[name=revision]"),
    }
    assert texts(read(stranger.post(path, data=sent)), "h1") == ["Approved"]
    after = now(platform, asked)
    assert after.revision == asked.revision + 1
    # A second click comes too late: the next step is not hers.
    again = stranger.post(path, data=sent)
    assert (again.status_code, now(platform, asked).revision) == (409, after.revision)
    assert "does not wait for you" in again.get_data(as_text=True)


def test_a_rejection_needs_its_comment(
    platform: Platform, asked: Request, stranger: FlaskClient, settings: Settings
) -> None:
    path = address(settings, asked, first_asked(platform, asked))
    sent = {"verdict": "reject", "revision": str(asked.revision)}
    refused = stranger.post(path, data=sent)
    assert (refused.status_code, now(platform, asked).status) == (422, "open")
    assert stranger.post(path, data={**sent, "comment": "too much"}).status_code == 200
    assert now(platform, asked).revision > asked.revision


def test_what_was_not_seen_is_not_decided(
    platform: Platform, asked: Request, stranger: FlaskClient, settings: Settings
) -> None:
    path = address(settings, asked, first_asked(platform, asked))
    late = {"verdict": "approve", "revision": str(asked.revision + 1)}
    assert stranger.post(path, data=late).status_code == 409
    for wrong in ({}, {"verdict": "sell", "revision": "1"}, {"verdict": "approve"}):
        assert stranger.post(path, data=wrong).status_code == 400
    assert now(platform, asked) == asked


def test_a_link_is_good_for_its_user_for_its_time(
    platform: Platform,
    people: People,
    asked: Request,
    stranger: FlaskClient,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    who = first_asked(platform, asked)
    path = address(settings, asked, who)
    assert stranger.get(path[:-2] + "xx").status_code == 404
    sent = {"verdict": "approve", "revision": str(asked.revision)}
    # Rita was never asked: her link shows nothing and decides nothing.
    hers = address(settings, asked, people["rita"])
    assert "does not wait for you" in stranger.get(hers).get_data(as_text=True)
    assert stranger.post(hers, data=sent).status_code == 409
    with system(platform) as unit:
        save_record(unit, "user", who, {"active": False}, channel="api")
    assert stranger.get(path).status_code == 404
    assert stranger.post(path, data=sent).status_code in {403, 404}
    with system(platform) as unit:
        save_record(unit, "user", who, {"active": True}, channel="api")
    assert stranger.get(path).status_code == 200
    stamp = TimestampSigner.get_timestamp
    monkeypatch.setattr(
        TimestampSigner, "get_timestamp", lambda self: stamp(self) + DAYS * 86_400 + 1
    )
    assert stranger.get(path).status_code == 404
    assert stranger.post(path, data=sent).status_code == 404
    assert now(platform, asked) == asked


def test_the_page_shows_only_what_its_user_may_read(
    platform: Platform, people: People, asked: Request, stranger: FlaskClient, settings: Settings
) -> None:
    who = first_asked(platform, asked)
    names = {key: name for name, key in people.ids.items()}
    path = address(settings, asked, who)
    shown = stranger.get(path).get_data(as_text=True)
    assert "<dt>Discount</dt>" in shown
    with acting(platform, "admin") as unit:
        role = str(unit.records().get("user", who, ["roles"])["roles"])  # type: ignore[index]  # is there
    restrict_field(platform, role.split(",")[0].strip(), "quote", "discount", "hidden")
    assert names[who]
    assert "<dt>Discount</dt>" not in stranger.get(path).get_data(as_text=True)


def test_who_decided_meanwhile_is_told(
    platform: Platform, asked: Request, stranger: FlaskClient, settings: Settings
) -> None:
    who = first_asked(platform, asked)
    with system(platform) as unit:
        username = str(unit.records().get("user", who, ["username"])["username"])  # type: ignore[index]  # is there
    with acting(platform, username) as unit:
        decide(unit, asked.id, "approve")
    page = stranger.get(address(settings, asked, who)).get_data(as_text=True)
    assert "does not wait for you" in page
