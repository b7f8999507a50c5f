"""How often somebody may call and try to log in: counted for all processes together."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from flask import Flask
from limits.storage import MemoryStorage
from werkzeug.test import TestResponse

from tests.platform.serving import served, wait_until
from tests.platform.test_api import call
from tests.platform.world import PASSWORD, Bearer, Login, People, csrf_token
from trellis.app import create_app
from trellis.config import Settings
from trellis.rates import WINDOW_SECONDS, Counter, CounterAwayError, make_storage
from trellis.runtime import Platform

__all__ = ["call"]

AWAY = "redis://127.0.0.1:1/0"


@pytest.fixture
def other_app(platform: Platform) -> Iterator[list[Flask]]:
    """Collects applications that are closed at the end."""
    made: list[Flask] = []
    yield made
    for app in made:
        app.extensions["trellis_fab_engine"].dispose()


def application(made: list[Flask], platform: Platform, settings: Settings) -> Flask:
    made.append(create_app(settings, platform=platform))
    return made[-1]


def log_in(app: Flask, username: str, password: str) -> TestResponse:
    body = {"username": username, "password": password, "provider": "db"}
    return app.test_client().post("/api/v1/security/login", json=body)


def test_calls_of_one_caller_are_limited(
    other_app: list[Flask], platform: Platform, bearer: Bearer
) -> None:
    app = application(other_app, platform, replace(platform.settings, api_rate=3))
    rita, ron = bearer("rita"), bearer("ron")
    client = app.test_client()
    statuses = [client.get("/api/v1/lead", headers=rita).status_code for _ in range(5)]
    assert statuses in ([200, 200, 200, 429, 429], [200] * 5)  # a minute may end in between
    refused = client.get("/api/v1/lead", headers={**rita, "Accept-Language": "zh"})
    assert (refused.status_code, refused.content_type) == (429, "application/problem+json")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.get_json()["errors"][0]["code"] == "too_many_calls"
    assert client.get("/api/v1/lead", headers=ron).status_code == 200


def test_tries_to_log_in_are_limited_by_name_and_by_address(app: Flask, login: Login) -> None:
    app.extensions["trellis_rates"]._clock = lambda: 1_000_000.0
    for _ in range(7):
        assert log_in(app, "rita", PASSWORD).status_code == 200
    assert [log_in(app, "rita", "wrong").status_code for _ in range(6)] == [401] * 5 + [429]
    refused = log_in(app, " RITA", PASSWORD)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "20")
    assert refused.get_json()["detail"] == (
        "More than 5 tries to log in within a minute; try again in 20 s"
    )
    assert log_in(app, "ron", PASSWORD).status_code == 429
    client = app.test_client()
    form = {"username": "ron", "password": PASSWORD, "csrf_token": csrf_token(client)}
    page = client.post("/login", data=form)
    assert (page.status_code, page.headers["Retry-After"]) == (429, "20")
    app.extensions["trellis_rates"]._clock = lambda: 1_000_060.0
    assert log_in(app, "ron", PASSWORD).status_code == 200


def test_without_the_counter_nobody_logs_in_and_the_api_stays_open(
    other_app: list[Flask], platform: Platform, bearer: Bearer
) -> None:
    away = replace(platform.settings, redis_url=AWAY, api_rate=3)
    app = application(other_app, platform, away)
    closed = log_in(app, "rita", PASSWORD)
    assert (closed.status_code, closed.headers["Retry-After"]) == (503, "5")
    assert closed.get_json()["errors"][0]["code"] == "login_closed"
    rita = bearer("rita")
    client = app.test_client()
    assert [client.get("/api/v1/lead", headers=rita).status_code for _ in range(5)] == [200] * 5


def test_processes_count_together_and_ahead() -> None:
    storage = MemoryStorage()
    one, two = (Counter(storage, lambda: 0.0) for _ in range(2))
    assert [counter.takes("a", 3) for counter in (one, two, one, two, one)] == [
        True,
        True,
        True,
        False,
        False,
    ]
    many = [Counter(storage, lambda: 0.0) for _ in range(3)]
    passed = sum(counter.takes("b", 1_000) for _ in range(500) for counter in many)
    assert passed == 1_000
    assert storage.get("b/0") < 1_100


def test_two_web_processes_count_together(
    platform: Platform, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `trellis serve` runs them, with the counter that it starts itself."""
    monkeypatch.setenv("TRELLIS_API_RATE", "20")
    with served(platform.settings, "--no-worker") as server:
        rita, ron = server.client("rita"), server.client("ron")
        while time.time() % WINDOW_SECONDS > WINDOW_SECONDS - 30:
            time.sleep(0.2)
        with ThreadPoolExecutor(4) as crowd:
            asked = [crowd.submit(rita, "GET", "lead?limit=1") for _ in range(60)]
        statuses = sorted(one.result().status for one in asked)
        assert statuses == [200] * 20 + [429] * 40
        assert ron("GET", "lead?limit=1").status == 200
        wait_until(lambda: sum(server.served_by().values()) >= 60, "the access log")
        assert min(server.served_by().values()) > 0
        assert len(server.served_by()) == 2


def test_a_counter_that_is_away_is_left_alone_for_a_while() -> None:
    counter = Counter(make_storage(AWAY))
    for _ in range(2):
        with pytest.raises(CounterAwayError):
            counter.add("a")
