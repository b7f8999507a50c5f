"""Encrypted values and secrets of an installation: never in plain text, under rotating keys."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from metadata.encryption import EncryptionError
from metadata.fields.types.secret import Hidden
from tests.platform.acting import acting, system
from tests.platform.filing import add_folders, make_folder
from tests.platform.world import Login
from trellis.cli.keys import history_entries
from trellis.config import Settings
from trellis.doctor import examine
from trellis.errors import Refused
from trellis.records.save import save_record
from trellis.runtime import Platform, open_platform
from trellis.security.rotation import rotate, rotate_field, sealings, waiting

CANARY = "CANARY110101199003071234"
TOKEN = "CANARY-token-9c1f"
NEWER = "a-newer-key-that-is-only-for-tests-0123456789"


@pytest.fixture
def folders(platform: Platform) -> Platform:
    add_folders(platform)
    return platform


def dump(platform: Platform) -> Iterator[str]:
    """Gives every row of every table as text, and with SQLite the bytes of the file itself."""
    with platform.database.read() as connection:
        for name in sa.inspect(connection).get_table_names():
            for row in connection.exec_driver_sql(f'SELECT * FROM "{name}"'):
                yield f"{name}: {json.dumps([str(value) for value in row], ensure_ascii=False)}"
    file = platform.database.file
    if file is not None:
        with sqlite3.connect(file) as connection_to_file:
            connection_to_file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection_to_file.close()
        yield file.read_bytes().decode("latin-1")


def test_plain_values_stand_nowhere(
    folders: Platform, login: Login, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    rita = login("rita")
    record = make_folder(rita, id_number=CANARY, token=TOKEN)
    address = f"/api/v1/folder/{record}"
    shown = rita.get(address)
    assert shown.get_json()["id_number"] == CANARY
    assert shown.get_json()["token"] == {"set": True}
    changes = {"id_number": CANARY + "X", "token": TOKEN + "-2"}
    changed = rita.patch(address, json=changes, headers={"If-Match": shown.headers["ETag"]})
    assert changed.status_code == 200, changed.get_data(as_text=True)
    taken = rita.post("/api/v1/folder", json={"name": "F", "id_number": CANARY + "X"})
    assert taken.get_json()["errors"][0]["code"] == "unique"
    entries = rita.get(f"{address}/history").get_json()["items"]
    assert entries[0]["changes"]["id_number"] == [CANARY, CANARY + "X"]
    assert entries[0]["changes"]["token"] == [{"set": True}, {"set": True}]
    assert [line for line in dump(folders) if "canary" in line.casefold()] == []
    assert "CANARY" not in caplog.text
    pages = [f"/o/folder/{record}", f"/o/folder/{record}/edit", "/o/folder/"]
    assert all(TOKEN not in rita.get(page).get_data(as_text=True) for page in pages)


def test_masked_readers_see_the_end_only_everywhere(folders: Platform, login: Login) -> None:
    record = make_folder(login("rita"), id_number=CANARY)
    mark = login("mark")
    assert mark.get(f"/api/v1/folder/{record}").get_json()["id_number"] == "•••1234"
    for page in (f"/o/folder/{record}", "/o/folder/", f"/api/v1/folder/{record}/history"):
        assert CANARY not in mark.get(page).get_data(as_text=True)
    asked = {"filter": f'id_number = "{CANARY}"'}
    refused = mark.get("/api/v1/folder", query_string=asked)
    assert refused.status_code == 422


@pytest.fixture
def rita(folders: Platform, login: Login) -> FlaskClient:
    return login("rita")


def test_filters_through_the_api(rita: FlaskClient) -> None:
    record = make_folder(rita, id_number=CANARY, token=TOKEN)
    make_folder(rita)
    for text in (f'id_number = "{CANARY}"', "token is not empty"):
        found = rita.get("/api/v1/folder", query_string={"filter": text}).get_json()
        assert [item["id"] for item in found["items"]] == [record], text
    refused = {
        'id_number starts with "CAN"': '"id_number" is encrypted: it can only be compared with a '
        "constant by =, !=, in, or tested by is empty",
        f'token = "{TOKEN}"': '"token" is a secret: it can only be tested by is empty',
    }
    for text, said in refused.items():
        answer = rita.get("/api/v1/folder", query_string={"filter": text})
        assert [one["message"] for one in answer.get_json()["errors"]] == [said]
    for field in ("id_number", "token"):
        answer = rita.get("/api/v1/folder", query_string={"sort": field})
        assert [one["message"] for one in answer.get_json()["errors"]] == [
            f'"{field}" is encrypted and has no order'
        ]


def test_a_secret_is_kept_replaced_cleared_and_revealed_to_the_system(
    folders: Platform, rita: FlaskClient
) -> None:
    record = make_folder(rita, token=TOKEN)

    def revealed() -> str | None:
        with system(folders) as unit:
            return unit.records().reveal("folder", record, "token")

    def change(value: object, status: int = 200) -> None:
        tag = rita.get(f"/api/v1/folder/{record}").headers["ETag"]
        answer = rita.patch(
            f"/api/v1/folder/{record}", json={"token": value}, headers={"If-Match": tag}
        )
        assert answer.status_code == status, answer.get_data(as_text=True)

    assert revealed() == TOKEN
    change({"set": True}, 422)
    rita.post(f"/o/folder/{record}/edit", data={"name": "G", "token": ""})
    assert revealed() == TOKEN
    change("other")
    assert revealed() == "other"
    rita.post(f"/o/folder/{record}/edit", data={"name": "G", "token": "", "token-remove": "1"})
    assert revealed() is None
    change(TOKEN)
    change(None)
    assert revealed() is None
    with acting(folders, "rita") as unit, pytest.raises(PermissionError):
        unit.records().reveal("folder", record, "token")
    assert repr(Hidden(TOKEN)) == "'•••'"
    assert f"{Hidden(TOKEN)} {[Hidden(TOKEN)]} {json.dumps(Hidden(TOKEN))}".count("CANARY") == 0


def reopened(settings: Settings, *keys: str) -> Platform:
    return open_platform(replace(settings, encryption_keys=keys))


def test_keys_rotate_while_values_are_read(folders: Platform, settings: Settings) -> None:
    with acting(folders, "rita") as unit:
        ids = [
            save_record(
                unit,
                "folder",
                None,
                {"name": f"F{number}", "id_number": f"{CANARY}{number}", "token": TOKEN},
                channel="api",
            ).id
            for number in range(7)
        ]
    (old,) = settings.encryption_keys
    both = reopened(settings, NEWER, old)
    with both.database.read() as connection:
        catalog = both.catalogs.current(connection)
        assert waiting(connection, catalog) == {"folder.id_number": 7, "folder.token": 7}
    with acting(both, "rita") as unit:  # an older index is no way round uniqueness
        values = {"name": "G", "id_number": f"{CANARY}3"}
        with pytest.raises(Refused) as refused:
            save_record(unit, "folder", None, values, channel="api")
        assert [(one.path, one.code) for one in refused.value.problems] == [
            ("/id_number", "unique")
        ]
        found = unit.records().list("folder", filter=f'id_number = "{CANARY}3"')
        assert [one["id"] for one in found.items] == [ids[3]]
    assert rotate(both.database, catalog) == 14
    assert rotate(both.database, catalog) == 0
    both.close()
    alone = reopened(settings, NEWER)
    with acting(alone, "rita") as unit:
        found = unit.records().list("folder", filter=f'id_number = "{CANARY}3"')
        assert [one["id"] for one in found.items] == [ids[3]]
    alone.close()
    assert history_entries(folders, folders_key_id(folders)) == 7


def test_a_rotation_that_is_cut_off_goes_on(folders: Platform, settings: Settings) -> None:
    with acting(folders, "rita") as unit:
        for number in range(5):
            values = {"name": "F", "id_number": f"{CANARY}{number}"}
            save_record(unit, "folder", None, values, channel="api")
    both = reopened(settings, NEWER, *settings.encryption_keys)
    with both.database.read() as connection:
        catalog = both.catalogs.current(connection)
    (field,) = [one for one in sealings(catalog) if one.field.name == "id_number"]
    batches = rotate_field(both.database, field, batch=2)
    assert next(batches) == 2
    batches.close()
    with both.database.read() as connection:
        assert waiting(connection, catalog) == {"folder.id_number": 3}
    with acting(both, "rita") as unit:
        assert len(unit.records().list("folder", filter="id_number is not empty").items) == 5
        held = unit.records().list("folder", fields=["id_number"]).items
        assert [one["id_number"] for one in held] == [f"{CANARY}{n}" for n in range(5)]
    (note,) = [one for one in examine(both) if one.subject == "encryption keys"]
    assert (note.level, note.text) == (
        "note",
        "3 values of folder.id_number are sealed with an older one: trellis keys rotate",
    )
    assert rotate(both.database, catalog) == 3
    assert [one for one in examine(both) if one.subject == "encryption keys"] == []
    both.close()


def folders_key_id(platform: Platform) -> str:
    cipher = platform.settings.cipher
    assert cipher is not None
    return cipher.keys[0].id


def test_without_a_key_nothing_is_written_and_nothing_lost(
    folders: Platform, settings: Settings
) -> None:
    with acting(folders, "rita") as unit:
        values = {"name": "F", "id_number": CANARY}
        record = save_record(unit, "folder", None, values, channel="api").id
    for keys in ((), (NEWER,)):
        bare = reopened(settings, *keys)
        with pytest.raises(EncryptionError), acting(bare, "rita") as unit:
            unit.records().get("folder", record)
        if not keys:
            with pytest.raises(EncryptionError), acting(bare, "rita") as unit:
                save_record(unit, "folder", None, {**values, "id_number": "x"}, channel="api")
        bare.close()
    with system(folders) as unit:
        found = unit.records().get("folder", record)
        assert found is not None
        assert found["id_number"] == CANARY
