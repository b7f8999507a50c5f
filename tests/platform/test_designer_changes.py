"""Drafts step by step, plans that say what they mean, versions and the way back, over the API."""

from __future__ import annotations

from typing import Any

from tests.platform.test_api import Client, call, created
from tests.platform.test_api_meta import PROJECT, planned, publish

__all__ = ["call"]


def draft(call: Client) -> dict[str, Any]:
    found: dict[str, Any] = call("admin", "GET", "meta/draft").get_json()
    return found


def put(call: Client, body: dict[str, Any], **headers: str) -> int:
    return call("admin", "PUT", "meta/objects/project", body, headers).status_code


def test_every_change_of_a_draft_can_be_undone_and_done_again(call: Client) -> None:
    assert call("admin", "POST", "meta/draft/undo").status_code == 409
    put(call, PROJECT)
    put(call, {**PROJECT, "title": "Undertaking"})
    assert call("admin", "DELETE", "meta/objects/project").status_code == 204
    assert (draft(call)["items"], draft(call)["undo"]) == ([], 3)
    undone = call("admin", "POST", "meta/draft/undo").get_json()
    assert undone == {"changed": ["object/project"], "undo": 2, "redo": 1}
    assert draft(call)["items"][0]["body"]["title"] == "Undertaking"
    call("admin", "POST", "meta/draft/undo")
    assert draft(call)["items"][0]["body"]["title"] == "Project"
    assert call("admin", "POST", "meta/draft/redo").get_json()["redo"] == 1
    assert draft(call)["items"][0]["body"]["title"] == "Undertaking"
    put(call, {**PROJECT, "title": "Third"})
    assert call("admin", "POST", "meta/draft/redo").status_code == 409
    call("admin", "DELETE", "meta/draft")
    call("admin", "POST", "meta/draft/undo")
    assert draft(call)["items"][0]["body"]["title"] == "Third"
    publish(call)
    assert (draft(call)["undo"], draft(call)["redo"]) == (0, 0)


def test_two_windows_of_one_author_do_not_overwrite_each_other(call: Client) -> None:
    put(call, PROJECT)
    seen = call("admin", "GET", "meta/objects/project").headers["ETag"]
    assert put(call, {**PROJECT, "title": "One"}, **{"If-Match": seen}) == 200
    answer = call("admin", "PUT", "meta/objects/project", PROJECT, {"If-Match": seen})
    assert answer.status_code == 409
    assert answer.get_json()["detail"] == (
        "This was changed in another window meanwhile; look at it again before you save"
    )


def test_a_draft_says_what_it_changes_part_by_part(call: Client) -> None:
    put(call, PROJECT)
    publish(call)
    properties = {**PROJECT["properties"], "code": {"type": "string"}}
    del properties["due"]
    put(call, {**PROJECT, "title": "Undertaking", "properties": properties})
    (found,) = draft(call)["changes"]
    assert (found["kind"], found["name"], found["state"]) == ("object", "project", "changed")
    parts = {part["path"]: part["state"] for part in found["parts"]}
    assert parts == {
        "/title": "changed",
        "/properties/code": "added",
        "/properties/due": "removed",
    }


def test_a_plan_counts_rows_values_and_mentions(call: Client) -> None:
    put(call, PROJECT)
    call(
        "admin",
        "PUT",
        "meta/views/project/mine",
        {"title": "Mine", "columns": ["name", "code"], "filter": 'code contains "1"'},
    )
    with_code = {**PROJECT, "properties": {**PROJECT["properties"], "code": {"type": "string"}}}
    put(call, with_code)
    publish(call)
    for code in ("12", "007", "abc", None):
        created(call, "admin", "project", name="Bridge", code=code)
    converted = {**PROJECT["properties"], "code": {"type": "string", "format": "date"}}
    put(call, {**PROJECT, "properties": converted})
    (operation,) = [o for o in planned(call)["operations"] if o["kind"] == "convert_field"]
    assert (operation["rows"], operation["values"]) == (3, 3)
    assert operation["conversion"]["lost"] == 3
    assert {s["before"] for s in operation["conversion"]["samples"]["lost"]} == {"12", "007", "abc"}
    mentions = {(m["kind"], m["name"], m["path"]) for m in operation["mentions"]}
    assert ("view", "project/mine", "/filter") in mentions


