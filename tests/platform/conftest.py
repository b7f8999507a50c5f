"""A set-up platform on each database, people of several roles, and clients logged in as them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.platform.world import PASSWORD, PEOPLE, Bearer, Login, People, csrf_token
from trellis.app import create_app
from trellis.config import Settings
from trellis.installation import set_up_platform
from trellis.runtime import Platform, open_platform
from trellis.security.users import create_user, find_user


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings of an instance of its own, without Redis."""
    instance = tmp_path / "instance"
    (instance / "run").mkdir(parents=True)
    return Settings(
        instance=instance,
        database_url=database_url,
        secret_key="a-secret-key-that-is-only-for-tests-0123456789",
        admin_password=PASSWORD,
    )


@pytest.fixture
def platform(settings: Settings) -> Iterator[Platform]:
    """The platform with the packages system and crm, and the user `admin`."""
    platform = open_platform(settings)
    set_up_platform(platform, ("crm",))
    yield platform
    platform.close()


@pytest.fixture
def people(platform: Platform) -> People:
    """The people of PEOPLE beside `admin`, all with PASSWORD."""
    ids: dict[str, str] = {}
    with platform.database.write() as connection:
        catalog = platform.catalogs.current(connection)
        ids["admin"] = find_user(connection, catalog, "admin") or ""
        for username, (role, manager, region) in PEOPLE.items():
            ids[username] = create_user(
                connection,
                catalog,
                {
                    "username": username,
                    "name": username.title(),
                    "email": f"{username}@example.com",
                    "region": region,
                    "manager": ids.get(manager or ""),
                },
                password=PASSWORD,
                roles=[role],
            )
    return People(ids)


@pytest.fixture
def app(platform: Platform) -> Iterator[Flask]:
    """The web application on the platform."""
    app = create_app(platform.settings, platform=platform)
    yield app
    app.extensions["trellis_fab_engine"].dispose()


@pytest.fixture
def login(app: Flask, people: People) -> Login:
    """Gives a client logged in as a user, by the login page. `X-CSRFToken` is sent by itself."""

    def log_in(username: str) -> FlaskClient:
        client = app.test_client()
        token = csrf_token(client)
        answer = client.post(
            "/login", data={"username": username, "password": PASSWORD, "csrf_token": token}
        )
        assert answer.status_code == 302, answer.get_data(as_text=True)
        client.environ_base["HTTP_X_CSRFTOKEN"] = csrf_token(client)
        return client

    return log_in


@pytest.fixture
def bearer(app: Flask, people: People) -> Bearer:
    """Gives the headers of an API client that has logged in as a user."""

    def headers(username: str) -> dict[str, str]:
        body = {"username": username, "password": PASSWORD, "provider": "db"}
        answer = app.test_client().post("/api/v1/security/login", json=body)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return {"Authorization": f"Bearer {answer.json['access_token']}"}

    return headers
