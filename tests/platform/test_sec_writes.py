"""SEC-05 for every route that writes: who may not changes nothing, whatever the route.

Routes are taken from the application: one that is new is tried by itself, and fails the test when
its address has a part that nothing stands for here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from tests.platform.acting import acting, database_hash, make, outbox_rows, trying
from tests.platform.record_acts import BODIES as ACT_BODIES
from tests.platform.record_acts import NOWHERE, body_of, own_quote, set_stage
from tests.platform.test_api import LEAD, Client, call
from tests.platform.test_approvals import quote_with
from tests.platform.world import Login, People
from trellis.api.actions import Call, record_actions
from trellis.approvals import of_record, submit
from trellis.declared import declaration_of
from trellis.runtime import Platform

__all__ = ["call"]

PREFIX = "/api/v1/"
ANY_OBJECT_PART = "<object_name>"
ACTION = "/actions/<name>"
SAFE = {"GET", "HEAD", "OPTIONS"}
# What stands for the parts of addresses that are no object and no record.
PARTS = {
    **dict.fromkeys(("pair_id", "run_id", "key_id", "job_id", "share_id", "event_id"), NOWHERE),
    **{"field": "name", "value": "Acme", "kinds": "objects", "name": "lead", "version": "1"},
    **{"work": "effects", "piece": NOWHERE, "keyword": "rule", "rule": "opportunity_forecast"},
    **{"scored": "lead", "score": "lead_score"},
}
# Bodies with which a caller who may would succeed; others are tried with an empty one, actions on
# records with theirs.
BODIES: Mapping[str, object] = {
    "<object_name>": LEAD,
    "<object_name>/<record_id>": {"name": "Changed"},
    "<object_name>/bulk": [{"op": "create", "data": LEAD}],
    "<object_name>/duplicates": LEAD,
}


@dataclass(frozen=True)
class Try:
    """A request to a route that writes."""

    method: str
    rule: str
    address: str
    body: object

    @property
    def is_about_records(self) -> bool:
        return ANY_OBJECT_PART in self.rule

    @property
    def is_action(self) -> bool:
        return self.rule.endswith(ACTION)


def rules_that_write(app: Flask) -> Iterator[tuple[str, Rule]]:
    """Gives the methods and rules of our own routes that are not for reading alone."""
    for rule in app.url_map.iter_rules():
        declared = declaration_of(app.view_functions[rule.endpoint])
        if rule.rule.startswith(PREFIX) and declared is not None:
            for method in sorted((rule.methods or set()) - SAFE):
                yield method, rule


def tries(app: Flask, object_name: str, record_id: str) -> Iterator[Try]:
    """Gives a request for each route, and for each action on records."""
    for method, rule in rules_that_write(app):
        short = rule.rule.removeprefix(PREFIX)
        ids = {"object_name": object_name, "record_id": record_id}
        is_action = short.endswith(ACTION)
        names = [*record_actions()] if is_action else [PARTS["name"]]
        for name in names:
            values = {**PARTS, **ids, "name": name}
            missing = rule.arguments - values.keys()
            assert not missing, f"nothing stands for {missing} in {rule.rule}: add it to PARTS"
            address = short
            for part in rule.arguments:
                address = address.replace(f"<{part}>", values[part])
                address = address.replace(f"<path:{part}>", values[part])
            body = body_of(name) if is_action else BODIES.get(short, {})
            yield Try(method, short, address, None if method == "DELETE" else body)


def refused(call: Client, platform: Platform, username: str, tried: Try, before: str) -> int:
    """Gives how a request was answered, which has changed nothing."""
    answer = call(username, tried.method, tried.address, tried.body, {"If-Match": "*"})
    place = (username, tried.method, tried.address, answer.get_data(as_text=True)[:300])
    assert 400 <= answer.status_code < 500, place
    assert database_hash(platform) == before, place
    assert outbox_rows(platform) == [], place
    return answer.status_code


# What is about no record, and what reads only: anybody may. Who decides on nothing that waits for
# her decides nothing.
OPEN = {("POST", "files"), ("POST", "security/api_keys"), ("POST", "approvals/decide")}
KEYS = {("DELETE", "security/api_keys/<key_id>")}
READING = {("POST", "<object_name>/duplicates")}


def test_sec_05_no_route_writes_for_who_may_not(
    app: Flask, call: Client, platform: Platform
) -> None:
    lead = make(platform, "rita", "lead", **LEAD)
    for username in ("ron", "fay"):
        call(username, "GET", "user?limit=1")  # logs in, which writes
    before, rows = database_hash(platform), len(list(tries(app, "lead", lead)))
    assert rows > 30
    for tried in tries(app, "lead", lead):
        hidden = refused(call, platform, "fay", tried, before)
        if not tried.is_about_records:
            assert hidden == 403 or (tried.method, tried.rule) in OPEN | KEYS, tried
            continue
        unknown = Try(
            tried.method, tried.rule, tried.address.replace("lead", "leed", 1), tried.body
        )
        assert hidden == refused(call, platform, "fay", unknown, before), tried
        if "<record_id>" in tried.rule:
            assert refused(call, platform, "ron", tried, before) == 404, tried


def test_sec_05_every_action_has_a_body() -> None:
    assert record_actions().keys() == ACT_BODIES.keys()


#: Who may do what to the records of a stage; all else is Rita's to do.
MAY = {
    **dict.fromkeys(("add_signer", "approve", "claim", "forward", "reject"), "mark"),
    **dict.fromkeys(("assign",), "diana"),
    **dict.fromkeys(("depart", "end_sessions", "replay", "set_password", "set_roles"), "admin"),
}


def test_sec_05_only_who_may_acts_on_a_record(
    call: Client, platform: Platform, people: People
) -> None:
    """Each action is done by somebody, with the very body with which others are refused: who sees
    the record and may do no more is told so, and who does not see it finds none."""
    stage = set_stage(platform, people)
    for act in stage.acts(own_quote(platform, "rita")):
        action = record_actions()[act.name]
        assert action.problems(act.body) == []
        by = MAY.get(act.name, "rita")
        with trying(platform, by) as unit:
            assert action.run(Call(unit, act.object, act.record, act.body))
    own = own_quote(platform, "ron")
    for username in ("ron", "fay"):
        call(username, "GET", "user?limit=1")
    before, effects = database_hash(platform), outbox_rows(platform)
    for act in stage.acts(own):
        for username, status in (("ron", 404), ("fay", 403)):
            answer = call(username, "POST", act.address, act.body)
            place = (username, act.address, answer.get_data(as_text=True)[:300])
            assert answer.status_code == (status if act.object == "quote" else 403), place
            assert database_hash(platform) == before, place
            assert outbox_rows(platform) == effects, place


def test_sec_05_no_key_writes_beyond_its_scopes(
    app: Flask, call: Client, platform: Platform
) -> None:
    lead = make(platform, "admin", "lead", **LEAD)
    body = {"name": "Robot", "scopes": ["lead:read"]}
    key = call("admin", "POST", "security/api_keys", body).get_json()["key"]

    def keyed(
        _username: str, method: str, address: str, body: object, more: Mapping[str, str]
    ) -> TestResponse:
        headers = {"Authorization": f"Bearer {key}", **more}
        sent: dict[str, Any] = {} if body is None else {"json": body}
        return app.test_client().open(f"{PREFIX}{address}", method=method, headers=headers, **sent)

    before = database_hash(platform)
    for tried in tries(app, "lead", lead):
        if (tried.method, tried.rule) in READING:
            continue
        status = refused(keyed, platform, "key", tried, before)
        answers = {403, 404} if tried.is_action else {403, 404, 422}
        assert status in answers or (tried.method, tried.rule) in OPEN, tried
    assert keyed("key", "GET", f"lead/{lead}", None, {}).status_code == 200


@pytest.mark.parametrize(("scope", "decides"), [("lead:*", False), ("quote:approve", True)])
def test_sec_05_a_key_decides_only_within_its_scopes(
    app: Flask, call: Client, platform: Platform, scope: str, decides: bool
) -> None:
    quote = quote_with(platform, discount="0.35")
    with acting(platform, "rita") as unit:
        asked = submit(unit, "quote", quote)
    key = call("mark", "POST", "security/api_keys", {"name": "R", "scopes": [scope]}).get_json()
    headers = {"Authorization": f"Bearer {key['key']}"}
    client = app.test_client()
    shown = client.get(f"{PREFIX}approvals", headers=headers).get_json()["items"]
    assert [one["request"]["id"] for one in shown] == ([asked.id] if decides else [])
    body = {"verdict": "approve", "requests": [{"id": asked.id}]}
    answer = client.post(f"{PREFIX}approvals/decide", json=body, headers=headers)
    (told,) = answer.get_json()["results"]
    assert told["status"] == (200 if decides else 403), told
    with acting(platform, "admin") as unit:
        (after,) = of_record(unit, "quote", quote)
    assert (after.revision > asked.revision) is decides


def test_sec_05_who_may_does(call: Client, platform: Platform) -> None:
    lead = make(platform, "rita", "lead", **LEAD)
    for method, address, body, status in (
        ("POST", "lead", BODIES["<object_name>"], 201),
        ("PATCH", f"lead/{lead}", BODIES["<object_name>/<record_id>"], 200),
        ("POST", "lead/bulk", BODIES["<object_name>/bulk"], 200),
        ("POST", f"lead/{lead}/actions/assign", body_of("assign"), 200),
        ("DELETE", f"lead/{lead}", None, 204),
        ("POST", f"lead/{lead}/restore", {}, 200),
    ):
        answer = call("diana", method, address, body, {"If-Match": "*"})
        assert answer.status_code == status, (method, address, answer.get_json())


# SEC-21: with a cookie alone nothing is written, with a token no cookie is needed.
@pytest.mark.parametrize("site", [None, "cross-site"])
def test_sec_21_a_cookie_alone_writes_nothing(
    app: Flask, login: Login, platform: Platform, site: str | None
) -> None:
    lead = make(platform, "rita", "lead", **LEAD)
    browser = login("rita")
    browser.environ_base.pop("HTTP_X_CSRFTOKEN")
    before = database_hash(platform)
    headers = {"If-Match": "*", **({"Sec-Fetch-Site": site} if site else {})}
    for tried in tries(app, "lead", lead):
        sent: dict[str, Any] = {} if tried.body is None else {"json": tried.body}
        answer = browser.open(
            f"{PREFIX}{tried.address}", method=tried.method, headers=headers, **sent
        )
        assert answer.status_code in {400, 403}, tried
        assert database_hash(platform) == before, tried
