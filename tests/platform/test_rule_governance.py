"""Rules are tested before they are published, retired and activated by who says why, apply on
their days, and go back to what they were by the way of everything that is published."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tests.platform.acting import acting, make, outbox_rows, stored
from tests.platform.pages import get
from tests.platform.test_api import LEAD, Client, call, created
from tests.platform.test_approvals import do, quote_with
from tests.platform.world import Login
from trellis.approvals import decide, submit
from trellis.audit.tables import audit_event
from trellis.catalogs import Catalogs
from trellis.designer.rule_states import rule_state
from trellis.errors import Refused
from trellis.runtime import Platform, open_platform
from trellis.worker import make_dispatcher

__all__ = ["call"]

TEXT = """
rule hello "Hello" on lead after create, update {
    when company = "Acme"
    notify owner using "hello"
    set title to "greeted"
}
"""
TEST = """
test "Acme is greeted" of hello {
    given user as amy { name: "Amy" }
    given lead as one { name: "Li", email: "li@acme.cn", company: "Acme", owner: amy }
    do save
    expect one.title = "greeted"
}
"""
FILE = "local/hello"
RULE = "meta/rule_states/rule/hello"


def put(call: Client, text: str) -> None:
    assert call("admin", "PUT", f"meta/rules/{FILE}", {"text": text}).status_code == 200


def plan(call: Client) -> dict[str, Any]:
    made: dict[str, Any] = call("admin", "POST", "meta/plan").get_json()
    return made


def publish(call: Client, text: str) -> int:
    put(call, text)
    return published(call, plan(call))


def published(call: Client, made: dict[str, Any], message: str = "") -> int:
    assert made["problems"] == []
    body = {"token": made["token"], "message": message}
    answer = call("admin", "POST", "meta/publish", body)
    assert answer.status_code == 200, answer.get_json()
    version: int = answer.get_json()["version"]
    return version


def state(call: Client) -> dict[str, Any]:
    answer = call("admin", "GET", RULE)
    assert answer.status_code == 200, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


def act(call: Client, word: str, why: str = "Because", status: int = 200) -> dict[str, Any]:
    answer = call("admin", "POST", f"{RULE}/{word}", {"why": why})
    assert answer.status_code == status, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


def title_of(call: Client) -> object:
    """Gives what the rule makes of a new lead."""
    lead = created(call, "rita", "lead", **LEAD, company="Acme")
    return call("rita", "GET", f"lead/{lead['id']}").get_json()["title"]


def test_nothing_is_published_whose_tests_fail(call: Client) -> None:
    put(call, TEXT + TEST.replace('= "greeted"', '= "scolded"'))
    made = plan(call)
    assert [(one["path"], one["line"]) for one in made["problems"]] == [("/rules/local/hello", 8)]
    (problem,) = made["problems"]
    assert problem["message"] == (
        'The test "Acme is greeted" fails: 12:5: expected one.title = "scolded"; '
        'one.title = "scolded" is false because one.title is greeted'
    )
    answer = call("admin", "POST", "meta/publish", {"token": made["token"]})
    assert answer.status_code == 422
    assert state(call)["state"] == "draft"
    publish(call, TEXT + TEST)
    assert (state(call)["state"], state(call)["tests"]) == ("active", 1)
    assert title_of(call) == "greeted"


def test_who_breaks_a_test_by_changing_an_object_is_told(call: Client) -> None:
    lead = call("admin", "GET", "meta/objects/lead").get_json()
    vip = {"type": "boolean", "readOnly": True, "crm": {"formula": 'company = "Acme"'}}
    lead["properties"]["vip"] = vip
    call("admin", "PUT", "meta/objects/lead", lead)
    publish(call, (TEXT + TEST).replace('company = "Acme"', "vip"))
    lead = call("admin", "GET", "meta/objects/lead").get_json()
    lead["properties"]["vip"]["crm"]["formula"] = 'company = "Emca"'
    call("admin", "PUT", "meta/objects/lead", lead)
    (problem,) = plan(call)["problems"]
    assert problem["path"] == "/rules/local/hello"
    assert problem["message"].startswith('The test "Acme is greeted" fails: ')


def test_a_retired_rule_is_kept_and_not_run_in_any_process(
    call: Client, platform: Platform
) -> None:
    before = publish(call, TEXT + TEST)
    other = open_platform(platform.settings)
    with acting(other, "admin") as unit:
        assert rule_state(unit, "rule", "hello").state == "active"
    assert act(call, "retire", "Greets too often") == {"version": before + 1}
    found = state(call)
    assert (found["state"], found["retired"]["why"]) == ("retired", "Greets too often")
    with acting(other, "rita") as unit:
        (rita,) = unit.directory.resolve("user", "rita", None)
    assert found["retired"]["by"] != rita
    with acting(other, "admin") as unit:
        assert rule_state(unit, "rule", "hello").state == "retired"
        assert not [one for one in unit.catalog.rules_of("lead").rules if one.name == "hello"]
    other.close()
    assert title_of(call) is None
    newest = call("admin", "GET", "meta/versions").get_json()["items"][0]
    assert (newest["version"], newest["message"]) == (before + 1, "Greets too often")
    act(call, "retire", status=409)
    assert act(call, "activate", "They miss it") == {"version": before + 2}
    assert (state(call)["state"], title_of(call)) == ("active", "greeted")


def test_what_is_done_to_a_rule_wants_a_reason_and_an_administrator(call: Client) -> None:
    publish(call, TEXT)
    for word in ("retire", "activate", "release", "drop"):
        assert call("rita", "POST", f"{RULE}/{word}", {"why": "x"}).status_code == 403
    assert act(call, "retire", " ", 422)["errors"][0]["message"] == "Say why"
    for word in ("activate", "release", "drop"):
        act(call, word, status=409)
    for address in (RULE, f"{RULE}/runs", "meta/rule_states", f"meta/rule_texts/{FILE}/versions"):
        assert call("rita", "GET", address).status_code == 403
    assert (
        call("admin", "POST", "meta/rule_states/rule/none/retire", {"why": "x"}).status_code == 404
    )


def test_a_draft_of_somebody_else_lives_on_beside_a_retirement(call: Client) -> None:
    publish(call, TEXT)
    put(call, TEXT.replace("greeted", "welcome"))
    act(call, "retire")
    published(call, plan(call))
    assert state(call)["state"] == "retired"
    act(call, "activate")
    assert title_of(call) == "welcome"


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ("effective {today}", "active"),
        ("effective {today} until {today}", "active"),
        ("until {today}", "active"),
        ("effective {tomorrow}", "scheduled"),
        ("effective 2001-01-01 until {yesterday}", "ended"),
    ],
)
def test_a_rule_applies_on_its_days(
    call: Client, platform: Platform, days: str, expected: str
) -> None:
    today = day_of(platform)
    step = timedelta(days=1)
    head = days.format(today=today, tomorrow=today + step, yesterday=today - step)
    publish(call, f"ruleset hello {head}\n{TEXT}{TEST}")
    assert state(call)["state"] == expected
    assert title_of(call) == ("greeted" if expected == "active" else None)


def day_of(platform: Platform) -> date:
    with acting(platform, "admin") as unit:
        return unit.moment.today


def test_the_day_comes_in_a_running_process(call: Client, platform: Platform) -> None:
    publish(call, f"ruleset hello effective 2030-01-02 until 2030-01-03\n{TEXT}")
    day = [date(2030, 1, 1)]
    catalogs = Catalogs(lambda _connection: day[0])

    def runs() -> bool:
        with platform.database.read() as connection:
            catalog = catalogs.current(connection)
            return any(one.name == "hello" for one in catalog.rules_of("lead").rules)

    found = []
    for number in (1, 2, 3, 4, 5):
        day[0] = date(2030, 1, number)
        found.append(runs())
    assert found == [False, True, True, False, False]


def test_a_last_day_before_the_first_is_no_period(call: Client) -> None:
    put(call, f"ruleset hello effective 2026-03-02 until 2026-03-01\n{TEXT}")
    (problem,) = plan(call)["problems"]
    assert problem["message"] == "the last day 2026-03-01 lies before the first (2026-03-02)"


def test_one_file_goes_back_and_the_rest_stays(call: Client) -> None:
    first = publish(call, TEXT + TEST)
    second = publish(call, TEXT.replace("greeted", "welcome"))
    lead = call("admin", "GET", "meta/objects/lead").get_json()
    lead["title"] = "Prospect"
    call("admin", "PUT", "meta/objects/lead", lead)
    published(call, plan(call))
    way = call("admin", "POST", "meta/rollback", {"version": first, "rules": FILE}).get_json()
    assert [one["text"] for one in way["operations"]] == ["Changed rules: local/hello"]
    published(call, way, "As it was")
    assert title_of(call) == "greeted"
    assert call("admin", "GET", "meta/objects/lead").get_json()["title"] == "Prospect"
    texts = call("admin", "GET", f"meta/rule_texts/{FILE}/versions").get_json()["items"]
    assert [one["version"] for one in texts] == [second + 2, second, first]
    assert [one["message"] for one in texts] == ["As it was", "", ""]
    assert texts[2]["text"] == texts[0]["text"] == TEXT + TEST
    assert {"path": "/text", "state": "changed"}.items() <= texts[1]["changes"][0].items()


def test_the_way_back_is_refused_where_it_does_not_fit_any_more(call: Client) -> None:
    lead = call("admin", "GET", "meta/objects/lead").get_json()
    lead["properties"]["mood"] = {"type": "string"}
    call("admin", "PUT", "meta/objects/lead", lead)
    first = publish(call, TEXT.replace("set title", "set mood"))
    publish(call, TEXT)
    lead = call("admin", "GET", "meta/objects/lead").get_json()
    del lead["properties"]["mood"]
    call("admin", "PUT", "meta/objects/lead", lead)
    made = plan(call)
    body = {"token": made["token"], "confirm": made["destructive"]}
    assert call("admin", "POST", "meta/publish", body).status_code == 200
    way = call("admin", "POST", "meta/rollback", {"version": first, "rules": FILE}).get_json()
    assert "mood" in way["problems"][0]["message"]
    answer = call("admin", "POST", "meta/publish", {"token": way["token"]})
    assert answer.status_code == 422
    assert (
        call("admin", "POST", "meta/rollback", {"version": first, "rules": "a/b"}).status_code
        == 422
    )


def test_the_latest_runs_of_a_rule_are_told(call: Client, platform: Platform) -> None:
    publish(call, TEXT)
    lead = make(platform, "rita", "lead", **LEAD, company="Acme")
    found = call("admin", "GET", f"{RULE}/runs").get_json()
    (run,) = found["items"]
    assert (run["record"], run["event"], run["effects"], run["depth"]) == (lead, "create", 2, 1)
    assert (found["next"], found["failing"]) == (None, [])
    assert (state(call)["runs"], state(call)["last_run"]) == (1, run["at"])
    make(platform, "rita", "lead", **LEAD)
    assert state(call)["runs"] == 1
    assert stored(platform, "lead", lead)["title"] == "greeted"
    assert [row["rule"] for row in outbox_rows(platform)] == ["hello"]
    make_dispatcher(platform).drain()


def test_retiring_is_audited(call: Client, platform: Platform) -> None:
    publish(call, TEXT)
    act(call, "retire", "Enough")
    with platform.database.read() as connection:
        rows = connection.execute(audit_event.select().where(audit_event.c.kind == "publish")).all()
    assert rows[-1].values["elements"] == ["retirement rule/hello"]
    assert rows[-1].values["message"] == "Enough"


LEVEL = """
sla answer "Answer" on lead {
    applies when company = "Acme"
    clock from created_at
    target first "First answer" {
        met when phone is not empty
        otherwise within 1 hour
    }
}
"""


def test_what_a_retired_service_level_has_begun_goes_on(call: Client) -> None:
    publish(call, LEVEL)
    lead = created(call, "rita", "lead", **LEAD, company="Acme")["id"]
    address = "meta/rule_states/sla/answer/retire"
    assert call("admin", "POST", address, {"why": "Off"}).status_code == 200
    seen = {"If-Match": call("rita", "GET", f"lead/{lead}").headers["ETag"]}
    call("rita", "PATCH", f"lead/{lead}", {"phone": "+8613800138000"}, seen)
    (level,) = call("rita", "GET", f"lead/{lead}/explain?what=sla").get_json()["sla"]
    assert level["targets"][0]["met_at"]
    other = created(call, "rita", "lead", **LEAD, company="Acme")["id"]
    assert call("rita", "GET", f"lead/{other}/explain?what=sla").get_json()["sla"] == []


def test_what_a_retired_approval_has_begun_goes_on(
    call: Client, platform: Platform, login: Login
) -> None:
    quote = quote_with(platform, discount="0.15")
    request = do(platform, "rita", lambda unit: submit(unit, "quote", quote))
    address = "meta/rule_states/approval/discount_approval/retire"
    assert call("admin", "POST", address, {"why": "Off"}).status_code == 200
    page = get(login("rita"), f"/o/quote/{quote}").text_content()
    assert "Why is approval needed?" in page
    done = do(platform, "mark", lambda unit: decide(unit, request.id, "approve"))
    assert done.status == "approved"
    other = quote_with(platform, discount="0.15")
    with pytest.raises(Refused), acting(platform, "rita") as unit:
        submit(unit, "quote", other)


def test_the_tests_of_a_package_guard_its_rules(call: Client, login: Login) -> None:
    """A draft that makes one fail is refused; who changes the test, too, says why."""
    rule = "meta/rule_states/approval/discount_approval"
    assert call("admin", "GET", rule).get_json()["tests"] > 5
    file, tests = "meta/rules/crm/discount_approval", "meta/rules/crm/tests/discount_approval"
    text, shipped = (call("admin", "GET", one).get_json()["text"] for one in (file, tests))
    assert "discount > 10%" in text
    call("admin", "PUT", file, {"text": text.replace("discount > 10%", "discount > 35%")})
    made = plan(call)
    problems = made["problems"]
    assert {one["path"] for one in problems} == {"/rules/crm/tests/discount_approval"}
    assert all(one["line"] for one in problems)
    told = problems[0]["message"]
    assert "of the package crm fails: " in told
    assert told.endswith("; put the rule right or change the test")
    refused = call("admin", "POST", "meta/publish", {"token": made["token"], "message": "More"})
    assert refused.status_code == 422
    administrator = login("admin")
    assert "Set these tests aside" in get(administrator, "/setup/publish").text_content()
    assert administrator.post("/setup/set-tests-aside").status_code == 302
    page = get(administrator, "/setup/publish").text_content()
    assert "Set these tests aside" not in page
    assert "Tests of packages change or go: say why" in page
    left = call("admin", "GET", tests).get_json()["text"]
    assert 0 < left.count('test "') < shipped.count('test "')
    made = plan(call)
    assert made["problems"] == []
    silent = call("admin", "POST", "meta/publish", {"token": made["token"], "message": " "})
    assert silent.status_code == 422
    (problem,) = silent.get_json()["errors"]
    assert (problem["path"], problem["code"]) == ("/message", "why_of_tests_needed")
    published(call, made, "We approve from 35 % on")
    (newest, *_) = call(
        "admin", "GET", "meta/rule_texts/crm/tests/discount_approval/versions"
    ).get_json()["items"]
    assert newest["message"] == "We approve from 35 % on"
    assert call("admin", "GET", rule).get_json()["tests"] == left.count('test "')
