"""Sessions: rows that end, whoever holds the cookie."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.platform.world import PASSWORD, Bearer, Login, People, csrf_token
from trellis.runtime import Platform
from trellis.security.open_sessions import (
    IDLE,
    LONGEST,
    SEEN_RESOLUTION,
    forget_sessions,
    login_session,
)

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Safari/604.1"


def is_in(client: FlaskClient) -> bool:
    return client.get("/profile").status_code == 200


def sessions(platform: Platform) -> list[str]:
    with platform.database.read() as connection:
        chosen = sa.select(login_session.c.id).order_by(login_session.c.id)
        return list(connection.scalars(chosen))


def aged(platform: Platform, **ages: timedelta) -> None:
    """Makes all sessions older than they are."""
    values = {name: datetime.now(UTC) - age for name, age in ages.items()}
    with platform.database.write() as connection:
        connection.execute(sa.update(login_session).values(values))


def twin(app: Flask, client: FlaskClient) -> FlaskClient:
    """Gives a client that took a copy of another's cookie."""
    cookie = client.get_cookie("trellis")
    assert cookie is not None
    thief = app.test_client()
    thief.set_cookie("trellis", cookie.value)
    return thief


def test_sec_18_a_cookie_is_worth_nothing_after_the_logout(app: Flask, login: Login) -> None:
    rita = login("rita")
    thief = twin(app, rita)
    assert is_in(thief)
    rita.post("/logout", data={"csrf_token": csrf_token(rita)})
    assert not is_in(thief)


def test_sec_18_each_login_and_each_new_password_makes_another_key(
    app: Flask, platform: Platform, login: Login
) -> None:
    rita = login("rita")
    before, thief = sessions(platform), twin(app, rita)
    form = {"old": PASSWORD, "new": "another password"}
    with rita.session_transaction() as session:
        key = session["key"]
    assert rita.post("/profile/password", data=form).status_code == 302
    with rita.session_transaction() as session:
        assert session["key"] != key
    assert is_in(rita)
    assert not is_in(thief)
    assert len(sessions(platform)) == 1
    assert sessions(platform) != before


def test_sec_18_locked_once_is_out_for_good(
    platform: Platform, app: Flask, people: People, login: Login, bearer: Bearer
) -> None:
    rita, token, admin = login("rita"), bearer("rita"), bearer("admin")
    client = app.test_client()
    for active in (False, True):
        answer = client.patch(
            f"/api/v1/user/{people['rita']}",
            json={"active": active},
            headers={**admin, "If-Match": "*"},
        )
        assert answer.status_code == 200
        assert not is_in(rita)
        assert client.get("/api/v1/lead", headers=token).status_code == 401
    assert is_in(login("rita"))


def everywhere_else(app: Flask, people: People, client: FlaskClient, admin: dict[str, str]) -> None:
    assert client.post("/profile/sessions/end").status_code == 302


def by_an_administrator(
    app: Flask, people: People, client: FlaskClient, admin: dict[str, str]
) -> None:
    address = f"/api/v1/user/{people['rita']}/actions/end_sessions"
    answer = app.test_client().post(address, headers=admin)
    assert (answer.status_code, answer.get_json()["ended"]) == (200, 2)


@pytest.mark.parametrize(("end", "stays"), [(everywhere_else, True), (by_an_administrator, False)])
def test_sec_18_all_is_ended_at_once(
    app: Flask,
    people: People,
    login: Login,
    bearer: Bearer,
    end: Callable[[Flask, People, FlaskClient, dict[str, str]], None],
    stays: bool,
) -> None:
    here, elsewhere, ron, token = login("rita"), login("rita"), login("ron"), bearer("rita")
    end(app, people, here, dict(bearer("admin")))
    assert (is_in(here), is_in(elsewhere), is_in(ron)) == (stays, False, True)
    assert app.test_client().get("/api/v1/lead", headers=token).status_code == 401


def test_who_may_not_administer_ends_no_sessions(
    app: Flask, people: People, bearer: Bearer
) -> None:
    address = f"/api/v1/user/{people['ron']}/actions/end_sessions"
    answer = app.test_client().post(address, headers=bearer("rita"))
    assert answer.status_code == 403


def test_one_device_is_logged_out_and_nobody_elses(platform: Platform, login: Login) -> None:
    here, ron = login("rita"), login("ron")
    phone = login("rita")
    with platform.database.write() as connection:
        newest = sa.select(sa.func.max(login_session.c.id)).scalar_subquery()
        chosen = sa.update(login_session).where(login_session.c.id == newest)
        connection.execute(chosen.values(agent=IPHONE))
    page = here.get("/profile").get_data(as_text=True)
    assert "Safari · iPhone" in page
    assert page.count("This browser") == 1
    first, second, third = sessions(platform)
    assert here.post(f"/profile/sessions/{second}/end").status_code == 404
    assert here.post(f"/profile/sessions/{third}/end").status_code == 302
    assert here.post(f"/profile/sessions/{third}/end").status_code == 404
    assert (is_in(here), is_in(ron), is_in(phone)) == (True, True, False)
    assert first in sessions(platform)


@pytest.mark.parametrize(
    "ages",
    [{"seen_at": IDLE}, {"begun_at": LONGEST, "seen_at": timedelta()}],
    ids=["idle", "too long"],
)
def test_sessions_end_by_themselves(
    platform: Platform, login: Login, ages: dict[str, timedelta]
) -> None:
    rita = login("rita")
    aged(platform, **ages)
    assert not is_in(rita)
    assert forget_sessions(platform.database) == 1
    assert sessions(platform) == []


def test_being_seen_keeps_a_session(platform: Platform, login: Login) -> None:
    rita = login("rita")
    aged(platform, seen_at=IDLE - timedelta(minutes=1))
    assert is_in(rita)
    with platform.database.read() as connection:
        seen = connection.execute(sa.select(login_session.c.seen_at)).scalar_one()
    assert datetime.now(UTC) - seen < SEEN_RESOLUTION
