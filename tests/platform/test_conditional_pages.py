"""Pages with conditions: what they show, and what they must not tell."""

from __future__ import annotations

import json
import re

import pytest

from tests.platform.acting import acting, make, restrict_field, stored
from tests.platform.conditional_world import DEAL, OBJECTS, WORKSHOP, copied, publish_more
from tests.platform.pages import HTMX, get, hrefs, select, text, texts
from tests.platform.world import Login, People
from trellis.runtime import Platform

pytestmark = pytest.mark.usefixtures("people")

SECRET = {"type": "string", "title": "Secret", "crm": {"visible_when": "name is not empty"}}


@pytest.fixture(autouse=True)
def objects(platform: Platform, people: People) -> None:
    body = copied(DEAL)
    body["properties"]["secret"] = SECRET
    body["properties"]["plain"] = {
        "type": "string",
        "crm": {"visible_when": 'secret = "xyzzy" and stage = "draft"'},
    }
    body["properties"]["boss"] = {
        "type": "string",
        "crm": {"field": "reference", "to": "shipment", "filter": 'secret = "xyzzy"'},
    }
    publish_more(platform, {**OBJECTS, "shipment": body}, {"layout/ticket/workshop": WORKSHOP})
    restrict_field(platform, "sales_rep", "shipment", "secret", "hidden")


def found(answer: object) -> list[str]:
    return [item["name"] for item in json.loads(str(answer))["items"]]


def test_a_record_shows_what_its_conditions_let_be_seen(login: Login, platform: Platform) -> None:
    key = make(platform, "rita", "shipment", name="S", stage="lost", reason="late")
    page = get(login("rita"), f"/o/shipment/{key}")
    assert select(page, "#field-reason") != []
    assert select(page, "#field-discount") == []
    with acting(platform, "rita") as unit:
        assert unit.records().get("shipment", key, ["discount"]) is not None
    fixed = make(platform, "rita", "shipment", name="S", stage="done", amount="2000")
    page = get(login("rita"), f"/o/shipment/{fixed}")
    assert [one.get("title") for one in select(page, "#field-discount .locked-icon")] == [
        "Not to be changed now"
    ]


def test_pages_of_an_append_only_record_offer_no_change(login: Login, platform: Platform) -> None:
    key = make(platform, "rita", "entry", name="A")
    client = login("rita")
    page = get(client, f"/o/entry/{key}")
    assert not any("edit" in href for href in hrefs(page, "a[href]"))
    assert select(page, ".edit-button, #record-menu form, #record-menu button") == []
    assert client.get(f"/o/entry/{key}/edit").status_code == 404
    assert client.post(f"/o/entry/{key}/field/name", data={"name": "B"}).status_code == 404
    assert stored(platform, "entry", key)["name"] == "A"


def test_a_form_tells_nothing_of_hidden_fields(login: Login, platform: Platform) -> None:
    key = make(platform, "rita", "shipment", name="S")
    for address in ("/o/shipment/new", f"/o/shipment/{key}/edit", f"/o/shipment/{key}"):
        shown = login("rita").get(address).get_data(as_text=True)
        assert "secret" not in shown, shown[shown.find("secret") - 80 :][:160]
        assert "xyzzy" not in shown
    client = login("rita")
    live = client.post("/o/shipment/live", data={"name": "S", "secret": "xyzzy", "stage": "draft"})
    plain = client.post("/o/shipment/live", data={"name": "S", "stage": "draft"})
    assert live.get_json() == plain.get_json()


def test_a_filter_over_hidden_fields_finds_nothing(login: Login, platform: Platform) -> None:
    key = make(platform, "admin", "shipment", name="Known", secret="xyzzy")
    asked = "/o/shipment/lookup?q=&for=shipment.boss"
    assert found(login("admin").get(asked).get_data(as_text=True)) == ["Known"]
    assert found(login("rita").get(asked).get_data(as_text=True)) == []
    answer = login("rita").post("/o/shipment/new", data={"name": "B", "boss": key})
    assert answer.status_code == 422
    assert "This record cannot be chosen here" in answer.get_data(as_text=True)


def test_a_lookup_looks_at_what_the_form_holds(login: Login, platform: Platform) -> None:
    bank = make(platform, "rita", "account", name="Bank")
    make(platform, "rita", "contact", name="Li Na", account=bank)
    make(platform, "rita", "contact", name="Li Wei")
    key = make(platform, "rita", "shipment", name="S", account=bank)
    client, asked = login("rita"), "/o/contact/lookup?q=li&for=shipment.contact"
    assert found(client.get(asked).get_data(as_text=True)) == []
    assert found(client.get(f"{asked}&id={key}").get_data(as_text=True)) == ["Li Na"]
    typed = json.dumps({"account": bank})
    assert found(client.get(f"{asked}&values={typed}").get_data(as_text=True)) == ["Li Na"]
    away = json.dumps({"account": None})
    assert found(client.get(f"{asked}&id={key}&values={away}").get_data(as_text=True)) == []
    for broken in ("[", "[1]", '{"account": 1.5}', '{"nothing": 1}'):
        assert client.get(f"{asked}&values={broken}").status_code == 200


def test_who_may_not_save_may_not_ask(login: Login, platform: Platform) -> None:
    key = make(platform, "rita", "shipment", name="S")
    assert login("fay").post("/o/shipment/live", data={}).status_code == 404
    assert login("fay").post(f"/o/shipment/live?id={key}", data={}).status_code == 404
    assert login("rita").post("/o/shipment/live?id=nothing", data={}).status_code == 404


def test_a_stage_is_refused_in_place_with_what_it_needs(login: Login, platform: Platform) -> None:
    key = make(platform, "rita", "shipment", name="S")
    client = login("rita")
    answer = client.post(f"/o/shipment/{key}/field/stage", data={"stage": "offered"}, headers=HTMX)
    assert answer.status_code == 422
    assert re.search(r"Offers start above 100 CNY", answer.get_data(as_text=True))
    assert text(get(client, f"/o/shipment/{key}"), ".stage-needs").startswith("Before it moves on")
    chinese = client.get(f"/o/shipment/{key}", headers={"Accept-Language": "zh"})
    assert "进入下一步之前：填写“Amount”" in chinese.get_data(as_text=True)


def test_record_types_are_offered_where_there_are_several(login: Login) -> None:
    page = get(login("rita"), "/o/ticket/new")
    assert texts(page, ".choices-list a") == ["Question", "Repair"]
    page = get(login("rita"), "/o/ticket/new?record_type=question")
    assert [one.get("value") for one in select(page, "input[name=record_type]")] == ["question"]


def test_setup_shows_objects_with_record_types(login: Login) -> None:
    client = login("admin")
    assert "Ticket" in text(get(client, "/setup/objects/ticket"), "title")
    page = get(client, "/setup/objects/shipment?field=city")
    assert select(page, "[name='title']") != []
