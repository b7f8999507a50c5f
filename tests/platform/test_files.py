"""Files: who may have them, what comes in, and what is left of them."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from PIL import Image

from tests.platform.filing import (
    PDF,
    add_folders,
    fetch,
    make_folder,
    picture,
    upload,
    uploaded,
)
from tests.platform.world import Login
from trellis.files.cleanup import clean, lost_contents
from trellis.files.tables import file_use, stored_file
from trellis.files.uploads import MAX_WAITING, clean_name
from trellis.runtime import Platform

UNKNOWN = "0197b5c2-0000-7000-8000-000000000001"


@pytest.fixture
def folders(platform: Platform) -> Platform:
    add_folders(platform)
    return platform


@pytest.fixture
def rita(folders: Platform, login: Login) -> FlaskClient:
    return login("rita")


@pytest.fixture
def ron(folders: Platform, login: Login) -> FlaskClient:
    return login("ron")


def test_a_file_comes_in_hangs_on_a_record_and_comes_out(rita: FlaskClient) -> None:
    wire = uploaded(rita, name="Plan für 北京.pdf", field="folder.contract")
    assert wire == {
        "id": wire["id"],
        "name": "Plan für 北京.pdf",
        "media_type": "application/pdf",
        "size": len(PDF),
        "url": f"/files/{wire['id']}/Plan%20f%C3%BCr%20%E5%8C%97%E4%BA%AC.pdf",
    }
    record = make_folder(rita, contract=wire["id"], photos=[wire, {"id": wire["id"], "name": "x"}])
    shown = rita.get(f"/api/v1/folder/{record}").get_json()
    assert shown["contract"] == wire
    assert shown["photos"] == [wire]
    answer = fetch(rita, wire["url"])
    assert answer.data == PDF
    headers = answer.headers
    assert headers["Content-Type"] == "application/pdf"
    assert headers["Content-Disposition"] == (
        'attachment; filename="Plan f_r __.pdf"; '
        "filename*=UTF-8''Plan%20f%C3%BCr%20%E5%8C%97%E4%BA%AC.pdf"
    )
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "sandbox" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "private, no-store"


def test_conditions_see_names(rita: FlaskClient) -> None:
    one, two = uploaded(rita, name="A.pdf"), uploaded(rita, name="A.pdf")
    full = make_folder(rita, contract=one["id"], photos=[one["id"], two["id"]])
    empty = make_folder(rita)
    asked = {
        "contract is empty": [empty],
        "contract is not empty": [full],
        'contract ends with ".PDF"': [full],
        "count(photos) = 2": [full],
        "count(photos) = 0": [empty],
        'photos contains "A.pdf"': [full],
        "photos is empty": [empty],
    }
    for text, ids in asked.items():
        found = rita.get("/api/v1/folder", query_string={"filter": text}).get_json()
        assert [item["id"] for item in found["items"]] == ids, text
    history = rita.get(f"/api/v1/folder/{full}/history").get_json()["items"]
    assert history[0]["changes"]["contract"][1]["name"] == "A.pdf"


# ------------------------------------------------------------ who may (SEC-01, SEC-07)


def test_sec07_a_foreign_file_answers_like_one_that_is_not_there(
    rita: FlaskClient, ron: FlaskClient
) -> None:
    wire = uploaded(rita)
    record = make_folder(rita, contract=wire["id"])
    missing = fetch(ron, f"/files/{UNKNOWN}/plan.pdf")
    for file_id in (wire["id"], UNKNOWN, "..", "x", "%00"):
        answer = fetch(ron, f"/files/{file_id}/plan.pdf")
        assert answer.status_code == 404, file_id
    assert len(fetch(ron, wire["url"]).data) == len(missing.data)
    assert ron.get(f"/api/v1/folder/{record}").status_code == 404


def test_sec07_a_foreign_file_cannot_be_attached(rita: FlaskClient, ron: FlaskClient) -> None:
    wire = uploaded(rita)
    make_folder(rita, contract=wire["id"])
    fresh = uploaded(rita)
    said = []
    for file_id in (wire["id"], fresh["id"], UNKNOWN):
        answer = ron.post("/api/v1/folder", json={"name": "F", "contract": {"id": file_id}})
        assert answer.status_code == 422
        (error,) = answer.get_json()["errors"]
        said.append((error["code"], error["message"].replace(file_id, "…")))
    assert set(said) == {
        (
            "unknown_file",
            "There is no file … that you may use here; upload it first, and save within 24 hours",
        )
    }
    listed = ron.post("/api/v1/folder", json={"name": "F", "photos": [wire["id"]]})
    assert listed.status_code == 422


def test_sec01_a_hidden_field_gives_no_file_to_who_reads_the_record(
    folders: Platform, login: Login
) -> None:
    diana, mark = login("diana"), login("mark")
    wire = uploaded(diana)
    record = make_folder(diana, hidden=wire["id"])
    assert fetch(diana, wire["url"]).status_code == 200
    assert mark.get(f"/api/v1/folder/{record}").status_code == 200
    assert fetch(mark, wire["url"]).status_code == 404
    fay = login("fay")
    assert fetch(fay, wire["url"]).status_code == 404


def test_a_deleted_record_gives_its_files_to_nobody(folders: Platform, login: Login) -> None:
    diana, mark = login("diana"), login("mark")
    wire = uploaded(diana)
    record = make_folder(diana, contract=wire["id"])
    assert fetch(mark, wire["url"]).status_code == 200
    tag = mark.get(f"/api/v1/folder/{record}").headers["ETag"]
    assert mark.delete(f"/api/v1/folder/{record}", headers={"If-Match": tag}).status_code == 204
    assert fetch(mark, wire["url"]).status_code == 404
    assert mark.post(f"/api/v1/folder/{record}/restore").status_code == 200
    assert fetch(mark, wire["url"]).status_code == 200


def test_who_reads_a_file_may_put_it_into_another_record(folders: Platform, login: Login) -> None:
    diana, mark = login("diana"), login("mark")
    wire = uploaded(diana)
    make_folder(diana, contract=wire["id"])
    make_folder(mark, contract=wire["id"])
    assert fetch(login("ron"), wire["url"]).status_code == 404


def test_an_upload_waits_a_day_for_its_record(folders: Platform, rita: FlaskClient) -> None:
    wire = uploaded(rita)
    with folders.database.write() as connection:
        connection.execute(
            sa.update(stored_file).values(uploaded_at=datetime.now(UTC) - timedelta(hours=25))
        )
    assert fetch(rita, wire["url"]).status_code == 404
    answer = rita.post("/api/v1/folder", json={"name": "F", "contract": wire["id"]})
    assert answer.get_json()["errors"][0]["code"] == "unknown_file"


def test_a_stranger_uploads_nothing(app: Any, folders: Platform) -> None:
    client = app.test_client()
    assert client.post("/api/v1/files", data={"file": (io.BytesIO(b"x"), "x")}).status_code == 401
    assert fetch(client, f"/files/{UNKNOWN}/x").status_code == 302
    with folders.database.read() as connection:
        assert connection.execute(sa.select(stored_file)).first() is None


# ------------------------------------------------------------ what comes in


def docx() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", "<w/>")
    return target.getvalue()


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(1)</script>"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
CONTENTS = [
    (picture(kind="PNG"), "a.txt", "image/png"),
    (PDF, "a.png", "application/pdf"),
    (SVG, "a.png", "application/octet-stream"),
    (HTML, "a.pdf", "application/octet-stream"),
    (b"\xef\xbb\xbf  <HTML><body onload=alert(1)>", "a.txt", "application/octet-stream"),
    (b"GIF89a/*<script>*/=alert(1)", "a.gif", "image/gif"),
    (b"a,b\n1,2\n", "a.csv", "text/csv"),
    (b"MZ\x90\x00\x03", "a.pdf", "application/octet-stream"),
    (docx(), "a.zip", WORD),
]


def test_sec12_the_content_decides_and_nothing_runs(rita: FlaskClient) -> None:
    for content, name, media_type in CONTENTS:
        wire = uploaded(rita, content, name=name, media_type="image/png")
        answer = fetch(rita, wire["url"])
        assert answer.data == content
        assert answer.headers["Content-Type"].partition(";")[0] == media_type, name
        assert answer.headers["Content-Disposition"].startswith("attachment"), name


NAMES = [
    ("../../etc/passwd", "passwd"),
    ("..\\..\\windows\\system.ini", "system.ini"),
    ("a\r\nSet-Cookie: x=1.pdf", "aSet-Cookie: x=1.pdf"),
    ("photo\u202egpj.exe", "photogpj.exe"),
    ("...", "file"),
    ("", "file"),
    ('"><script>.pdf', '"><script>.pdf'),
    ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
]


@pytest.mark.parametrize(("given", "kept"), NAMES)
def test_names_are_names_and_no_paths(given: str, kept: str) -> None:
    assert clean_name(given) == kept


REFUSALS = [
    (b"x" * 5_001, "a.txt", 413, '"a.txt" has 5001 bytes; at most 5000 are accepted here'),
    (b"", "a.txt", 422, '"a.txt" is empty'),
    (
        picture(kind="PNG"),
        "a.pdf",
        422,
        '"a.pdf" is image/png; accepted are: application/pdf, text/*',
    ),
]


def test_a_field_says_what_it_takes(rita: FlaskClient) -> None:
    for content, name, status, said in REFUSALS:
        answer = upload(rita, content, name, field="folder.contract")
        assert answer.status_code == status
        assert [error["message"] for error in answer.get_json()["errors"]] == [said]
        if content:  # a file that was uploaded for no field is judged when it is attached
            wire = uploaded(rita, content, name=name)
            answer = rita.post("/api/v1/folder", json={"name": "F", "contract": wire["id"]})
            assert [error["message"] for error in answer.get_json()["errors"]] == [said]
            assert answer.status_code == 422


def test_sec01_uploads_for_fields_that_one_may_not_write(rita: FlaskClient) -> None:
    for path in ("folder.hidden", "folder.name", "folder.x", "nothing.x", "x"):
        answer = upload(rita, field=path)
        assert answer.status_code == 422
        assert answer.get_json()["errors"][0]["message"] == (
            f'There is no field "{path}" that takes files and that you may write'
        )


def test_more_than_the_instance_takes_is_not_read(
    folders: Platform, rita: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    object.__setattr__(folders.settings, "max_upload_bytes", 1_000)
    assert upload(rita, b"x" * 2_000, "a.txt").status_code == 413
    assert upload(rita, b"x" * (5 << 20), "a.txt").status_code == 413
    missing = rita.post("/api/v1/files", data={"other": "x"})
    assert missing.get_json()["errors"][0]["code"] == "upload_expected"


def test_a_body_shorter_than_it_says_is_no_file(rita: FlaskClient, folders: Platform) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhalf'
    answer = rita.post(
        "/api/v1/files",
        input_stream=io.BytesIO(body),
        content_type="multipart/form-data; boundary=x",
        headers={"Content-Length": "5000"},
    )
    assert answer.status_code in {400, 422}
    with folders.database.read() as connection:
        assert connection.execute(sa.select(stored_file)).first() is None


def test_sec22_nobody_floods_the_store(rita: FlaskClient, folders: Platform) -> None:
    wire = uploaded(rita)
    with folders.database.write() as connection:
        row = dict(connection.execute(sa.select(stored_file)).mappings().one())
        rows = [{**row, "id": f"{number}"} for number in range(MAX_WAITING - 1)]
        connection.execute(sa.insert(stored_file), rows)
    answer = upload(rita)
    assert [one["message"] for one in answer.get_json()["errors"]] == [
        "1000 of your files wait for records already; save these first"
    ]
    assert answer.status_code == 422
    make_folder(rita, contract=wire["id"])
    assert upload(rita).status_code == 201


# ------------------------------------------------------------ pictures


def test_pictures_lose_what_cameras_add_and_get_a_thumbnail(rita: FlaskClient) -> None:
    exif = Image.Exif()
    exif[0x010F] = "CANARY camera"
    exif[0x0112] = 6  # turned by 90 degrees
    content = picture((800, 600), exif=exif.tobytes(), comment=b"CANARY comment")
    wire = uploaded(rita, content, name="me.png", field="folder.photo")
    assert (wire["name"], wire["media_type"]) == ("me.jpg", "image/jpeg")
    make_folder(rita, photo=wire["id"])
    answer = fetch(rita, wire["url"])
    assert b"CANARY" not in answer.data
    assert answer.headers["Content-Disposition"].startswith("inline")
    with Image.open(io.BytesIO(answer.data)) as shown:
        assert shown.size == (600, 800)
        assert not shown.getexif()
    small = fetch(rita, wire["url"] + "?size=thumbnail")
    with Image.open(io.BytesIO(small.data)) as shown:
        assert max(shown.size) == 320


def bomb() -> bytes:
    content = bytearray(picture((1, 1), "PNG"))
    content[16:24] = (60_000).to_bytes(4, "big") * 2  # the head says 3,600,000,000 pixels
    return bytes(content)


PICTURES = [
    (SVG, "picture_unreadable"),
    (HTML, "file_media_type"),
    (b"\x89PNG\r\n\x1a\n" + b"\x00" * 50, "picture_unreadable"),
    (b"GIF89a/*<script>*/=alert(1)", "picture_unreadable"),
    (bomb(), "picture_unreadable"),
    (picture((8_000, 7_000), "PNG"), "picture_too_large"),
]


def test_sec15_what_is_no_picture_is_refused(rita: FlaskClient) -> None:
    for content, code in PICTURES:
        answer = upload(rita, content, "a.png", field="folder.photo")
        assert (answer.status_code, answer.get_json()["errors"][0]["code"]) == (422, code)


def test_a_picture_with_a_script_behind_it_loses_the_script(rita: FlaskClient) -> None:
    wire = uploaded(rita, picture() + HTML, name="a.jpg", field="folder.photo")
    assert b"script" not in fetch(rita, wire["url"]).data


def test_a_file_that_was_not_made_a_picture_is_not_taken_for_one(rita: FlaskClient) -> None:
    wire = uploaded(rita, picture(), name="a.jpg")
    answer = rita.post("/api/v1/folder", json={"name": "F", "photo": wire["id"]})
    assert answer.get_json()["errors"][0]["message"] == (
        '"a.jpg" was not uploaded as a picture; upload it for this field'
    )


def test_a_signature_says_who_and_when(rita: FlaskClient, people: Any) -> None:
    wire = uploaded(rita, picture(kind="PNG"), name="s.png", field="folder.signed")
    sent = {**wire, "signed_by": "somebody else", "signed_at": "1999-01-01T00:00:00Z"}
    record = make_folder(rita, signed=sent)
    shown = rita.get(f"/api/v1/folder/{record}").get_json()["signed"]
    assert shown["signed_by"] == people["rita"]
    assert shown["signed_at"][:4] == str(datetime.now(UTC).year)


# ------------------------------------------------------------ what is left


def test_the_same_content_is_kept_once_and_rights_stay_apart(
    folders: Platform, rita: FlaskClient, ron: FlaskClient
) -> None:
    mine, theirs = uploaded(rita), uploaded(ron)
    assert mine["id"] != theirs["id"]
    assert len(list(folders.blobs.all())) == 1
    assert fetch(rita, theirs["url"]).status_code == 404
    assert fetch(ron, mine["url"]).status_code == 404


def old_contents(platform: Platform) -> None:
    """Makes everything two days old."""
    import os

    past = (datetime.now(UTC) - timedelta(days=2)).timestamp()
    for path in platform.settings.uploads_folder.rglob("*"):
        if path.is_file():
            os.utime(path, (past, past))


def test_what_no_record_holds_goes_after_a_day(folders: Platform, rita: FlaskClient) -> None:
    held, left = uploaded(rita), uploaded(rita, b"left", name="left.txt")
    replaced = uploaded(rita, b"replaced", name="old.txt")
    record = make_folder(rita, contract=replaced["id"], photos=[held["id"]])
    tag = rita.get(f"/api/v1/folder/{record}").headers["ETag"]
    answer = rita.patch(
        f"/api/v1/folder/{record}", json={"contract": held["id"]}, headers={"If-Match": tag}
    )
    assert answer.status_code == 200
    old_contents(folders)
    now = datetime.now(UTC)
    assert clean(folders.database, folders.blobs, now).files == 0
    later = now + timedelta(hours=25)
    cleaned = clean(folders.database, folders.blobs, later)
    assert (cleaned.files, cleaned.contents) == (2, 2)
    assert fetch(rita, held["url"]).data == PDF
    assert fetch(rita, left["url"]).status_code == 404
    with folders.database.read() as connection:
        uses = connection.execute(sa.select(file_use.c.file)).scalars().all()
    assert set(uses) == {held["id"]}
    assert lost_contents(folders.database, folders.blobs) == []


def test_a_crash_between_content_and_row_leaves_only_what_is_swept(folders: Platform) -> None:
    folders.blobs.put(io.BytesIO(b"cut off"), 100)
    assert clean(folders.database, folders.blobs, datetime.now(UTC)).contents == 0
    old_contents(folders)
    assert clean(folders.database, folders.blobs, datetime.now(UTC)).contents == 1
    assert list(folders.blobs.all()) == []


def test_a_refused_save_keeps_no_use(folders: Platform, rita: FlaskClient) -> None:
    wire = uploaded(rita)
    answer = rita.post("/api/v1/folder", json={"name": 5, "contract": wire["id"]})
    assert answer.status_code == 422
    with folders.database.read() as connection:
        assert connection.execute(sa.select(file_use)).first() is None
