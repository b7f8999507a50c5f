"""What is said with a decision has one limit behind every door, and a reason can be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from rule_engine.services.approval_speaker import MAX_COMMENT
from tests.platform.acting import system
from tests.platform.test_approval_people import quote_of, start
from tests.platform.world import Bearer, Login, People
from trellis.approvals import of_record
from trellis.mail.decisions import DECISIONS, decision_token
from trellis.runtime import Platform

Say = Callable[[str, str], TestResponse]
"""Decides with a verdict and a comment."""


@pytest.fixture
def quote(platform: Platform, people: People) -> str:
    return quote_of(platform, "Q")


@pytest.fixture
def doors(
    platform: Platform, people: People, app: Flask, login: Login, bearer: Bearer, quote: str
) -> dict[str, Say]:
    """The ways in which Mark may decide on a request."""
    request = start(platform, quote)
    client, stranger, mark = login("mark"), app.test_client(), bearer("mark")
    link = decision_token(platform.settings.secret_key, request, people["mark"])
    api = app.test_client()

    def by_form(address: str, sender: Any, **more: str) -> Say:
        return lambda verdict, comment: sender.post(
            address, data={"verdict": verdict, "comment": comment, **more}
        )

    return {
        "inbox": by_form(f"/approvals/{request}", client),
        "record": by_form(f"/o/quote/{quote}/actions/decide", client),
        "many": by_form("/approvals/decide", client, request=f"{request}:1"),
        "letter": by_form(f"{DECISIONS}/{link}", stranger, revision="1"),
        "action": lambda verdict, comment: api.post(
            f"/api/v1/quote/{quote}/actions/{verdict}", json={"comment": comment}, headers=mark
        ),
        "many by API": lambda verdict, comment: api.post(
            "/api/v1/approvals/decide",
            json={"verdict": verdict, "comment": comment, "requests": [{"id": request}]},
            headers=mark,
        ),
    }


DOORS = ("inbox", "record", "many", "letter", "action", "many by API")
ANSWERS = {"many": 302, "many by API": 200}


def said(platform: Platform, quote: str) -> list[str]:
    with system(platform) as unit:
        (found,) = of_record(unit, "quote", quote)
    return [one.comment for one in found.state.decisions]


@pytest.mark.parametrize("door", DOORS)
def test_a_comment_is_kept_up_to_the_limit_and_no_longer(
    platform: Platform, quote: str, doors: dict[str, Say], door: str
) -> None:
    assert set(doors) == set(DOORS)
    refused = doors[door]("approve", "x" * (MAX_COMMENT + 1))
    assert refused.status_code == (302 if door == "many" else 422)
    assert said(platform, quote) == []
    if "API" in door or door == "action":
        (error,) = refused.get_json()["errors"]
        assert (error["path"], error["code"]) == ("/comment", "max_length")
    elif door != "many":
        assert "At most 4000 characters; here are 4001" in refused.get_data(as_text=True)
    assert doors[door]("approve", "x" * MAX_COMMENT).status_code in (200, 302)
    assert said(platform, quote) == ["x" * MAX_COMMENT]


@pytest.mark.parametrize("door", DOORS)
def test_a_reason_that_nobody_can_read_is_none(
    platform: Platform, quote: str, doors: dict[str, Say], door: str
) -> None:
    assert doors[door]("reject", "\u200b").status_code == ANSWERS.get(door, 422)
    assert said(platform, quote) == []
    assert doors[door]("reject", "\u200bToo much").status_code in (200, 302)
    assert len(said(platform, quote)) == 1
