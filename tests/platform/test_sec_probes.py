"""What attackers try at every door of the API: ids of others, fields that are not theirs, patterns,
formulas and names of columns. Each test is named after its row of the list of peers' bugs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from flask import Flask

from tests.platform.acting import change_element, database_hash, make, restrict_field, stored
from tests.platform.filing import add_folders, make_folder
from tests.platform.record_acts import NOWHERE, own_quote, set_stage
from tests.platform.test_api import LEAD, Client, call, created
from tests.platform.test_sec_writes import ACTION, PARTS
from tests.platform.test_webhook_sources import source
from tests.platform.world import Login, People
from trellis.declared import declaration_of
from trellis.rates import WINDOW_SECONDS
from trellis.runtime import Platform

__all__ = ["call"]

PREFIX = "/api/v1/"

# What the platform sets, what a role only reads or does not see, what there is no such thing as.
NOT_GRANTED = (
    *("id", "version", "created_at", "created_by", "updated_at", "updated_by", "deleted_at"),
    *("source", "import_batch", "owner_team", "owner_queue", "hidden", "reviewed", "token"),
    *("photos", "tenant", "approval_state", "is_admin", "roles", "o_folder", "name$fold"),
    *("id_number$index", "token$", "__class__", "grants"),
)
DOORS = {
    "create": ("POST", "folder"),
    "change": ("PATCH", "folder/{id}"),
    "upsert, new": ("PUT", "folder/by/id_number/77"),
    "upsert, known": ("PUT", "folder/by/id_number/11"),
    "bulk create": ("POST", "folder/bulk"),
    "bulk update": ("POST", "folder/bulk"),
}


@pytest.mark.parametrize("door", DOORS)
def test_sec_06_no_door_takes_fields_that_are_not_granted(
    platform: Platform, call: Client, login: Login, door: str
) -> None:
    add_folders(platform)

    def keep(body: dict[str, Any]) -> None:
        rights = dict.fromkeys(("reviewed", "token", "photos"), "read")
        body["grants"]["folder"]["fields"].update(rights)

    change_element(platform, "role", "sales_rep", keep)
    mine = make_folder(login("rita"), id_number="11")
    call("rita", "GET", "folder")
    before = database_hash(platform)
    method, address = DOORS[door]
    state = {} if door == "upsert, new" else {"If-Match": "*"}
    for name in NOT_GRANTED:
        sent: object = {"name": "Changed", name: "x"}
        if "bulk" in door:
            op = {"op": "create"} if door == "bulk create" else {"op": "update", "id": mine}
            sent = [{**op, "data": sent}]
        answer = call("rita", method, address.format(id=mine), sent, state)
        assert answer.status_code in {403, 422}, (name, answer.get_json())
    assert database_hash(platform) == before
    granted: object = {"name": "Changed"}
    if "bulk" in door:
        granted = [{**op, "data": granted}]
    answer = call("rita", method, address.format(id=mine), granted, state)
    assert answer.status_code in {200, 201}, answer.get_json()


def record_routes(app: Flask) -> Iterator[tuple[str, str]]:
    """Gives method and address of every route of the API that takes the id of a record, but of
    actions, which have bodies of their own."""
    for rule in app.url_map.iter_rules():
        if "record_id" not in rule.arguments or not rule.rule.startswith(PREFIX):
            continue
        if declaration_of(app.view_functions[rule.endpoint]) is None:
            continue
        if rule.rule.endswith(ACTION):
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            address = rule.rule.removeprefix(PREFIX).replace("<object_name>", "lead")
            for part, value in PARTS.items():
                address = address.replace(f"<{part}>", value)
            yield method, address


def test_sec_07_every_route_answers_foreign_ids_as_unknown_ones(
    app: Flask, call: Client, platform: Platform
) -> None:
    foreign, deleted, merged = (make(platform, "ron", "lead", **LEAD) for _ in range(3))
    keep = make(platform, "ron", "lead", **LEAD)
    assert call("diana", "DELETE", f"lead/{deleted}", None, {"If-Match": "*"}).status_code == 204
    body: dict[str, object] = {"records": [merged]}
    assert call("diana", "POST", f"lead/{keep}/actions/merge", body).status_code == 200
    call("rita", "GET", "lead")
    before = database_hash(platform)
    tried = 0
    for method, address in record_routes(app):
        for sent in ({}, {"name": "X"}) if method not in {"GET", "DELETE"} else (None,):
            told = set()
            for record in (foreign, deleted, merged, NOWHERE):
                place = address.replace("<record_id>", record)
                answer = call("rita", method, place, sent, {"If-Match": "*"})
                text = answer.get_data(as_text=True).replace(record, "ID")
                told.add((answer.status_code, text, answer.headers.get("ETag")))
            ((status, text, _),) = told
            assert 400 <= status < 500, (method, address, text)
            tried += 1
    assert tried > 10
    assert database_hash(platform) == before


def test_sec_07_every_action_answers_foreign_ids_as_unknown_ones(
    call: Client, platform: Platform, people: People
) -> None:
    """Users are foreign to somebody whose role lets him read himself alone."""

    def narrow(body: dict[str, Any]) -> None:
        himself = {"read": 'username = "ron"', "because": "he is"}
        body["grants"]["user"] = {"read": "none", "share": [himself]}

    stage = set_stage(platform, people)
    own, other = own_quote(platform, "ron"), own_quote(platform, "diana")
    assert call("diana", "DELETE", f"quote/{other}", None, {"If-Match": "*"}).status_code == 204
    change_element(platform, "role", "sales_rep", narrow)
    assert call("ron", "GET", f"user/{people['ron']}").status_code == 200
    before = database_hash(platform)
    for act in stage.acts(own):
        told = set()
        for record in (act.record, other, NOWHERE):
            address = replace(act, record=record).address
            answer = call("ron", "POST", address, act.body, {"If-Match": "*"})
            text = answer.get_data(as_text=True).replace(record, "ID")
            told.add((answer.status_code, text, answer.headers.get("ETag")))
        assert len(told) == 1, (act, told)
        # Who does not administer is told so before anybody looks for a record.
        assert {status for status, *_ in told} <= ({404} if act.object == "quote" else {403, 404})
    assert database_hash(platform) == before


POINTING = {
    "a reference": ("POST", "contact", {"name": "A", "account": "{}"}),
    "a filter": ("GET", "contact?filter=account%20%3D%20%22{}%22", None),
    "one merged into another": ("POST", "lead/{own}/actions/merge", {"records": ["{}"]}),
    "a bulk": ("POST", "lead/bulk?mode=each", [{"op": "delete", "id": "{}", "version": 1}]),
    "a successor": ("POST", "lead/{own}/actions/assign", {"to": "{}"}),
    "a grantee": ("POST", "lead/{own}/actions/share", {"to": "{}", "level": "read"}),
    "an import": ("GET", "lead/import/{}", None),
    "an export": ("GET", "lead/export/{}", None),
    "a file": ("GET", "files/{}", None),
}


@pytest.mark.parametrize("place", POINTING)
def test_sec_07_ids_in_bodies_and_parameters_tell_nothing(
    call: Client, platform: Platform, place: str
) -> None:
    def narrow(body: dict[str, Any]) -> None:
        body["grants"]["account"]["read"] = "own"

    change_element(platform, "role", "sales_rep", narrow)
    foreign = make(platform, "diana", "account", name="Secret")
    other = make(platform, "ron", "lead", **LEAD)
    own = make(platform, "rita", "lead", **LEAD)
    assert call("rita", "GET", f"account/{foreign}").status_code == 404
    method, address, body = POINTING[place]
    told = set()
    for record in (foreign, other, NOWHERE):
        sent = None if body is None else json.loads(json.dumps(body).replace("{}", record))
        answer = call("rita", method, address.replace("{own}", own).replace("{}", record), sent)
        told.add((answer.status_code, answer.get_data(as_text=True).replace(record, "ID")))
    assert len(told) == 1, told


NAMING = ("user", "user_id", "as", "on_behalf_of", "account", "principal", "login_as", "preview")
HEADERS = ("X-User", "X-User-Id", "X-Forwarded-User", "X-Remote-User", "Remote-User", "X-Role")


def test_sec_07_nothing_in_a_request_names_who_asks(call: Client, platform: Platform) -> None:
    make(platform, "ron", "lead", **LEAD)
    make(platform, "rita", "lead", **LEAD)
    mine = call("rita", "GET", "lead").get_data()
    for name in NAMING:
        refused = call("rita", "GET", f"lead?{name}=ron")
        assert (refused.status_code, refused.get_json()["errors"][0]["path"]) == (422, name)
    for name in HEADERS:
        assert call("rita", "GET", "lead", None, {name: "ron"}).get_data() == mine


# Names where the API takes names of fields; each would be SQL if it were spliced into it.
INJECTED = (
    *("name; DROP TABLE o_lead", "name' OR '1'='1", 'name" OR "1"="1', "name) FROM ab_user --"),
    *("(SELECT password FROM ab_user LIMIT 1)", "name/**/UNION/**/SELECT/**/1", "o_lead.name"),
    *("name COLLATE NOCASE", "pg_sleep(5)", "name$fold", "ab_user.password", "rowid", "*", "1"),
)
NAMES = ("lead?sort={}", "lead?fields={}", "lead?expand={}", "lead?filter={}", "lead?after={}",
         "lead/aggregate?group={}", "lead/aggregate?measure=sum({})", "lead/aggregate?having={}>1",
         "lead/aggregate?sort={}", "search?q=x&objects={}", "{}", "changes?object={}")  # fmt: skip


@pytest.mark.parametrize("place", NAMES)
def test_sec_08_no_name_becomes_sql(call: Client, platform: Platform, place: str) -> None:
    make(platform, "rita", "lead", **LEAD)
    call("rita", "GET", "lead")
    before = database_hash(platform)
    for text in INJECTED:
        answer = call("rita", "GET", place.replace("{}", quote(text, safe="")))
        assert answer.status_code in {404, 422}, (text, answer.get_data(as_text=True)[:300])
    assert database_hash(platform) == before
    text = "x' OR '1'='1"
    for found in (f"lead?search={quote(text)}", f"lead?{urlencode({'filter': json.dumps(text)})}"):
        answer = call("rita", "GET", found)
        assert answer.status_code == 422 or answer.get_json()["items"] == []


FORMULAS = (
    *("().__class__.__bases__", "name.__class__ = 1", '__import__("os")', "{{ 7 * 7 }} = 49"),
    *("eval(name)", 'open("/etc/passwd") = ""', "lambda: 1", "name.format(name)", "${7*7}"),
    *("name % name", "user.password is empty", "self", "globals()", "[x for x in name]"),
)


def test_sec_09_no_formula_reaches_python_or_a_template(
    call: Client, platform: Platform, login: Login
) -> None:
    make(platform, "rita", "lead", **{**LEAD, "name": "{{ 7 * 7 }}${7*7}"})
    for text in FORMULAS:
        answer = call("rita", "GET", f"lead?{urlencode({'filter': text})}")
        assert answer.status_code == 422, (text, answer.get_json())
        assert answer.get_json()["errors"][0]["path"] == "filter"
    page = login("rita").get("/o/lead/").get_data(as_text=True)
    assert "{{ 7 * 7 }}${7*7}" in page
    assert ">49<" not in page


@pytest.mark.parametrize(
    "text",
    ["(" * 2_000 + "1" + ")" * 2_000 + " = 1", "not " * 3_000 + "hot", "-" * 5_000 + "1 = 1",
     "if(true, " * 500 + "1" + ", 2)" * 500 + " = 1", 'name = "' + "x" * 20_000 + '"'],
    ids=["brackets", "not", "minus", "calls", "long"],
)  # fmt: skip
def test_sec_10_depth_and_length_are_bounded(call: Client, text: str) -> None:
    too_much(call, "lead", text)


@pytest.mark.parametrize(
    "step", ["(if {} > 1 CNY then amount else amount)", "max({}, amount)"], ids=["if", "max"]
)
def test_sec_10_what_is_short_but_long_in_sql_is_bounded(call: Client, step: str) -> None:
    """Each step stands in the text of the one around it several times."""
    text = "amount"
    for _ in range(40):
        text = step.replace("{}", text)
    too_much(call, "opportunity", f"{text} > 1 CNY")


def too_much(call: Client, object_name: str, text: str) -> None:
    call("rita", "GET", object_name)
    begun = time.thread_time()
    answer = call("rita", "GET", f"{object_name}?{urlencode({'filter': text})}")
    assert time.thread_time() - begun < 5
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["path"] == "filter"


def test_sec_23_a_rule_lends_nobody_its_rights(
    call: Client, platform: Platform, people: People
) -> None:
    """What a rule writes into a field that its cause may not see stays unseen, and its history says
    who saved; nobody without the right writes or changes a rule."""
    restrict_field(platform, "sales_rep", "lead", "score", "hidden")
    made = created(call, "rita", "lead", **LEAD)
    address = f"lead/{made['id']}"
    saved = call("rita", "PATCH", address, {"employees": 1500}, {"If-Match": "*"})
    assert saved.status_code == 200
    points = stored(platform, "lead", made["id"])["score"]
    assert points > 0
    for answer in (saved, call("rita", "GET", address), call("rita", "GET", f"{address}/history")):
        assert '"score"' not in answer.get_data(as_text=True)
    refused = call("rita", "PATCH", address, {"score": 99}, {"If-Match": "*"})
    assert (refused.status_code, refused.get_json()["errors"][0]["code"]) == (422, "unknown_field")
    assert stored(platform, "lead", made["id"])["score"] == points
    newest = call("diana", "GET", f"{address}/history?limit=1").get_json()["items"][0]
    assert (newest["version"], newest["by"]) == (2, people["rita"])
    assert newest["changes"]["score"][1] == points
    rule = {"texts": {"mine.rules": "ruleset mine version 1"}}
    assert call("rita", "PUT", "meta/rules/mine", rule).status_code in {403, 404}


def evil_patterns() -> list[str]:
    """Gives patterns that take other engines longer than anybody waits."""
    inner = ("a", "a|a", "a|aa", "a?", "a*", "[a-z]", r"\w", ".", "a{1,9}", r"\d|\w")
    outer = ("({})+$", "({})*$", "^(({})+)+$", "({}){{2,60}}$", "^({})*!x$")
    return [form.format(one) for one in inner for form in outer]


def test_sec_16_fifty_evil_patterns_take_no_time(call: Client, platform: Platform) -> None:
    """Asked of a record, by either database, in the time of the process that asks."""
    make(platform, "rita", "lead", **{**LEAD, "name": "a" * 60 + "!"})
    call("rita", "GET", "lead")
    patterns = evil_patterns()
    assert len(set(patterns)) == 50
    for pattern in patterns:
        text = f"name matches {json.dumps(pattern)}"
        begun = time.monotonic()
        answer = call("rita", "GET", f"lead?{urlencode({'filter': text})}")
        assert answer.status_code in {200, 422}, pattern
        assert time.monotonic() - begun < 10, pattern


WRONG = {"a wrong password": [401], "\x00": [400], "x\x00": [401], "\ud800": [400]}


@dataclass
class Ahead:
    """A clock that goes on when it is told to, so that nobody has tried too often."""

    now: float = 0

    def __call__(self) -> float:
        return self.now


def test_sec_20_who_is_unknown_or_locked_gets_the_same_answer(app: Flask, login: Login) -> None:
    """The time it takes is in `test_login_timing`."""
    login("admin")
    app.extensions["trellis_rates"]._clock = clock = Ahead()
    told: dict[str, set[tuple[int, bytes]]] = {}
    names = ("rita", "nobody", "RITA ", "rita\x00", "x" * 5_000)
    for name, password in product(names, WRONG):
        body = {"username": name, "password": password, "provider": "db"}
        clock.now += WINDOW_SECONDS
        answer = app.test_client().post("/api/v1/security/login", json=body)
        told.setdefault(password, set()).add((answer.status_code, answer.get_data()))
    assert {key: [status for status, _ in found] for key, found in told.items()} == WRONG


def test_sec_20_a_hook_tells_nobody_which_sources_there_are(
    app: Flask, platform: Platform, people: People
) -> None:
    sources = [NOWHERE, "x", source(platform, people), source(platform, people, active=False)]
    headers = {"webhook-id": "m", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"}
    answers = [app.test_client().post(f"/hooks/{one}", json={}, headers=headers) for one in sources]
    told = {(one.status_code, one.get_data(as_text=True)) for one in answers}
    assert len(told) == 1
    assert next(iter(told))[0] == 401
