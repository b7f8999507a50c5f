"""Amounts in other currencies on pages, and who enters rates."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.platform.acting import make
from tests.platform.pages import get, select, text
from tests.platform.world import Bearer, Login
from trellis.runtime import Platform

RATE = {"currency": "USD", "date": "2026-01-01", "rate": "7.2"}


@pytest.fixture
def deal(platform: Platform, app: Flask, bearer: Bearer) -> str:
    """The id of rita's opportunity in dollars."""
    client = app.test_client()
    answer = client.post("/api/v1/exchange_rate", json=RATE, headers=bearer("admin"))
    assert answer.status_code == 201
    account = make(platform, "rita", "account", name="Acme")
    values = {"name": "D", "account": account, "stage": "proposal", "close_date": "2026-12-01"}
    amount = {"amount": "100.50", "currency": "USD"}
    return make(platform, "rita", "opportunity", **values, amount=amount)


def test_pages_say_what_an_amount_is_worth(deal: str, login: Login) -> None:
    client = login("rita")
    page = get(client, "/o/opportunity/")
    assert [cell.get("title") for cell in select(page, "td .number[title]")] == [
        "≈ ¥723.60",
        "≈ ¥289.44",
    ]
    page = get(client, f"/o/opportunity/{deal}")
    assert text(page, "#field-amount .value") == "$100.50 ≈ ¥723.60"


def test_the_api_says_what_was_entered(deal: str, app: Flask, bearer: Bearer) -> None:
    answer = app.test_client().get(f"/api/v1/opportunity/{deal}", headers=bearer("rita"))
    assert answer.get_json()["amount"] == {"amount": "100.50", "currency": "USD"}


@pytest.mark.parametrize("person", ["rita", "diana", "fay"])
def test_only_administrators_see_and_enter_rates(app: Flask, bearer: Bearer, person: str) -> None:
    client, headers = app.test_client(), bearer(person)
    assert client.get("/api/v1/exchange_rate", headers=headers).status_code == 404
    assert client.post("/api/v1/exchange_rate", json=RATE, headers=headers).status_code == 404


def test_one_rate_a_day_and_more_than_nothing(app: Flask, bearer: Bearer) -> None:
    client, headers = app.test_client(), bearer("admin")
    codes = [
        client.post("/api/v1/exchange_rate", json=RATE | other, headers=headers).status_code
        for other in ({}, {}, {"date": "2026-01-02", "rate": "0"}, {"currency": "XXQ"})
    ]
    assert codes == [201, 422, 422, 422]
