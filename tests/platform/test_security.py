"""Who gets in, who stays in, and what an answer reveals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.platform.world import PASSWORD, Bearer, Login, People, csrf_token
from trellis.runtime import Platform
from trellis.security.directory import UserDirectory
from trellis.security.redirects import safe_path
from trellis.security.users import (
    UserError,
    create_user,
    set_active,
    set_password,
    set_roles,
)


@contextmanager
def counted(platform: Platform) -> Iterator[list[str]]:
    """Collects the statements that the platform's engine runs meanwhile."""
    statements: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    sa.event.listen(platform.database.engine, "before_cursor_execute", note)
    yield statements
    sa.event.remove(platform.database.engine, "before_cursor_execute", note)


def security_version(platform: Platform) -> int:
    with platform.database.read() as connection:
        return platform.catalogs.snapshot(connection).security


# --- in and out -------------------------------------------------------------------------------


def test_a_wrong_password_and_an_unknown_user_get_the_same_answer(
    app: Flask, people: People
) -> None:
    answers = []
    for username in ("rita", "nobody"):
        body = {"username": username, "password": "wrong password", "provider": "db"}
        answer = app.test_client().post("/api/v1/security/login", json=body)
        assert answer.content_type == "application/problem+json"
        answers.append((answer.status_code, answer.get_data()))
    assert answers[0] == answers[1]
    assert answers[0][0] == 401


def test_a_deactivated_user_is_out_at_once_everywhere(
    platform: Platform, people: People, login: Login, bearer: Bearer
) -> None:
    client, headers = login("rita"), bearer("rita")
    assert client.get("/profile").status_code == 200
    assert client.application.test_client().get("/profile", headers=headers).status_code == 200
    with platform.database.write() as connection:
        catalog = platform.catalogs.current(connection)
        set_active(connection, catalog, people["rita"], active=False)
    assert client.get("/profile").headers["Location"] == "/login?next=/profile"
    outside = client.application.test_client()
    assert outside.get("/api/v1/lead", headers=headers).status_code == 401
    body = {"username": "rita", "password": PASSWORD, "provider": "db"}
    assert outside.post("/api/v1/security/login", json=body).status_code == 401
    with platform.database.write() as connection:
        set_active(connection, catalog, people["rita"], active=True)
    assert outside.post("/api/v1/security/login", json=body).status_code == 200


def test_a_new_password_voids_sessions_and_tokens(
    platform: Platform, people: People, login: Login, bearer: Bearer
) -> None:
    client, headers = login("rita"), bearer("rita")
    with platform.database.write() as connection:
        catalog = platform.catalogs.current(connection)
        set_password(connection, catalog, people["rita"], "another password")
    assert client.get("/profile").status_code == 302
    assert client.application.test_client().get("/api/v1/lead", headers=headers).status_code == 401


def test_who_changes_her_own_password_stays_in(login: Login) -> None:
    here, elsewhere = login("rita"), login("rita")
    wrong = here.post("/profile/password", data={"old": "wrong", "new": "another password"})
    assert wrong.status_code == 422
    short = here.post("/profile/password", data={"old": PASSWORD, "new": "short"})
    assert short.status_code == 422
    done = here.post("/profile/password", data={"old": PASSWORD, "new": "another password"})
    assert done.status_code == 302
    assert here.get("/profile").status_code == 200
    assert elsewhere.get("/profile").status_code == 302


def test_logging_in_makes_a_new_session(app: Flask, people: People) -> None:
    client = app.test_client()
    token = csrf_token(client)
    with client.session_transaction() as session:
        session["planted"] = "by somebody else"
    form = {"username": "rita", "password": PASSWORD, "csrf_token": token}
    assert client.post("/login", data=form).status_code == 302
    with client.session_transaction() as session:
        assert "planted" not in session
        assert session.get("csrf_token") is None
    assert client.post("/logout", data={"csrf_token": csrf_token(client)}).status_code == 302
    assert client.get("/profile").status_code == 302


