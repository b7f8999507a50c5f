"""The pages of imports and exports, and the REST routes behind the same use cases."""

from __future__ import annotations

import io
from typing import Any

import pytest
import sqlalchemy as sa

from metadata.problems import Problem, sentence
from tests.platform.acting import make, system
from tests.platform.importing import csv_bytes
from tests.platform.world import Bearer, Login
from trellis.audit.tables import audit_event
from trellis.runtime import Platform

ROWS = [["Name", "Where from", "Company"], ["Ada", "x", "Acme"], ["Bob", "y", ""]]


@pytest.fixture
def source(platform: Platform) -> str:
    with system(platform) as unit:
        return unit.catalog.objects["lead"].fields["lead_source"].options[0].value


def sent(content: bytes, name: str = "leads.csv") -> dict[str, Any]:
    return {"file": (io.BytesIO(content), name)}


def test_an_import_from_upload_to_undo_by_page(
    platform: Platform, login: Login, source: str
) -> None:
    client = login("diana")
    assert "/o/lead/import" in client.get("/o/lead/").get_data(as_text=True)
    assert client.get("/o/lead/import").status_code == 200
    answer = client.post("/o/lead/import", data=sent(csv_bytes(ROWS)))
    assert answer.status_code == 302, answer.get_data(as_text=True)
    page = answer.headers["Location"]
    shown = client.get(page).get_data(as_text=True)
    assert "Where from" in shown
    assert "Ada" in shown
    refused = client.post(f"{page}/run", data={"then": "check", "column-1": "name"})
    assert refused.status_code == 422
    values = {"field": "name", "first": "Name", "second": "Where from"}
    told = sentence(Problem("", "import_field_twice", values))
    assert told in refused.get_data(as_text=True)
    form = {"then": "check", "default-lead_source": source, "policy": "create"}
    assert client.post(f"{page}/run", data=form).status_code == 302
    checked = client.get(page).get_data(as_text=True)
    assert "To create 2" in checked
    assert client.post(f"{page}/run", data={**form, "then": "run"}).status_code == 302
    done = client.get(page).get_data(as_text=True)
    assert "Created 2" in done
    assert client.post(f"{page}/undo").status_code == 302
    assert "Taken back 2" in client.get(page).get_data(as_text=True)
    assert "leads.csv" in client.get("/transfers").get_data(as_text=True)


def test_texts_that_are_no_options_are_given_one_by_page(
    platform: Platform, login: Login, source: str
) -> None:
    client = login("diana")
    with system(platform) as unit:
        field = unit.catalog.objects["lead"].fields["lead_source"]
    title, name = field.options[0].labels["en"], field.label("en")
    rows = [["Name", "Source"], ["Ada", "From afar"], ["Bob", title]]
    page = client.post("/o/lead/import", data=sent(csv_bytes(rows))).headers["Location"]
    form = {"then": "check", "column-1": "lead_source"}
    assert client.post(f"{page}/run", data=form).status_code == 302
    shown = client.get(page).get_data(as_text=True)
    titles = ", ".join(option.labels["en"] for option in field.options)
    assert f"{name}: &#34;From afar&#34; is not an option; there are: {titles}" in shown
    assert 'name="text-1-0" value="From afar"' in shown
    assert "text-1-1" not in shown
    form |= {"text-1-0": "From afar", "value-1-0": source}
    assert client.post(f"{page}/run", data=form).status_code == 302
    assert "To create 2" in client.get(page).get_data(as_text=True)
    assert client.post(f"{page}/run", data={**form, "value-1-0": ""}).status_code == 302
    assert "With errors 1" in client.get(page).get_data(as_text=True)


def test_the_decimal_mark_of_a_column_is_chosen_by_page(
    platform: Platform, login: Login, source: str
) -> None:
    client = login("diana")
    rows = [["Name", "Lead source", "Budget", "Employees"], ["Ada", source, "1.234", "5"]]
    page = client.post("/o/lead/import", data=sent(csv_bytes(rows))).headers["Location"]
    assert "As each number shows" in client.get(page).get_data(as_text=True)
    form = {"then": "check", "column-1": "lead_source", "decimal-2": "", "decimal-3": ""}
    assert client.post(f"{page}/run", data=form).status_code == 302
    shown = client.get(page).get_data(as_text=True)
    assert "Budget: &#34;1.234&#34; can be 1.234 or 1234. Choose the decimal mark" in shown
    assert client.post(f"{page}/run", data={**form, "decimal-2": ","}).status_code == 302
    shown = client.get(page).get_data(as_text=True)
    assert "To create 1" in shown
    assert shown.count("As each number shows") == 1


