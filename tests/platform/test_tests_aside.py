"""Tests of packages that stand against a draft: they are set aside in one step, with a reason, and
come back with the rules that they are about."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.platform.acting import database_hash
from tests.platform.pages import get
from tests.platform.test_api import Client, call
from tests.platform.test_rule_governance import plan, published
from tests.platform.world import Login
from trellis.runtime import Platform

__all__ = ["call"]

RULES, TESTS = "meta/rules/crm/discount_approval", "meta/rules/crm/tests/discount_approval"
BUTTON, ASIDE = "Set these tests aside", "/setup/set-tests-aside"
OTHERS = "meta/rules/crm/tests/validations"


def text(call: Client, address: str) -> str:
    found: str = call("admin", "GET", address).get_json()["text"]
    return found


def put(call: Client, address: str, written: str) -> None:
    assert call("admin", "PUT", address, {"text": written}).status_code == 200


def publish_page(client: FlaskClient) -> str:
    found: str = get(client, "/setup/publish").text_content()
    return found


def set_aside(client: FlaskClient) -> None:
    assert client.post(ASIDE).headers["Location"] == "/setup/publish"


def places(made: dict[str, Any]) -> set[str]:
    return {one["path"] for one in made["problems"]}


def test_those_about_a_rule_that_goes_go_in_one_step_and_come_back_with_it(
    call: Client, login: Login
) -> None:
    """They do not fail but have nothing to be about; others of the package stay as they are."""
    shipped, others = text(call, TESTS), text(call, OTHERS)
    put(call, RULES, "# No approvals here.\n")
    made = plan(call)
    assert places(made) == {"/rules/crm/tests/discount_approval"}
    admin = login("admin")
    assert BUTTON in publish_page(admin)
    set_aside(admin)
    page = publish_page(admin)
    assert BUTTON not in page
    assert "say why" in page
    assert "test " not in text(call, TESTS)
    assert text(call, OTHERS) == others
    gone = published(call, plan(call), "We approve on paper")
    back = call("admin", "POST", "meta/rollback", {"version": gone - 1}).get_json()
    published(call, back)
    assert text(call, TESTS) == shipped
    assert call("admin", "GET", "meta/rule_states/approval/discount_approval").get_json()["tests"]


def test_they_are_not_blamed_for_what_else_is_wrong(call: Client, login: Login) -> None:
    """A slip in a rule takes away what tests are about, but is no reason to set them aside."""
    shipped = text(call, TESTS)
    put(call, RULES, text(call, RULES).replace("self approval skipped", "self approval skiped"))
    assert "/rules/crm/discount_approval" in places(plan(call))
    admin = login("admin")
    assert BUTTON not in publish_page(admin)
    set_aside(admin)
    assert text(call, TESTS) == shipped


def test_a_test_with_a_slip_is_to_be_put_right(call: Client, login: Login) -> None:
    """A file that cannot be read does not come apart: all tests in it would go."""
    put(call, TESTS, text(call, TESTS).replace("expect quote.status", "expekt quote.status", 1))
    (problem, *_) = plan(call)["problems"]
    assert (problem["path"], problem["line"]) == ("/rules/crm/tests/discount_approval", 7)
    admin = login("admin")
    assert BUTTON not in publish_page(admin)
    set_aside(admin)
    assert "expekt" in text(call, TESTS)


def test_a_file_with_two_tests_of_one_name_goes_whole_and_comes_back(
    call: Client, login: Login
) -> None:
    shipped = text(call, TESTS)
    first, second = (
        f'test "{name}" of' for name in ("12 % needs the manager only", "21 % needs a director")
    )
    put(call, TESTS, shipped.replace(second, first))
    published(call, plan(call), "Told apart by what they do")
    put(call, RULES, text(call, RULES).replace("discount > 20%", "discount > 25%"))
    admin = login("admin")
    set_aside(admin)
    made = plan(call)
    assert (made["problems"], text(call, TESTS)) == ([], "")
    assert admin.post("/setup/undo").status_code == 302
    assert text(call, TESTS).count(first) == 2
    assert admin.post("/setup/redo").status_code == 302
    made = plan(call)
    silent = call("admin", "POST", "meta/publish", {"token": made["token"], "message": ""})
    assert "crm/tests/discount_approval" in silent.get_json()["errors"][0]["message"]


@pytest.mark.parametrize("username", ["rita", "diana"])
def test_sec_05_only_administrators_set_them_aside(
    platform: Platform, login: Login, username: str
) -> None:
    client = login(username)
    before = database_hash(platform)
    assert client.post(ASIDE).status_code == 403
    assert database_hash(platform) == before


def test_sec_21_no_other_site_sets_them_aside(call: Client, login: Login) -> None:
    shipped = text(call, TESTS)
    put(call, RULES, "# No approvals here.\n")
    assert login("admin").post(ASIDE, data={"csrf_token": "guessed"}).status_code == 400
    assert text(call, TESTS) == shipped