def test_somebody_unknown_gets_401_from_the_api_and_the_login_page_elsewhere(app: Flask) -> None:
    client = app.test_client()
    api = client.get("/api/v1/lead")
    assert (api.status_code, api.content_type) == (401, "application/problem+json")
    assert api.headers["WWW-Authenticate"] == "Bearer"
    assert client.post("/api/v1/lead", json={}).status_code == 401
    page = client.get("/profile?a=1")
    assert (page.status_code, page.headers["Location"]) == (302, "/login?next=/profile%3Fa%3D1")
    fragment = client.get("/profile", headers={"HX-Request": "true"})
    assert (fragment.status_code, fragment.headers["HX-Redirect"]) == (401, "/login?next=/profile")
    assert client.get("/api/v1/lead", headers={"Authorization": "Bearer x.y.z"}).status_code == 401


# --- what a request may cost and carry --------------------------------------------------------


def test_a_known_person_costs_two_statements_and_a_check_none(
    platform: Platform, app: Flask, login: Login
) -> None:
    client = login("rita")
    client.get("/login")
    with counted(platform) as statements:
        assert client.get("/login").headers["Location"] == "/"
    version, session = [text for text in statements if not text.startswith("BEGIN")]
    assert version == "SELECT catalog, security FROM meta_version"
    assert "FROM login_session" in session
    manager = app.extensions["appbuilder"].sm
    with app.test_request_context("/profile"), platform.database.read() as connection:
        snapshot = platform.catalogs.snapshot(connection)
        account_id = connection.execute(
            sa.select(snapshot.catalog.tables["user"].c.account).where(
                snapshot.catalog.tables["user"].c.username == "rita"
            )
        ).scalar_one()
        account = platform.accounts.account(connection, snapshot, account_id)
        assert account is not None
        with counted(platform) as statements:
            for object_name in snapshot.catalog.objects:
                account.principal.access(object_name).may("read")
            assert not manager._has_view_access(account, "can_list", "RoleModelView")
            assert not manager.is_item_public("can_list", "RoleModelView")
            assert manager._get_user_permission_view_menus(account, "menu_access", []) == set()
        assert statements == []


def test_a_token_brings_no_session_and_a_cookie_is_not_heard_beside_it(
    login: Login, bearer: Bearer, people: People
) -> None:
    headers = bearer("mark")
    answer = login("rita").application.test_client().get("/profile", headers=headers)
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    both = login("rita")
    refused = both.get("/profile", headers={"Authorization": "Bearer wrong"})
    assert refused.status_code == 302


def test_a_write_by_cookie_needs_the_token(login: Login) -> None:
    client = login("rita")
    client.environ_base.pop("HTTP_X_CSRFTOKEN")
    answer = client.post("/profile/password", data={"old": PASSWORD, "new": "another password"})
    assert answer.status_code == 400
    assert "CSRF" in answer.get_data(as_text=True)


def test_the_login_form_needs_the_token_too(app: Flask, people: People) -> None:
    answer = app.test_client().post("/login", data={"username": "rita", "password": PASSWORD})
    assert answer.status_code == 400


def test_headers_keep_other_sites_out(login: Login) -> None:
    headers = login("rita").get("/profile").headers
    policy = headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "unsafe-eval" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "private, no-cache"
    assert "Cookie" in headers["Vary"]


def test_the_session_cookie_is_closed_to_scripts_and_other_sites(app: Flask) -> None:
    answer = app.test_client().get("/login")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


SEC_17 = [
    ("/o/lead/?filter=x", "/o/lead/?filter=x"),
    *((target, "/") for target in (
        "", None, "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example",
        "https://evil.example", "https:evil.example", "http:/evil.example", "javascript:alert(1)",
        "data:text/html,x", "/\t/evil.example", "/\n/evil.example", "\x00/x", "/\x7f/evil",
        "evil.example", "user@evil.example", "/%0a\\evil", " /x", "/​/evil.example",
    )),
]  # fmt: skip


