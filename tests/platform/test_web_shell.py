"""What stands around every page: navigation, language, theme, safety."""

from __future__ import annotations

import gzip
import re
from importlib.resources import files

import pytest
from flask import Flask, render_template

from tests.platform.acting import make
from tests.platform.pages import get, hrefs, read, select, text, texts
from tests.platform.world import Login
from trellis import assets
from trellis.runtime import Platform

PAGES = (
    *("/", "/o/lead/", "/o/lead/new", "/approvals", "/notifications", "/profile"),
    "/service-levels",
)
SETUP = (
    *("/setup/objects", "/setup/objects/new", "/setup/objects/lead", "/setup/publish"),
    *("/setup/objects/lead?field=status", "/setup/objects/lead?new=money", "/setup/versions"),
    *("/setup/objects/lead/settings", "/setup/objects/lead/access"),
)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_page_answers_in_both_languages(login: Login, language: str) -> None:
    client = login("admin")
    client.post(f"/lang/{language}")
    for address in (*PAGES, *SETUP):
        page = get(client, address)
        assert page.get("lang") == {"en": "en", "zh": "zh-CN"}[language]
        assert len(select(page, "h1")) == 1, address


def test_chinese_is_complete(app: Flask) -> None:
    translations = assets.CHECKOUT / "platform/trellis/translations/zh/LC_MESSAGES/messages.po"
    known = set(re.findall(r'^msgid "(.+)"$', translations.read_text("utf-8"), re.MULTILINE))
    templates = files("trellis").joinpath("templates")
    used: set[str] = set()
    for path in [*templates.rglob("*.html"), *files("trellis").joinpath("views").rglob("*.html")]:  # type: ignore[attr-defined]  # a folder
        used |= set(re.findall(r"_\('((?:[^'\\]|\\.)+)'", path.read_text("utf-8")))
    missing = {message for message in used if message not in known and len(message) < 60}
    assert missing == set()


def test_navigation_shows_what_the_person_may_see(login: Login) -> None:
    rita, admin = get(login("rita"), "/"), get(login("admin"), "/")
    assert "/o/lead/" in hrefs(rita, ".nav a")
    assert "/setup/objects" not in hrefs(rita, ".nav a")
    assert "/setup/objects" in hrefs(admin, ".nav a")
    assert not [href for href in hrefs(rita, ".nav a") if "_line" in href]


@pytest.mark.parametrize("address", SETUP)
def test_setup_is_for_administrators(login: Login, address: str) -> None:
    assert login("rita").get(address).status_code == 403


def test_counts_and_notifications(platform: Platform, login: Login) -> None:
    account = make(platform, "rita", "account", name="Acme")
    values = {"name": "Q-1", "account": account, "discount": "0.25", "amount": "1000"}
    quote = make(platform, "rita", "quote", **values)
    submitted = login("rita").post(f"/o/quote/{quote}/actions/submit")
    assert submitted.status_code == 302, texts(read(submitted), ".notice")
    mark = login("mark")
    assert text(get(mark, "/"), ".nav a[href='/approvals'] .tally") == "1"
    assert texts(get(mark, "/"), ".list-card .cover")[0] == "Q-1"


def test_the_theme_is_kept_in_the_browser(login: Login) -> None:
    client = login("rita")
    client.post("/theme", data={"theme": "dark", "next": "/o/lead/"})
    assert get(client, "/").get("data-theme") == "dark"
    answer = client.post("/theme", data={"theme": "system", "next": "//evil.example"})
    assert answer.headers["Location"] == "/"
    assert get(client, "/").get("data-theme") is None


def test_pages_keep_a_strict_policy(login: Login) -> None:
    client = login("admin")
    for address in (*PAGES, *SETUP):
        answer = client.get(address)
        html = answer.get_data(as_text=True)
        nonce = re.search(r"'nonce-([^']+)'", answer.headers["Content-Security-Policy"])
        assert nonce is not None
        assert not re.search(
            r"\son[a-z]+=|\sstyle=|javascript:|hx-on|(?:src|href)=\"https?:", html
        ), address
        for script in select(read(answer), "script"):
            assert script.get("nonce") == nonce[1] or script.get("type") == "application/json"


def test_every_change_needs_the_token(app: Flask, login: Login) -> None:
    client = login("admin")
    del client.environ_base["HTTP_X_CSRFTOKEN"]
    for address in ("/o/lead/new", "/theme", "/setup/discard", "/notifications/read"):
        assert client.post(address, data={"name": "x"}).status_code == 400, address


def test_the_first_visit_is_small(app: Flask, login: Login) -> None:
    manifest = {name: assets.DIST / file for name, file in assets.files().items()}
    sizes = {name: len(gzip.compress(path.read_bytes())) for name, path in manifest.items()}
    html = len(gzip.compress(login("rita").get("/o/lead/").data))
    assert sizes["app.js"] <= 45_000
    assert sizes["app.css"] <= 15_000
    font = manifest["inter.woff2"].stat().st_size
    assert sizes["app.js"] + sizes["app.css"] + font + html <= 130_000


def test_colours_come_from_tokens() -> None:
    styles = assets.CHECKOUT / "platform/trellis/frontend/src"
    for path in styles.rglob("*.css"):
        assert not re.findall(r"#[0-9a-fA-F]{3,8}\b(?![^;{]*\{)", path.read_text("utf-8")), path


def test_flask_appbuilder_has_a_base_in_our_shell(app: Flask, login: Login) -> None:
    client = login("admin")
    with client:
        client.get("/")
        html = render_template("fab_base.html", title="Roles", appbuilder=app.appbuilder)  # type: ignore[attr-defined]  # FAB adds it
    assert 'class="page fab"' in html
    assert "select2" in html
