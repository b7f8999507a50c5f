"""PostgreSQL that goes away is told as that, and found again without a restart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from flask import Flask

from tests.platform.world import Bearer, Login
from trellis.runtime import Platform


@contextmanager
def away(platform: Platform) -> Iterator[None]:
    """Ends all connections and lets nobody connect meanwhile."""
    url = platform.database.engine.url
    address = url.set(drivername="postgresql", database="postgres").render_as_string()
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS false')
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            [url.database],
        )
        yield
        connection.execute(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS true')


@pytest.mark.on("postgresql")
def test_a_database_that_is_away_is_told_and_found_again(
    platform: Platform, app: Flask, bearer: Bearer, login: Login
) -> None:
    client, headers = app.test_client(), bearer("rita")
    body, rita = {"name": "Acme"}, login("rita")
    with away(platform):
        for number in range(3):
            answers = {
                "list": client.get("/api/v1/account", headers=headers),
                "save": client.post("/api/v1/account", json=body, headers=headers),
                "page": rita.get("/", headers={"Accept-Language": "zh"}),
            }
            found = {name: (one.status_code, one.headers.get("Retry-After"))
                     for name, one in answers.items()}  # fmt: skip
            assert found == dict.fromkeys(answers, (503, "5")), number
        assert answers["list"].get_json()["detail"] == (
            "The database does not answer at the moment. Please try again soon"
        )
        assert "数据库暂时没有响应，请稍后再试" in answers["page"].get_data(as_text=True)
        assert client.get("/readyz").status_code == 503
        assert client.get("/healthz").status_code == 200
    assert client.post("/api/v1/account", json=body, headers=headers).status_code == 201
    assert client.get("/readyz").status_code == 200
