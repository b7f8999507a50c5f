"""What a plan says of open approvals, and what becomes of them, through every door: packages and
drafts, the API, the pages and the command line."""

from __future__ import annotations

import io
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from metadata.packages.export import zipped
from tests.metadata.package_world import SCHOOL, package
from tests.platform.pages import read, text
from tests.platform.test_api import Client, call, created
from tests.platform.test_cli import run
from tests.platform.world import Bearer, Login
from trellis.config import Settings

__all__ = ["call"]

AID = """
approval aid "Aid" on student {
    self approval allowed
    step clerk { approvers role "admin" }
    step head when lead is not empty { approvers role "admin" }
}
"""
FOLLOW = "Open approvals whose rules follow the new names: 1"
STUCK = "as their rules would not fit: 1. They could only be recalled"


def school(version: str, rules: str, lead: str = "lead") -> Any:
    """Gives a zip of the school, with another name of the reference to a lead."""
    files = deepcopy(SCHOOL)
    files["manifest.json"].update(version=version, requires={"crm": ">=0.1"})
    properties = files["objects/student.json"]["properties"]
    properties[lead] = properties.pop("lead")
    if lead != "lead":
        properties[lead]["crm"]["renamed_from"] = "lead"
    return zipped(package({**files, "rules/aid.rules": rules}).files)


@pytest.fixture
def asked(call: Client, app: Flask, bearer: Bearer) -> str:
    """A student with a lead for whom aid was asked; gives the address of the record."""
    plan = planned(app, bearer, school("1.0.0", AID))
    assert call("admin", "POST", "packages/install", {"token": plan["token"]}).status_code == 200
    lead = created(call, "admin", "lead", name="L", company="C")["id"]
    student = created(call, "admin", "student", name="Li", fee="5", lead=lead)["id"]
    address = f"student/{student}/actions"
    assert call("admin", "POST", f"{address}/submit").status_code == 200
    return address


def planned(app: Flask, bearer: Bearer, sent: bytes) -> dict[str, Any]:
    """Plans a zip through the API."""
    data = {"file": (io.BytesIO(sent), "school.zip")}
    answer = app.test_client().post("/api/v1/packages/plan", data=data, headers=bearer("admin"))
    found: dict[str, Any] = answer.get_json()
    assert found["problems"] == []
    return found


def printed(settings: Settings, *command: str) -> str:
    """Gives what a command prints."""
    variables = {
        "TRELLIS_INSTANCE": str(settings.instance),
        "TRELLIS_DATABASE_URL": settings.database_url,
        "TRELLIS_SECRET_KEY": settings.secret_key,
    }
    return run(*command, **variables).stdout


def decided(call: Client, address: str) -> list[str]:
    """Gives how a request that waits for its first step stands after each approval."""
    answers = [call("admin", "POST", f"{address}/approve").get_json() for _ in range(2)]
    return [one["status"] for one in answers]


def test_a_package_that_renames_is_followed(
    call: Client,
    app: Flask,
    bearer: Bearer,
    login: Login,
    settings: Settings,
    asked: str,
    tmp_path: Path,
) -> None:
    newer = AID.replace("when lead", "when prospect").replace("step head", "step dean")
    two = school("2.0.0", newer, "prospect")
    plan = planned(app, bearer, two)
    assert plan["requests"] == {"renamed": 1, "stuck": 0}
    admin = login("admin")
    data = {"file": (io.BytesIO(two), "school.zip")}
    sent = admin.post("/setup/packages/plan", data=data)
    assert FOLLOW in text(read(admin.get(sent.headers["Location"])), "main")
    (tmp_path / "school.zip").write_bytes(two)
    assert FOLLOW in printed(settings, "package", "plan", str(tmp_path / "school.zip"))
    installed = call("admin", "POST", "packages/install", {"token": plan["token"]})
    assert installed.status_code == 200
    assert decided(call, asked) == ["open", "approved"]


@pytest.mark.parametrize("what", ["renamed", "stuck"])
def test_a_draft_tells_what_becomes_of_open_approvals(
    call: Client, login: Login, settings: Settings, asked: str, what: str
) -> None:
    address = "meta/objects/student"
    student = call("admin", "GET", address).get_json()
    lead = student["properties"].pop("lead")
    rules = AID.replace("step head", "step dean")
    if what == "renamed":
        lead["crm"]["renamed_from"] = "lead"
        student["properties"]["prospect"] = lead
    else:
        rules = rules.replace("lead is", "name is")
    assert call("admin", "PUT", address, student).status_code == 200
    text_of_rules = call("admin", "PUT", "meta/rules/school/aid", {"text": rules})
    assert text_of_rules.status_code == 200, text_of_rules.get_json()
    plan = call("admin", "POST", "meta/plan").get_json()
    assert (plan["problems"], plan["requests"]) == ([], {"renamed": 0, "stuck": 0, what: 1})
    said = FOLLOW if what == "renamed" else STUCK
    admin = login("admin")
    assert said in text(read(admin.get("/setup/publish")), "main")
    chinese = admin.get("/setup/publish", headers={"Accept-Language": "zh-CN"})
    assert "待审批申请：1" in text(read(chinese), "main")
    assert said in printed(settings, "meta", "plan", "--user", "admin")
    confirmed = {"token": plan["token"], "confirm": plan["destructive"]}
    assert call("admin", "POST", "meta/publish", confirmed).status_code == 200
    if what == "renamed":
        assert decided(call, asked) == ["open", "approved"]
    else:
        assert call("admin", "POST", f"{asked}/approve").status_code == 409
