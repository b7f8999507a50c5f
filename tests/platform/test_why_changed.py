"""“Why did this change?”: the rules of then, whose save set them off, the values that decided."""

from __future__ import annotations

from typing import Any

import pytest

from tests.platform.acting import acting, restrict_field
from tests.platform.pages import get
from tests.platform.test_api import LEAD, Client, call, created
from tests.platform.test_rule_governance import TEXT, publish
from tests.platform.world import Login, People
from trellis.records.save import save_record
from trellis.runtime import Platform

__all__ = ["call"]

BEFORE = """
rule tidy "Tidy" on lead before save {
    when phone is not empty and company != "Acme"
    set title to "called"
}
"""
NOTE = """
rule note_account "Note" on lead after create, update {
    when company = "Acme"
    create contact { name: "Of Acme" }
}
rule contact_named "Named" on contact after create {
    when name = "Of Acme"
    set title to "Ann"
}
"""


def entries(call: Client, who: str, object_name: str, record: str) -> list[dict[str, Any]]:
    """Gives the history of a record, oldest first."""
    found = call(who, "GET", f"{object_name}/{record}/history").get_json()["items"]
    return sorted(found, key=lambda one: one["version"])


def why(call: Client, who: str, object_name: str, record: str, entry: str) -> dict[str, Any]:
    answer = call(who, "GET", f"{object_name}/{record}/history/{entry}/why")
    assert answer.status_code == 200, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


def greeted(call: Client) -> tuple[str, str]:
    """Gives a lead that a rule changed after its save, and the entry that tells it."""
    lead = created(call, "rita", "lead", **LEAD, company="Acme")["id"]
    (entry,) = [one["id"] for one in entries(call, "rita", "lead", lead) if one["rules"]]
    return lead, entry


def test_a_field_says_which_rule_gave_it_its_value_and_whose_save_set_it_off(
    call: Client, people: People
) -> None:
    version = publish(call, TEXT)
    lead, entry = greeted(call)
    found = why(call, "admin", "lead", lead, entry)
    assert (found["by"], found["object"], found["record"]) == (people["rita"], "lead", lead)
    assert (found["chain"], found["fields"]) == (
        ["hello"],
        {"title": {"kind": "rule", "name": "hello"}},
    )
    (rule,) = found["rules"]
    condition = rule.pop("condition")
    assert rule == {
        "name": "hello",
        "label": "Hello",
        "is_of_today": False,
        "file": "local/hello",
        "line": 2,
        "version": version,
    }
    assert (condition["text"], condition["value"]) == ('company = "Acme"', True)
    assert [one["value"] for one in condition["children"]] == ["Acme"]


def test_who_may_not_see_rules_is_told_no_place_of_them(call: Client) -> None:
    publish(call, TEXT)
    lead, entry = greeted(call)
    (rule,) = why(call, "rita", "lead", lead, entry)["rules"]
    assert (rule["label"], rule["file"], rule["line"], rule["version"]) == ("Hello", *[None] * 3)
    assert rule["condition"]["value"] is True


def test_sec_07_a_condition_on_a_hidden_field_is_not_told(call: Client, platform: Platform) -> None:
    publish(call, TEXT)
    lead, entry = greeted(call)
    restrict_field(platform, "sales_rep", "lead", "company", "hidden")
    (rule,) = why(call, "rita", "lead", lead, entry)["rules"]
    assert rule["condition"] is None
    assert "Acme" not in str(why(call, "rita", "lead", lead, entry))
    restrict_field(platform, "sales_rep", "lead", "title", "hidden")
    answer = call("rita", "GET", f"lead/{lead}/history/{entry}/why")
    assert answer.status_code == 404


def test_sec_07_of_records_out_of_reach_nothing_is_told(call: Client, login: Login) -> None:
    publish(call, TEXT + NOTE)
    lead, entry = greeted(call)
    for who in ("ron",):
        seen = call(who, "GET", f"lead/{lead}").status_code
        assert call(who, "GET", f"lead/{lead}/history/{entry}/why").status_code == seen
    other = created(call, "rita", "lead", **LEAD)["id"]
    assert call("rita", "GET", f"lead/{other}/history/{entry}/why").status_code == 404
    assert call("rita", "GET", f"lead/{lead}/history/nothing/why").status_code == 404
    get(login("rita"), f"/o/lead/{other}/history/{entry}", 404)


