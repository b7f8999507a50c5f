"""Every way in says what it is about: object and action (SEC-04), and what it says holds."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from flask import Flask
from werkzeug.routing import Rule

from metadata.access import ACTIONS
from tests.platform.acting import database_hash, make
from tests.platform.world import Login
from trellis.actions import load_actions
from trellis.api.actions import record_actions
from trellis.api.operations import operation_of
from trellis.cli import trellis
from trellis.declared import ANY_OBJECT, Declaration, declaration_of
from trellis.jobs.kinds import job_kinds
from trellis.runtime import Platform

KNOWN_ACTIONS = {*ACTIONS, "create", "administer", ""}

# Flask's and Flask-AppBuilder's own: files of the design, logging in and out, and what answers only
# what FAB's permissions let through; `test_foreign_pages_are_for_administrators` tries them.
FOREIGN = ("SecurityApi.", "LoginView.", "UtilView.", "GroupPages.", "RolePages.")
STATIC = ("static", "appbuilder.static")
API = ("/api/", "/schemas/")
OBJECT_PART = "<object_name>"
#: What stands for the parts of addresses, other than the object and its record.
PARTS = {
    **dict.fromkeys(("run_id", "pair_id", "request_id", "notice_id", "webhook_id"), "none"),
    **dict.fromkeys(("user_id", "source_id", "token", "file_id", "key_id", "pk"), "none"),
    **dict.fromkeys(("name", "action", "code", "filename", "message_id", "piece"), "none"),
    "absence_id": "none",
    "field_name": "name",
    "work": "effects",
    **{"keyword": "rule", "rule": "opportunity_forecast", "entry_id": "none"},
    "version": "1",
    **{"scored": "lead", "score": "lead_score"},
}


def own_rules(app: Flask) -> Iterator[tuple[Rule, Declaration | None]]:
    """Gives our own routes with what they declare."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint not in STATIC and not rule.endpoint.startswith(FOREIGN):
            yield rule, declaration_of(app.view_functions[rule.endpoint])


def commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Gives every command with the words that call it."""
    with click.Context(group) as context:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            if isinstance(command, click.Group):
                yield from commands(command, f"{path}{name} ")
            else:
                yield f"{path}{name}", command


def test_each_route_declares_object_and_action(app: Flask) -> None:
    wrong = {
        rule.rule: found
        for rule, found in own_rules(app)
        if found is None
        or found.action not in KNOWN_ACTIONS
        or (found.object == ANY_OBJECT) != (OBJECT_PART in rule.rule)
    }
    assert wrong == {}


def test_each_route_of_the_api_describes_its_operation(app: Flask) -> None:
    described = {
        rule.rule: operation_of(app.view_functions[rule.endpoint]) is not None
        for rule, _found in own_rules(app)
        if rule.rule.startswith("/api/v1/")
    }
    assert len(described) > 50
    assert [rule for rule, known in described.items() if not known] == []


def test_each_command_declares_object_and_action() -> None:
    found = {
        name: command.callback and declaration_of(command.callback)
        for name, command in commands(trellis)
    }
    assert len(found) > 25
    assert {name for name, one in found.items() if not one or one.action not in KNOWN_ACTIONS} == (
        set()
    )


def test_each_job_and_each_effect_declares_object_and_action() -> None:
    kinds: list[tuple[str, object]] = [*job_kinds().items(), *load_actions().items()]
    found = {name: declaration_of(type(kind)) for name, kind in kinds}
    assert len(found) > 5
    assert {name for name, one in found.items() if not one or one.action not in KNOWN_ACTIONS} == (
        set()
    )


def test_each_action_on_records_names_its_right() -> None:
    assert {one.right for one in record_actions().values()} <= KNOWN_ACTIONS
    assert len(record_actions()) > 10


def address(rule: Rule, **parts: str) -> str:
    """Gives an address of a route."""
    missing = rule.arguments - PARTS.keys() - parts.keys()
    assert not missing, f"nothing stands for {missing} in {rule.rule}: add it to PARTS"
    written = rule.rule
    for name, value in {**PARTS, **parts}.items():
        for form in (f"<{name}>", f"<path:{name}>", f"<int:{name}>", f"<string:{name}>"):
            written = written.replace(form, value)
    return written


def requests(rule: Rule) -> list[str]:
    """Gives the methods of a route."""
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


def test_sec_04_pages_hold_what_they_declare(app: Flask, login: Login, platform: Platform) -> None:
    """Fay knows no leads; Ron reads Rita's account and may do nothing else with it."""
    lead = make(platform, "rita", "lead", name="Wang", lead_source="web")
    account = make(platform, "rita", "account", name="Acme")
    fay, ron = login("fay"), login("ron")
    before, tried = database_hash(platform), 0
    for rule, declared in own_rules(app):
        if rule.rule.startswith(API) or declared is None or not declared.action:
            continue
        cases = [(fay, "lead", lead)]
        if declared.action in {"update", "delete", "assign", "share", "approve"}:
            cases.append((ron, "account", account))
        for client, object_name, record_id in cases:
            if client is ron and "<record_id>" not in rule.rule:
                continue
            asked = address(rule, object_name=object_name, record_id=record_id)
            for method in requests(rule):
                answer = client.open(asked, method=method, data={"name": "Changed"})
                place = (method, asked, answer.status_code)
                assert answer.status_code in {400, 403, 404, 409, 422}, place
                assert declared.action == "approve" or answer.status_code != 400, place
                tried += 1
    assert tried > 90
    assert database_hash(platform) == before


def test_foreign_pages_are_for_administrators(app: Flask, login: Login) -> None:
    rita = login("rita")
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith(("GroupPages.", "RolePages.")):
            for method in requests(rule):
                answer = rita.open(address(rule), method=method)
                where = answer.headers.get("Location", "")
                assert answer.status_code in {400, 403, 404} or where == "/", (rule.rule, method)


@pytest.mark.parametrize("address", ["/o/lead/", "/setup/audit", "/api/v1/lead", "/files/a/b"])
def test_nobody_comes_in_without_logging_in(app: Flask, people: object, address: str) -> None:
    answer = app.test_client().get(address)
    assert answer.status_code in {302, 401}
    assert answer.status_code == 401 or answer.headers["Location"].startswith("/login?next=")
