"""A set-up platform on each database, people of several roles, and clients logged in as them.

Setting up takes seconds, so it is done once per session and dialect; each test gets a copy.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.security import generate_password_hash

from tests.platform.quick_apps import make_app
from tests.platform.world import PASSWORD, PEOPLE, Bearer, Login, People, csrf_token
from trellis.config import Settings
from trellis.installation import set_up_platform
from trellis.runtime import Platform, open_platform
from trellis.security.users import create_user, find_user

# The platform's own cost of checking a password would be a sixth of the suite's time.
QUICK_HASH = generate_password_hash(PASSWORD, method="scrypt:1024:8:1")


@dataclass(frozen=True)
class Template:
    """A database that is set up; `copy` gives the address of a copy that lasts for one test."""

    people: People
    copy: Callable[[Path], AbstractContextManager[str]]


def make_settings(database_url: str, folder: Path) -> Settings:
    """Gives settings of an instance of its own, without Redis."""
    instance = folder / "instance"
    (instance / "run").mkdir(parents=True, exist_ok=True)
    return Settings(
        instance=instance,
        database_url=database_url,
        secret_key="a-secret-key-that-is-only-for-tests-0123456789",
        encryption_keys=("an-encryption-key-that-is-only-for-tests-0123",),
        admin_password=PASSWORD,
        api_rate=0,
    )


def populate(settings: Settings) -> People:
    """Sets an instance up with the people of PEOPLE beside `admin`, all with PASSWORD."""
    platform = open_platform(settings)
    set_up_platform(platform, ("crm",))
    ids: dict[str, str] = {}
    with platform.database.write() as connection:
        catalog = platform.catalogs.current(connection)
        ids["admin"] = find_user(connection, catalog, "admin") or ""
        for username, (role, manager, region) in PEOPLE.items():
            values = {
                "username": username,
                "name": username.title(),
                "email": f"{username}@example.com",
                "region": region,
                "manager": ids.get(manager or ""),
            }
            ids[username] = create_user(
                connection, catalog, values, password=PASSWORD, roles=[role]
            )
        connection.execute(sa.text("UPDATE ab_user SET password = :hash"), {"hash": QUICK_HASH})
    platform.close()
    return People(ids)


@pytest.fixture(scope="session")
def template(
    dialect: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Template]:
    """A database that is set up, to be copied by tests."""
    folder = tmp_path_factory.mktemp(f"template-{dialect}")
    if dialect == "sqlite":
        file = folder / "trellis.db"
        people = populate(make_settings(f"sqlite:///{file}", folder))
        yield Template(people, lambda target: copied_file(file, target))
        return
    server = request.getfixturevalue("postgresql_server")
    with made_database(server, "template0") as name:
        people = populate(make_settings(f"postgresql+psycopg://{server}/{name}", folder))
        yield Template(people, lambda _target: copied_database(server, name))


@contextmanager
def copied_file(file: Path, target: Path) -> Iterator[str]:
    """Gives the address of a copy of a SQLite file."""
    shutil.copy(file, target / "trellis.db")
    yield f"sqlite:///{target / 'trellis.db'}"


@contextmanager
def copied_database(server: str, name: str) -> Iterator[str]:
    """Gives the address of a copy of a database."""
    with made_database(server, name) as copy:
        yield f"postgresql+psycopg://{server}/{copy}"


@contextmanager
def made_database(server: str, template: str) -> Iterator[str]:
    """Makes a database on a server and drops it at the end."""
    name = f"p{uuid.uuid4().hex[:12]}"
    address = f"postgresql://{server}/postgres"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield name
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def settings(template: Template, tmp_path: Path) -> Iterator[Settings]:
    """Settings of an instance that is set up, without Redis."""
    with template.copy(tmp_path) as database_url:
        yield make_settings(database_url, tmp_path)


@pytest.fixture
def platform(settings: Settings) -> Iterator[Platform]:
    """The platform with the packages system and crm, and people."""
    platform = open_platform(settings)
    yield platform
    platform.close()


@pytest.fixture
def people(platform: Platform, template: Template) -> People:
    """The ids of `admin` and of the people of PEOPLE."""
    return template.people


@pytest.fixture
def app(platform: Platform) -> Iterator[Flask]:
    """The web application on the platform."""
    app = make_app(platform)
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
        return {"Authorization": f"Bearer {answer.get_json()['access_token']}"}

    return headers