@pytest.mark.parametrize("later", [False, True])
def test_a_rule_before_the_save_is_told_with_the_values_of_then(call: Client, later: bool) -> None:
    publish(call, BEFORE)
    lead = created(call, "rita", "lead", **LEAD, company="Bolt")["id"]
    seen = {"If-Match": call("rita", "GET", f"lead/{lead}").headers["ETag"]}
    body = {"phone": "+8613800138000", "website": "https://bolt.cn"}
    assert call("rita", "PATCH", f"lead/{lead}", body, seen).status_code == 200
    if later:  # then the rule, the record and what it was set off by look otherwise
        publish(call, BEFORE.replace("Bolt", "None").replace("called", "phoned"))
        seen = {"If-Match": call("rita", "GET", f"lead/{lead}").headers["ETag"]}
        call("rita", "PATCH", f"lead/{lead}", {"company": "Acme", "title": "x"}, seen)
    (entry,) = [one for one in entries(call, "rita", "lead", lead) if one["rules"] == ["tidy"]][:1]
    found = why(call, "rita", "lead", lead, entry["id"])
    assert found["fields"]["title"] == {"kind": "rule", "name": "tidy"}
    assert "phone" not in found["fields"]
    (rule,) = found["rules"]
    held = [one["text"] for one in rule["condition"]["children"] if one["value"] is True]
    assert held == ["phone is not empty", 'company != "Acme"']


def test_a_chain_is_told_from_its_first_save(call: Client, people: People) -> None:
    publish(call, NOTE)
    lead = created(call, "rita", "lead", **LEAD, company="Acme")["id"]
    (contact,) = call("admin", "GET", 'contact?filter=name="Of Acme"').get_json()["items"]
    found = [one for one in entries(call, "admin", "contact", contact["id"]) if one["rules"]]
    first, second = (why(call, "admin", "contact", contact["id"], one["id"]) for one in found)
    assert (first["chain"], second["chain"]) == (
        ["note_account"],
        ["note_account", "contact_named"],
    )
    for one in (first, second):
        assert (one["by"], one["object"], one["record"]) == (people["rita"], "lead", lead)
    (rule,) = first["rules"]
    assert rule["condition"]["text"] == 'company = "Acme"'
    assert second["fields"]["title"] == {"kind": "rule", "name": "contact_named"}


def test_the_page_leads_from_the_timeline_to_the_rule(call: Client, login: Login) -> None:
    publish(call, TEXT)
    lead, entry = greeted(call)
    client = login("admin")
    page = get(client, f"/o/lead/{lead}")
    assert f"/o/lead/{lead}/history/{entry}" in page.xpath("//a[normalize-space()='Why?']/@href")
    told = get(client, f"/o/lead/{lead}/history/{entry}")
    text = " ".join(told.text_content().split())
    assert "by the rule “Hello”" in text
    assert 'Because Company = "Acme" (Company is Acme)' in text
    assert "/setup/rules/rule/hello" in told.xpath("//a/@href")
    hers = get(login("rita"), f"/o/lead/{lead}/history/{entry}")
    assert not [one for one in hers.xpath("//a/@href") if one.startswith("/setup")]


def test_what_nobody_but_a_person_wrote_has_no_rules(call: Client, platform: Platform) -> None:
    with acting(platform, "rita") as unit:
        lead = save_record(unit, "lead", None, {**LEAD, "company": "Bolt"}, channel="api").id
    (entry,) = entries(call, "rita", "lead", lead)
    found = why(call, "rita", "lead", lead, entry["id"])
    assert (found["rules"], found["chain"], found["object"]) == ([], [], None)
    assert {one["kind"] for one in found["fields"].values()} <= {"score", "formula"}
