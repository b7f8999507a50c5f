"""Files on pages: forms without a script, what a refused form keeps, cells and history."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from tests.platform.filing import PDF, add_folders, fetch, make_folder, picture, uploaded
from tests.platform.world import Bearer, Login
from trellis.files.tables import stored_file
from trellis.runtime import Platform


@pytest.fixture
def rita(platform: Platform, login: Login) -> FlaskClient:
    add_folders(platform)
    return login("rita")


def sent(content: bytes, name: str) -> tuple[io.BytesIO, str]:
    return io.BytesIO(content), name


def wire_of(client: FlaskClient, record: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/api/v1/folder/{record}").get_json()
    return found


def record_in(location: str) -> str:
    return location.rstrip("/").rpartition("/")[2]


def test_a_form_without_a_script_brings_keeps_and_removes_files(rita: FlaskClient) -> None:
    data = {
        "name": "F",
        "contract-upload": sent(PDF, "plan.pdf"),
        "photos": "",
        "photos-upload": [sent(b"one", "one.txt"), sent(b"two", "two.txt")],
        "photo-upload": sent(picture(), "me.jpg"),
    }
    answer = rita.post("/o/folder/new", data=data)
    assert answer.status_code == 302, answer.get_data(as_text=True)
    record = record_in(answer.headers["Location"])
    wire = wire_of(rita, record)
    assert wire["contract"]["name"] == "plan.pdf"
    one, two = wire["photos"]
    assert (one["name"], two["name"]) == ("one.txt", "two.txt")
    assert wire["photo"]["media_type"] == "image/jpeg"
    edit = f"/o/folder/{record}/edit"
    page = rita.get(edit).get_data(as_text=True)
    assert all(file["id"] in page for file in (one, two, wire["contract"]))
    data = {
        "name": "F",
        "contract": ["", wire["contract"]["id"]],
        "contract-upload": sent(b"new", "new.txt"),
        "photos": ["", one["id"], two["id"]],
        "photos-remove": one["id"],
        "photo": ["", wire["photo"]["id"]],
        "photo-remove": wire["photo"]["id"],
    }
    assert rita.post(edit, data=data).status_code == 302
    wire = wire_of(rita, record)
    assert wire["contract"]["name"] == "new.txt"
    assert [file["name"] for file in wire["photos"]] == ["two.txt"]
    assert wire["photo"] is None
    timeline = rita.get(f"/o/folder/{record}").get_data(as_text=True)
    assert "plan.pdf" in timeline
    assert "new.txt" in timeline


def test_a_refused_form_keeps_what_was_uploaded(rita: FlaskClient) -> None:
    taken = {"name": "F", "id_number": "ABCDEFGH1234"}
    make_folder(rita, **taken)
    data = {**taken, "contract-upload": sent(PDF, "plan.pdf")}
    answer = rita.post("/o/folder/new", data=data)
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    held = re.findall(r'name="contract" value="([0-9a-f-]{36})"', page)
    assert len(held) == 1
    assert "plan.pdf" in page
    again = rita.post("/o/folder/new", data={"name": "F", "contract": ["", *held]})
    record = record_in(again.headers["Location"])
    assert wire_of(rita, record)["contract"]["id"] == held[0]


def test_a_refused_file_is_named_at_its_field(rita: FlaskClient) -> None:
    data = {"name": "F", "contract-upload": sent(b"x" * 5_001, "long.txt")}
    answer = rita.post("/o/folder/new", data=data)
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert "has 5001 bytes; at most 5000 are accepted here" in page
    record = make_folder(rita)
    place = f"/o/folder/{record}/field/contract"
    data = {"version": "1", "contract-upload": sent(picture(), "a.txt")}
    answer = rita.post(place, data=data, headers={"HX-Request": "true"})
    assert answer.status_code == 422
    assert "is image/jpeg; accepted are: application/pdf, text/*" in answer.get_data(as_text=True)
    data = {"version": "1", "contract-upload": sent(PDF, "a.pdf")}
    assert rita.post(place, data=data, headers={"HX-Request": "true"}).status_code == 200
    assert wire_of(rita, record)["contract"]["name"] == "a.pdf"


def test_sec07_a_form_cannot_name_files_of_others(
    rita: FlaskClient, login: Login, platform: Platform
) -> None:
    wire = uploaded(rita)
    ron = login("ron")
    answer = ron.post("/o/folder/new", data={"name": "F", "contract": wire["id"]})
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert "plan.pdf" not in page
    with platform.database.read() as connection:
        rows = connection.execute(sa.select(stored_file.c.id)).scalars().all()
    assert rows == [wire["id"]]


def test_sec06_files_for_hidden_fields_are_not_even_stored(
    rita: FlaskClient, platform: Platform
) -> None:
    data = {"name": "F", "hidden-upload": sent(PDF, "plan.pdf"), "name-upload": sent(PDF, "b.pdf")}
    rita.post("/o/folder/new", data=data)
    with platform.database.read() as connection:
        assert connection.execute(sa.select(stored_file)).first() is None


def test_programs_fetch_files_with_their_token(rita: FlaskClient, app: Any, bearer: Bearer) -> None:
    headers, client = bearer("rita"), app.test_client()
    data = {"file": sent(PDF, "plan.pdf")}
    answer = client.post("/api/v1/files", data=data, headers=headers)
    assert answer.status_code == 201
    wire = answer.get_json()
    assert client.get(wire["url"], headers=headers, buffered=True).data == PDF
    assert fetch(rita, wire["url"]).data == PDF


def test_sec21_a_browser_sent_by_another_site_uploads_nothing(rita: FlaskClient) -> None:
    del rita.environ_base["HTTP_X_CSRFTOKEN"]
    answer = rita.post("/api/v1/files", data={"file": sent(PDF, "plan.pdf")})
    assert answer.status_code == 400