@pytest.mark.parametrize(("target", "leads_to"), SEC_17)
def test_sec_17_redirects_stay_here(target: str | None, leads_to: str) -> None:
    assert safe_path(target) == leads_to


def test_sec_17_login_leads_on_to_own_paths_only(app: Flask, people: People) -> None:
    for target, leads_to in (("/o/lead/", "/o/lead/"), ("//evil.example", "/")):
        client = app.test_client()
        form = {"username": "rita", "password": PASSWORD, "csrf_token": csrf_token(client)}
        answer = client.post(f"/login?next={target}", data=form)
        assert answer.headers["Location"] == leads_to


def test_a_crash_shows_no_stack_trace(app: Flask, login: Login) -> None:
    client = login("rita")
    app.view_functions["profile.profile"] = crash
    answer = client.get("/profile")
    assert answer.status_code == 500
    text = answer.get_data(as_text=True)
    assert "Traceback" not in text
    assert "a secret" not in text


def crash() -> str:
    raise RuntimeError("a secret")


def test_an_unknown_address_of_the_api_is_problem_json(
    app: Flask, people: People, bearer: Bearer
) -> None:
    answer = app.test_client().get("/api/v1/nowhere/at/all/here", headers=bearer("rita"))
    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"


# --- languages ---------------------------------------------------------------------------------


def language_of(client: FlaskClient, path: str = "/login", **headers: str) -> str:
    text = client.get(path, headers=headers).get_data(as_text=True)
    return "zh" if '<html lang="zh' in text else "en"