def test_values_that_do_not_convert_are_confirmed_and_come_back(call: Client) -> None:
    with_code = {**PROJECT, "properties": {**PROJECT["properties"], "code": {"type": "string"}}}
    put(call, with_code)
    before = publish(call)
    record = created(call, "admin", "project", name="Bridge", code="abc")
    put(call, {**with_code, "properties": {**with_code["properties"], "code": {"type": "integer"}}})
    plan = planned(call)
    assert plan["destructive"] == ["project.code"]
    refused = call("admin", "POST", "meta/publish", {"token": plan["token"]})
    assert (refused.status_code, refused.get_json()["errors"][0]["code"]) == (422, "unconfirmed")
    publish(call, confirm=["project.code"])
    assert call("admin", "GET", f"project/{record['id']}").get_json()["code"] is None
    back = call("admin", "POST", "meta/rollback", {"version": before}).get_json()
    assert back["problems"] == []
    answer = call("admin", "POST", "meta/publish", {"token": back["token"]})
    assert answer.status_code == 200, answer.get_json()
    assert call("admin", "GET", f"project/{record['id']}").get_json()["code"] == "abc"
    history = call("admin", "GET", f"project/{record['id']}/history").get_json()["items"]
    assert history[0]["changes"]["code"] == [None, "abc"]


def test_a_removed_option_is_replaced_with_history(call: Client) -> None:
    put(call, PROJECT)
    publish(call)
    record = created(call, "admin", "project", name="Bridge", stage="done")
    stage = {"type": "string", "enum": ["open", "closed"], "default": "open"}
    put(call, {**PROJECT, "properties": {**PROJECT["properties"], "stage": stage}})
    (problem,) = planned(call)["problems"]
    assert (problem["path"], problem["code"]) == (
        "/objects/project/properties/stage",
        "option_in_use",
    )
    moved = {"replace": {"project.stage": {"done": "closed"}}}
    plan = call("admin", "POST", "meta/plan", moved).get_json()
    assert plan["problems"] == []
    answer = call("admin", "POST", "meta/publish", {"token": plan["token"], **moved})
    assert answer.status_code == 200, answer.get_json()
    assert call("admin", "GET", f"project/{record['id']}").get_json()["stage"] == "closed"
    history = call("admin", "GET", f"project/{record['id']}/history").get_json()["items"]
    assert history[0]["changes"] == {"stage": ["done", "closed"]}


def test_versions_tell_what_they_did_and_differ_in(call: Client) -> None:
    put(call, PROJECT)
    first = publish(call)
    put(call, {**PROJECT, "title": "Undertaking"})
    second = publish(call, message="A better name")
    told = call("admin", "GET", f"meta/versions/{second}").get_json()
    assert [o["text"] for o in told["operations"]] == ["project: changed title"]
    diff = call("admin", "GET", f"meta/versions/{second}/diff?from={first}").get_json()
    assert diff["changes"] == [
        {
            "kind": "object",
            "name": "project",
            "state": "changed",
            "parts": [
                {"path": "/title", "state": "changed", "before": "Project", "after": "Undertaking"}
            ],
        }
    ]
    assert call("admin", "GET", "meta/versions/99/diff").status_code == 422
    assert call("rita", "GET", f"meta/versions/{second}").status_code == 403


def test_pages_of_plans_and_versions(call: Client) -> None:
    """The API's tokens are what the pages use, too: a stale one names what moved and who did it."""
    put(call, PROJECT)
    plan = planned(call)
    publish(call)
    moved = call("admin", "POST", "meta/publish", {"token": plan["token"]}).get_json()
    assert moved["errors"][0]["code"] == "base_moved"
    assert "changed: object project" in moved["detail"]
