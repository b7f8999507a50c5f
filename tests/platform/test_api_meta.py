"""`/api/v1/meta`: from a draft over a plan to the next version, seen by everybody at once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.platform.acting import database_hash
from tests.platform.test_api import Client, call, created
from trellis.runtime import Platform

__all__ = ["call"]

PROJECT: dict[str, Any] = {
    "title": "Project",
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "maxLength": 80, "title": "Name"},
        "stage": {"type": "string", "enum": ["open", "done"], "default": "open"},
        "budget": {"type": "number", "crm": {"field": "money", "currency": "CNY"}},
        "account": {"type": "string", "crm": {"field": "reference", "to": "account"}},
        "due": {"type": "string", "format": "date"},
        "done": {"type": "boolean"},
    },
    "crm": {"plural": "Projects", "name_field": "name"},
}


def planned(call: Client) -> dict[str, Any]:
    plan: dict[str, Any] = call("admin", "POST", "meta/plan").get_json()
    return plan


def publish(call: Client, **more: object) -> int:
    plan = planned(call)
    assert plan["problems"] == []
    answer = call("admin", "POST", "meta/publish", {"token": plan["token"], **more})
    assert answer.status_code == 200, answer.get_json()
    version: int = answer.get_json()["version"]
    return version


def test_a_new_object_is_there_at_once(call: Client) -> None:
    assert call("admin", "PUT", "meta/objects/project", PROJECT).status_code == 200
    assert call("admin", "GET", "project").status_code == 404
    plan = planned(call)
    assert plan["operations"][0]["kind"] == "create_object"
    assert all(one["text"] for one in plan["operations"])
    version = publish(call, message="Projects")
    assert version == plan["base_version"] + 1
    record = created(call, "admin", "project", name="Bridge", budget="5")
    assert (record["stage"], record["budget"]["amount"]) == ("open", "5.00")
    assert call("rita", "GET", "project").status_code == 404
    newest = call("admin", "GET", "meta/versions").get_json()["items"][0]
    assert (newest["version"], newest["message"]) == (version, "Projects")
    assert call("admin", "GET", "meta/draft").get_json()["items"] == []


def test_a_role_in_the_same_draft_lets_people_in(call: Client) -> None:
    call("admin", "PUT", "meta/objects/project", PROJECT)
    role = call("admin", "GET", "meta/roles/sales_rep").get_json()
    role["grants"]["project"] = {"create": True, "read": "all", "update": "own"}
    assert call("admin", "PUT", "meta/roles/sales_rep", role).status_code == 200
    publish(call)
    created(call, "rita", "project", name="Bridge")
    assert len(call("ron", "GET", "project").get_json()["items"]) == 1


def test_fields_come_are_renamed_and_go(call: Client) -> None:
    call("admin", "PUT", "meta/objects/project", PROJECT)
    publish(call)
    record = created(call, "admin", "project", name="Bridge", due="2026-05-01")
    changed = call("admin", "GET", "meta/objects/project").get_json()
    properties = changed["properties"]
    properties["deadline"] = {**properties.pop("due"), "crm": {"renamed_from": "due"}}
    properties["code"] = {"type": "string"}
    del properties["done"]
    assert call("admin", "PUT", "meta/objects/project", changed).status_code == 200
    plan = planned(call)
    kinds = {one["kind"] for one in plan["operations"]}
    assert {"rename_field", "add_field", "retire_field"} <= kinds
    assert plan["destructive"] == ["project.done"]
    refused = call("admin", "POST", "meta/publish", {"token": plan["token"]})
    assert (refused.status_code, refused.get_json()["errors"][0]["code"]) == (422, "unconfirmed")
    publish(call, confirm=["project.done"])
    found = call("admin", "GET", f"project/{record['id']}").get_json()
    assert found["deadline"] == "2026-05-01"
    assert "done" not in found
    history = call("admin", "GET", f"project/{record['id']}/history").get_json()["items"]
    assert history[0]["changes"]["deadline"] == [None, "2026-05-01"]


def test_a_plan_holds_only_for_what_it_was_made_of(call: Client) -> None:
    call("admin", "PUT", "meta/objects/project", PROJECT)
    plan = planned(call)
    call("admin", "PUT", "meta/objects/project", {**PROJECT, "title": "Undertaking"})
    changed = call("admin", "POST", "meta/publish", {"token": plan["token"]})
    assert (changed.status_code, changed.get_json()["errors"][0]["code"]) == (409, "draft_changed")
    publish(call)
    moved = call("admin", "POST", "meta/publish", {"token": plan["token"]})
    assert (moved.status_code, moved.get_json()["errors"][0]["code"]) == (409, "base_moved")


def test_a_version_can_be_rolled_back(call: Client) -> None:
    before = planned(call)["base_version"]
    call("admin", "PUT", "meta/objects/project", PROJECT)
    publish(call)
    plan = call("admin", "POST", "meta/rollback", {"version": before}).get_json()
    assert plan["destructive"] == ["project"]
    assert call("admin", "POST", "meta/rollback", {"version": 99}).status_code == 422


# What an administrator may not draft → path and code of an error.
WRONG = [
    ("objects/Project", PROJECT, "", "bad_name"),
    ("objects/search", PROJECT, "", "refused_object_name"),
    (
        "objects/project",
        {**PROJECT, "properties": {"a": {"type": "strin"}}},
        "/properties/a/type",
        None,
    ),
    (
        "objects/project",
        {**PROJECT, "properties": {"now": {"type": "string"}}},
        "/properties/now",
        "refused_field_name",
    ),
    (
        "objects/project",
        {**PROJECT, "properties": {"a": {"type": "string", "crm": {"field": "mony"}}}},
        "/properties/a/crm/field",
        None,
    ),
    ("objects/project", {**PROJECT, "crm": {"plurall": "X"}}, "/crm", None),
    ("rules/mine", {"texts": {"mine.rules": "ruleset mine version 1"}}, "/texts", "unknown_key"),
    ("rules/mine", {}, "", "missing_key"),
    ("rules/mine", {"text": 3}, "/text", "wrong_shape"),
]


@pytest.mark.parametrize(("address", "body", "path", "code"), WRONG)
def test_wrong_definitions_are_not_kept(
    call: Client, platform: Platform, address: str, body: object, path: str, code: str | None
) -> None:
    call("admin", "GET", "user?limit=1")
    before = database_hash(platform)
    answer = call("admin", "PUT", f"meta/{address}", body)
    assert answer.status_code == 422, answer.get_json()
    errors = answer.get_json()["errors"]
    assert any(
        error["path"].startswith(path) and code in (None, error["code"]) for error in errors
    ), errors
    assert database_hash(platform) == before


def test_a_plan_says_which_rules_would_break(call: Client) -> None:
    lead = call("admin", "GET", "meta/objects/lead").get_json()
    del lead["properties"]["employees"]
    call("admin", "PUT", "meta/objects/lead", lead)
    problems = planned(call)["problems"]
    assert any("employees" in problem["message"] and "line" in problem for problem in problems)
    token = planned(call)["token"]
    refused = call("admin", "POST", "meta/publish", {"token": token, "confirm": ["lead.employees"]})
    assert refused.status_code == 422
    assert call("admin", "DELETE", "meta/draft").status_code == 204
    assert planned(call)["operations"] == []


RULES = """
ruleset house "House rules"
validate no_bobs "No Bobs" on lead {
    forbid name starts with "Bob" message "No Bobs, please" at name
}
"""


def test_a_rule_binds_from_its_publishing_on(call: Client) -> None:
    broken = call(
        "admin", "PUT", "meta/rules/house", {"text": RULES.replace("name starts", "nam starts")}
    )
    assert broken.status_code == 200
    (problem,) = planned(call)["problems"]
    assert (problem["path"], problem["line"], problem["column"]) == ("/rules/local/house", 4, 12)
    assert call("admin", "PUT", "meta/rules/house", {"text": RULES}).status_code == 200
    bob = {"name": "Bob", "email": "bob@acme.cn", "lead_source": "web"}
    assert call("rita", "POST", "lead", bob).status_code == 201
    publish(call)
    refused = call("rita", "POST", "lead", bob)
    assert (refused.status_code, refused.get_json()["detail"]) == (422, "No Bobs, please")
    assert call("admin", "DELETE", "meta/rules/house").status_code == 204
    publish(call)
    assert call("rita", "POST", "lead", bob).status_code == 201


def test_drafts_are_their_authors(call: Client) -> None:
    call("admin", "PUT", "meta/objects/project", PROJECT)
    listed = {one["name"]: one for one in call("admin", "GET", "meta/objects").get_json()["items"]}
    assert (listed["project"]["draft"], listed["lead"]["draft"]) == (True, False)
    assert call("admin", "DELETE", "meta/objects/project").status_code == 204
    assert call("admin", "GET", "meta/objects/project").status_code == 404
    assert call("admin", "DELETE", "meta/objects/project").status_code == 404
    assert call("admin", "GET", "meta/nothing/project").status_code == 404


@pytest.mark.parametrize("version", [0, 10**6, 2**31, 2**63, 10**30])
def test_a_version_that_cannot_be_is_missing(call: Client, version: int) -> None:
    for address in (f"meta/versions/{version}", f"meta/versions/{version}/diff?from=1"):
        assert call("admin", "GET", address).status_code in (404, 422), address
    assert call("admin", "POST", "meta/rollback", {"version": version}).status_code == 422