def test_language_comes_from_the_person_the_session_and_the_browser(
    app: Flask, login: Login
) -> None:
    visitor = app.test_client()
    assert language_of(visitor) == "en"
    assert language_of(visitor, **{"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}) == "zh"
    assert visitor.get("/lang/zh?next=//evil.example").headers["Location"] == "/"
    assert language_of(visitor) == "zh"
    assert visitor.get("/lang/tlh").status_code == 404
    client = login("rita")
    assert language_of(client, "/profile") == "en"
    client.get("/lang/zh", headers={"Sec-Fetch-Site": "cross-site"})
    assert language_of(login("rita"), "/profile") == "en"
    client.get("/lang/zh")
    assert language_of(login("rita"), "/profile") == "zh"


# --- users, roles, the directory ----------------------------------------------------------------


def test_every_change_of_people_moves_the_security_version(
    platform: Platform, people: People
) -> None:
    with platform.database.read() as connection:
        catalog = platform.catalogs.current(connection)
    users, teams = catalog.tables["user"], catalog.tables["team"]
    rita = people["rita"]
    changes: list[Callable[[sa.Connection], object]] = [
        lambda c: c.execute(sa.update(users).where(users.c.id == rita).values(region="APAC")),
        lambda c: c.execute(sa.text("UPDATE ab_user SET active = active WHERE username = 'ron'")),
        lambda c: c.execute(sa.text("DELETE FROM ab_user_role WHERE user_id > 0")),
        lambda c: c.execute(sa.text("UPDATE ab_role SET name = name")),
        lambda c: set_roles(c, catalog, rita, ["sales_rep"]),
        lambda c: set_password(c, catalog, rita, "another password"),
        lambda c: (
            c.execute(sa.update(teams).values(name=teams.c.name))
            if c.dialect.name == "postgresql"
            else c.execute(sa.update(users).values(name=users.c.name))
        ),
    ]
    for change in changes:
        before = security_version(platform)
        with platform.database.write() as connection:
            change(connection)
        assert security_version(platform) > before
    before = security_version(platform)
    with platform.database.write() as connection:
        connection.execute(sa.text("UPDATE ab_user SET login_count = 5"))
    assert security_version(platform) == before, "a login must not make all rights be read again"


def test_roles_and_managers_decide_what_somebody_reaches(
    platform: Platform, people: People
) -> None:
    with platform.database.read() as connection:
        snapshot = platform.catalogs.snapshot(connection)
        users = snapshot.catalog.tables["user"]
        ids = connection.execute(sa.select(users.c.username, users.c.account))
        accounts = {
            username: platform.accounts.account(connection, snapshot, account_id)
            for username, account_id in ids
        }
    admin, mark, rita = (accounts[name] for name in ("admin", "mark", "rita"))
    assert admin is not None
    assert mark is not None
    assert rita is not None
    assert admin.principal.may_administer
    assert admin.principal.access("lead").reach("delete").all
    assert not rita.principal.may_administer
    assert rita.principal.access("lead").reach("update").owners == {people["rita"]}
    below = {people[name] for name in ("mark", "rita", "ron")}
    assert below <= mark.principal.access("lead").reach("update").owners


@pytest.mark.filterwarnings("ignore:Yielding raw tuples:DeprecationWarning")  # in FAB's fields
def test_pages_of_flask_appbuilder_are_for_administrators(login: Login) -> None:
    for path in ("/roles/list/", "/groups/list/", "/groups/add"):
        assert login("admin").get(path).status_code == 200, path
        assert login("rita").get(path).status_code != 200, path
    for path in ("/users/list/", "/registeruser/list/", "/permissions/list/", "/roles/add"):
        assert login("admin").get(path).status_code in {403, 404}, path


def test_a_circle_of_managers_ends(platform: Platform, people: People) -> None:
    with platform.database.write() as connection:
        snapshot = platform.catalogs.snapshot(connection)
        users = snapshot.catalog.tables["user"]
        connection.execute(
            sa.update(users).where(users.c.id == people["diana"]).values(manager=people["rita"])
        )
        account = connection.execute(
            sa.select(users.c.account).where(users.c.username == "mark")
        ).scalar_one()
        assert platform.accounts.account(connection, snapshot, account) is not None


def test_the_directory_knows_roles_people_and_managers(platform: Platform, people: People) -> None:
    with platform.database.write() as connection:
        catalog = platform.catalogs.current(connection)
        directory = UserDirectory(connection, catalog, datetime.now(UTC).date())
        reps = [people["rita"], people["ron"]]
        assert directory.resolve("role", "sales_rep") == reps
        assert directory.resolve("role", catalog.roles["sales_rep"].label()) == reps
        assert directory.resolve("role", "sales_rep", "APAC") == [people["ron"]]
        assert directory.resolve("role", "nobody has it") == []
        assert directory.resolve("user", "mark") == [people["mark"]]
        assert directory.resolve("team", "none") == []
        assert directory.relation("manager", people["rita"]) == [people["mark"]]
        assert directory.relation("manager", people["diana"]) == []
        set_active(connection, catalog, people["rita"], active=False)
        assert directory.resolve("role", "sales_rep") == [people["ron"]]


def test_bad_users_are_refused_with_all_problems_and_leave_nothing(
    platform: Platform, people: People
) -> None:
    values = {"username": "RITA", "name": "R", "email": "no address", "colour": "red"}
    with platform.database.write() as connection:
        catalog = platform.catalogs.current(connection)
        with pytest.raises(UserError) as caught:
            create_user(connection, catalog, values, password=PASSWORD, roles=["king"])
    found = {(problem.path, problem.code) for problem in caught.value.problems}
    assert ("/username", "unique") in found
    assert ("/roles", "unknown_role") in found
    assert {"/email", "/colour"} <= {path for path, _ in found}
    with platform.database.read() as connection:
        users = catalog.tables["user"]
        number = connection.execute(sa.select(sa.func.count()).select_from(users)).scalar_one()
    assert number == len(people.ids)
