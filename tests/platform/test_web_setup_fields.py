"""The inspector as administrators use it: every type, live help, another type, JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from metadata.documents import load_schema
from metadata.fields.registry import offered_types
from tests.platform.acting import acting, make
from tests.platform.pages import get, read, select, text, texts, value
from tests.platform.test_web_setup import draft_object, publish
from tests.platform.test_web_setup_forms import drafted, fields_of, shown_form
from tests.platform.world import Login
from trellis.designer.drafts import find_drafted
from trellis.runtime import Platform
from trellis.web.setup.field_form import BY_HAND, KEPT, ONLY_JSON, SECTIONS
from trellis.web.setup.settings import BY_HAND as SETTINGS
from trellis.web.setup.settings import KEYWORDS
from trellis.web.setup.settings import ONLY_JSON as WITHOUT_EFFECT

VISIT = "/setup/objects/site_visit"
FORMULA = {"name": "each", "kind": "decimal", "title": "Each", "computed": "formula"}


def field(platform: Platform, name: str) -> dict[str, Any]:
    return dict(drafted(platform, "site_visit")["properties"][name])


def add(admin: FlaskClient, **sent: Any) -> None:
    answer = admin.post(f"{VISIT}/fields", data=sent)
    assert answer.status_code == 302, texts(read(answer), "[role=alert]")


def test_every_keyword_has_a_control_or_a_reason() -> None:
    definitions = load_schema("object")["$defs"]
    limits = {keyword for kind in offered_types().values() for keyword in kind.keywords}
    shown = {keyword for _, keywords in SECTIONS.values() for keyword in keywords}
    handled = shown | limits | BY_HAND | KEPT | ONLY_JSON | {"default"}
    known = {*definitions["field"]["properties"], *definitions["property"]["properties"]}
    assert sorted(known - handled) == []
    own = {*KEYWORDS, *SETTINGS, *WITHOUT_EFFECT, *KEPT, "table", "retired"}
    assert sorted(set(definitions["object"]["properties"]) - own) == []


def test_every_type_can_be_added_with_its_keywords(platform: Platform, login: Login) -> None:
    admin = login("admin")
    draft_object(admin)
    for name, kind in offered_types().items():
        page = get(admin, f"{VISIT}?new={name}")
        shown = {one.get("name") for one in select(page, "#field-form [name]")}
        wanted = {f"/crm/{keyword}" for keyword in kind.parameters if keyword != "transitions"}
        wanted |= {f"/{keyword}" for keyword in kind.keywords}
        assert sorted(wanted - shown) == [], name


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (
            {"kind": "auto_number", "/crm/pattern": "V-{yyyy}-{000}", "/crm/reset": "year"},
            {"pattern": "V-{yyyy}-{000}", "reset": "year"},
        ),
        (
            {"kind": "reference", "/crm/to": "account", "/crm/on_delete": "cascade"},
            {"to": "account", "on_delete": "cascade"},
        ),
        (
            {"kind": "file", "/crm/max_bytes": "1000", "/crm/media_types": "image/*, text/csv"},
            {"max_bytes": 1000, "media_types": ["image/*", "text/csv"]},
        ),
        (
            {"kind": "any_reference", "/crm/to": ["", "account", "lead"]},
            {"to": ["account", "lead"]},
        ),
        (
            {"kind": "many_to_many", "/crm/to": "account",
             "/crm/link": '{"properties": {"part": {"type": "string"}}}'},
            {"to": "account", "link": {"properties": {"part": {"type": "string"}}}},
        ),
        (
            {"kind": "text", "/crm/required_when": "people > 3", "/crm/encrypted": ["", "1"],
             "/crm/sensitivity": "personal", "/crm/mask": "last4", "/crm/track": "false"},
            {"sensitivity": "personal", "mask": "last4", "encrypted": True,
             "required_when": "people > 3", "track": False},
        ),
    ],
)  # fmt: skip
def test_what_is_typed_is_what_the_document_says(
    platform: Platform, login: Login, sent: dict[str, Any], expected: dict[str, Any]
) -> None:
    admin = login("admin")
    draft_object(admin)
    add(admin, name="new_one", title="New one", **sent)
    found = field(platform, "new_one")["crm"]
    assert found == {"field": sent["kind"], **expected}


def test_options_with_all_they_can_say(platform: Platform, login: Login) -> None:
    admin = login("admin")
    draft_object(admin)
    form = fields_of(shown_form(admin, f"{VISIT}?field=result", "fields"))
    form["/crm/options/0/when"] = "people > 3"
    form["/crm/options/1/retired"] = "1"
    form["/crm/options/1/replaced_by"] = "good"
    form["/crm/options/0/*"] = "probability: 0.5\nnote: fine"
    form.setlist("/crm/options/0/exit/requires", ["", "notes"])
    form.setlist("/crm/transitions", ["", "1", "good bad"])
    form.setlist("/crm/options", ["", "1", "0"])
    add(admin, **form.to_dict(flat=False))
    found = field(platform, "result")
    good = {"title": "Good", "hue": "green", "when": "people > 3", "exit": {"requires": ["notes"]}}
    assert found["enum"] == ["bad", "good"]
    assert found["crm"]["options"] == {
        "bad": {"title": "Bad", "hue": "red", "retired": True, "replaced_by": "good"},
        "good": {**good, "probability": 0.5, "note": "fine"},
    }
    assert found["crm"]["transitions"] == {"good": ["bad"], "bad": []}


def test_help_while_a_formula_is_typed(platform: Platform, login: Login) -> None:
    admin = login("admin")
    draft_object(admin)
    sent = {**FORMULA, "/crm/formula": "budget / peple"}
    address = f"{VISIT}/assistance"
    before = drafted(platform, "site_visit")
    assert admin.post(address, data=sent).get_json() == {
        "problems": [
            {
                "at": "/crm/formula",
                "text": 'Site visit has no field "peple" (did you mean "people"?)',
                "line": 1,
                "column": 10,
            }
        ]
    }
    asked = {**sent, "text": "budget / peo", "offset": "12"}
    offered = admin.post(address, data=asked).get_json()["items"]
    assert [(one["label"], one["kind"]) for one in offered] == [("people", "field")]
    assert drafted(platform, "site_visit") == before
    assert login("rita").post(address, data=asked).status_code == 403


def test_another_type_tells_what_becomes_of_the_values(platform: Platform, login: Login) -> None:
    admin = login("admin")
    draft_object(admin)
    publish(admin)
    for notes in ("12", "many", "7"):
        make(platform, "admin", "site_visit", name="N", visited_on="2026-11-02", notes=notes)
    form = fields_of(shown_form(admin, f"{VISIT}?field=notes", "fields"))
    answer = admin.post(
        f"{VISIT}/fields", data={**form.to_dict(), "kind": "integer", "reshape": "1"}
    )
    page = read(answer)
    assert answer.status_code == 200
    assert texts(page, ".conversion .tallies > li")[0] == "2 stay as they are"
    assert "1 do not convert" in text(page, ".conversion")
    with acting(platform, "admin") as unit:
        assert not find_drafted(unit, "object", "site_visit").is_changed
    changed = fields_of(select(page, "form[action$='/fields']")[0])
    add(admin, **changed.to_dict(flat=False))
    assert field(platform, "notes") == {
        "type": "integer", "title": "Notes", "crm": {"field": "integer"}
    }  # fmt: skip


def test_settings_of_records(platform: Platform, login: Login) -> None:
    admin = login("admin")
    draft_object(admin)
    form = fields_of(shown_form(admin, f"{VISIT}/settings", "settings"))
    form.setlist("/crm/record_types", ["", "added1"])
    form["/crm/record_types/added1/title"] = "First visit"
    form.setlist("/crm/record_types/added1/options/result", ["", "good"])
    form.setlist("/crm/unique_when", ["", "added2"])
    form.setlist("/crm/unique_when/added2/fields", ["", "name"])
    form["/crm/unique_when/added2/when"] = "people > 1"
    form["/crm/search"] = "name, notes"
    assert admin.post(f"{VISIT}/settings", data=form).status_code == 302
    crm = drafted(platform, "site_visit")["crm"]
    assert crm["record_types"] == {
        "first_visit": {"title": "First visit", "options": {"result": ["good"]}}
    }
    assert crm["unique_when"] == [{"fields": ["name"], "when": "people > 1"}]
    assert crm["search"] == ["name", "notes"]


def test_json_is_checked_and_kept(platform: Platform, login: Login) -> None:
    admin = login("admin")
    draft_object(admin)
    page = get(admin, f"{VISIT}/json")
    seen = value(page, "[name=seen]")
    body = json.loads(select(page, "textarea")[0].text or "")
    bad = admin.post(f"{VISIT}/json", data={"text": '{"a": 1,', "seen": seen})
    assert bad.status_code == 422
    assert "line 1" in text(read(bad), "[role=alert]")
    body["properties"]["notes"]["crm"]["colour"] = "red"
    wrong = admin.post(f"{VISIT}/json", data={"text": json.dumps(body), "seen": seen})
    assert "/properties/notes/crm/colour" in text(read(wrong), "[role=alert]")
    del body["properties"]["notes"]["crm"]["colour"]
    body["properties"]["notes"]["examples"] = ["Fine"]
    sent = {"text": json.dumps(body), "seen": seen}
    assert admin.post(f"{VISIT}/json", data=sent).status_code == 302
    assert field(platform, "notes")["examples"] == ["Fine"]
    assert admin.post(f"{VISIT}/json", data=sent).status_code == 422