@pytest.mark.parametrize(("username", "offered"), [("diana", False), ("admin", True)])
def test_only_administrators_are_offered_to_import_silently(
    platform: Platform, login: Login, source: str, username: str, offered: bool
) -> None:
    client = login(username)
    page = client.post("/o/lead/import", data=sent(csv_bytes(ROWS))).headers["Location"]
    assert ('name="silent"' in client.get(page).get_data(as_text=True)) is offered
    form = {"then": "run", "default-lead_source": source, "silent-asked": "1", "silent": "true"}
    assert client.post(f"{page}/run", data=form).status_code == (302 if offered else 403)
    with system(platform) as unit:
        kinds = set(unit.connection.scalars(sa.select(audit_event.c.kind)))
    assert ("import_silent" in kinds) is offered


def test_a_list_is_exported_by_page(platform: Platform, login: Login, source: str) -> None:
    ids = [
        make(platform, "diana", "lead", name=name, lead_source=source) for name in ("Ada", "Bob")
    ]
    client = login("diana")
    asked = '/o/lead/export?filter=name = "Ada"&fields=name,company'
    marked = "".join(f"&record={one}" for one in ids)
    for address, told in (
        (asked, "1 record"), (asked + marked, "1 record"), (f"/o/lead/export?{marked}", "2 records")
    ):  # fmt: skip
        assert told in client.get(address).get_data(as_text=True)
    form = {"form": "csv:exact", "fields": ["name"], "filter": 'name = "Ada"', "record": ids}
    answer = client.post("/o/lead/export", data=form)
    assert answer.status_code == 302, answer.get_data(as_text=True)
    with client.get(answer.headers["Location"]) as file:
        content = file.get_data()
    assert content == b"name\r\nAda\r\n"
    assert file.headers["Content-Disposition"].startswith('attachment; filename="lead-')
    assert client.post("/o/lead/export", data={"filter": "nmae = 1"}).status_code == 422
    for wrong in ("filter=nmae = 1", "search=a%00b", "record=a%00b"):
        assert client.get(f"/o/lead/export?{wrong}").status_code == 200


def test_who_may_not_sees_neither_menu_nor_page(platform: Platform, login: Login) -> None:
    client = login("rita")
    assert "/o/lead/import" not in client.get("/o/lead/").get_data(as_text=True)
    for address in ("/o/lead/import", "/o/lead/export"):
        assert client.get(address).status_code == 403
        assert client.post(address).status_code == 403
    assert client.get("/o/nothing/import").status_code == 404


def test_an_import_by_rest(platform: Platform, app: Any, bearer: Bearer, source: str) -> None:
    client, diana = app.test_client(), bearer("diana")
    address = "/api/v1/lead/import"
    answer = client.post(address, data=sent(csv_bytes(ROWS)), headers=diana)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    run = answer.get_json()
    assert (run["phase"], run["unmapped"], run["missing"]) == (
        "uploaded", ["Where from"], [],
    )  # fmt: skip
    place = f"{address}/{run['id']}"
    body = {"dry": True, "defaults": {"lead_source": source}, "columns": {"Wher from": None}}
    wrong = client.post(f"{place}/run", json=body, headers=diana)
    assert wrong.status_code == 422
    assert [(e["path"], e["code"]) for e in wrong.get_json()["errors"]] == [
        ("/columns/Wher from", "import_unknown_column")
    ]
    body = {"dry": True, "defaults": {"lead_source": source}}
    dry = client.post(f"{place}/run", json=body, headers=diana).get_json()
    assert (dry["phase"], dry["job"]["state"], dry["counts"]) == ("check", "done", {"create": 2})
    ran = client.post(f"{place}/run", headers=diana).get_json()
    assert (ran["phase"], ran["counts"]) == ("run", {"create": 2})
    assert client.post(f"{place}/cancel", headers=diana).status_code == 409
    assert client.get(f"{place}/errors", headers=diana).status_code == 200
    assert client.post(f"{place}/undo", headers=diana).get_json()["counts"] == {"undone": 2}
    assert client.post(f"{place}/undo", headers=diana).status_code == 409
    for username, status in (("mark", 404), ("rita", 403), ("fay", 404)):
        assert client.get(place, headers=bearer(username)).status_code == status
    assert len(client.get(address, headers=diana).get_json()["items"]) == 1


def test_an_export_by_rest(platform: Platform, app: Any, bearer: Bearer, source: str) -> None:
    make(platform, "diana", "lead", name="Ada", lead_source=source)
    client, diana = app.test_client(), bearer("diana")
    body = {"format": "jsonl", "fields": ["name"]}
    answer = client.post("/api/v1/lead/export", json=body, headers=diana)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    made = answer.get_json()
    assert (made["job"]["state"], made["rows"]) == ("done", 1)
    with client.get(made["url"], headers=diana) as file:
        content = file.get_data()
    assert content == b'{"name": "Ada"}\n'
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    for username, status in (("mark", 404), ("rita", 403), ("fay", 404)):
        assert client.get(made["url"], headers=bearer(username)).status_code == status
    assert client.post("/api/v1/lead/export", json={"size": 1}, headers=diana).status_code == 422
