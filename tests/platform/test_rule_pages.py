"""Rules in setup as an administrator uses them: retire, activate, go back, on any screen."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask.testing import FlaskClient

from tests.platform.pages import get
from tests.platform.test_api import Client, call
from tests.platform.test_quarantine import drain, failing, greet, watch
from tests.platform.test_rule_governance import (
    FILE,
    RULE,
    TEST,
    TEXT,
    publish,
    put,
    state,
    title_of,
)
from tests.platform.test_web_browser import DESK, PHONE, RULES, Visitor, visitor
from tests.platform.test_why_changed import greeted
from tests.platform.world import Login
from trellis.runtime import Platform

__all__ = ["call", "visitor"]

PAGE = "/setup/rules/rule/hello"


def post(client: FlaskClient, way: str, **form: str) -> str:
    """Sends a form of the rule's page; gives what the page says then."""
    assert client.post(f"{PAGE}/{way}", data=form).status_code == 302
    return " ".join(get(client, PAGE).text_content().split())


def test_a_rule_is_retired_and_activated_on_its_page(call: Client, login: Login) -> None:
    publish(call, TEXT)
    client = login("admin")
    assert "Say why" in post(client, "retire", why=" ")
    page = post(client, "retire", why="They have had enough")
    assert "The rule is retired: it runs no more." in page
    assert ": They have had enough" in page
    assert "The rule is active again." in post(client, "activate", why="Some miss it")
    assert state(call)["state"] == "active"


def test_one_click_goes_back_to_a_version(call: Client, login: Login) -> None:
    first = publish(call, TEXT + TEST)
    second = publish(call, TEXT.replace("greeted", "welcome"))
    client = login("admin")
    ways = get(client, PAGE).xpath("//form[contains(@action, '/back/')]/@action")
    assert ways == [f"{PAGE}/back/{first}"]
    page = post(client, f"back/{first}")
    assert f"local/hello as in version {first}" in page
    assert f"Version {second + 1}" in page
    assert title_of(call) == "greeted"


def test_what_stands_in_the_way_back_is_said(call: Client, login: Login) -> None:
    first = publish(call, TEXT)
    publish(call, TEXT.replace("set title", "# set title"))
    body = {"text": TEXT.replace("hello", "hello_again")}
    assert call("admin", "PUT", "meta/rules/local/again", body).status_code == 200
    page = post(login("admin"), f"back/{first + 100}")
    assert f"There is no version {first + 100}" in page
    assert call("admin", "GET", f"meta/rules/{FILE}").get_json()["text"].count("# set") == 1


def test_who_does_not_administer_finds_no_rules(call: Client, login: Login) -> None:
    publish(call, TEXT)
    for address in ("/setup/rules", PAGE):
        get(login("rita"), address, 403)


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_the_pages_are_whole_on_every_screen(
    call: Client, visitor: Visitor, platform: Platform, width: int
) -> None:
    publish(call, TEXT + TEST)
    publish(call, f"# Once more\n{TEXT}{TEST}")
    lead, entry = greeted(call)
    failing(platform, 1)
    greet(platform, 4)
    assert watch(platform) == ["hello"]
    drain(platform)
    put(call, TEXT + TEXT.replace("hello", "second"))
    why = {"why": "Replaced"}
    assert call("admin", "POST", "meta/rule_states/score/lead_score/retire", why).status_code == 200
    page = visitor.enter("admin", width)
    for address in (
        *("/setup/rules", "/setup/rules?state=retired", PAGE, "/setup/rules/rule/second"),
        *("/setup/rules/score/lead_score", f"/o/lead/{lead}/history/{entry}"),
    ):
        page.goto(address)
        found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}})
        assert found.response["violations"] == [], address
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, address
    assert call("admin", "GET", RULE).get_json()["state"] == "quarantined"
