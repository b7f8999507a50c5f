"""What the tests of files share: an object with fields of files, roles, and uploads."""

from __future__ import annotations

import io
from typing import Any

from flask.testing import FlaskClient
from PIL import Image

from metadata.migrate import publish
from metadata.store import load_elements
from tests.metadata.databases import element
from tests.platform.world import Login
from trellis.runtime import Platform

CANARY = "CANARY-7f3a"
PDF = b"%PDF-1.7\n" + CANARY.encode()


def field(kind: str, json_type: str = "object", **crm: object) -> dict[str, Any]:
    return {"type": json_type, "crm": {"field": kind, **crm}}


def definitions() -> list[Any]:
    """Gives a case with files, which sales reps keep for themselves, and where one sees less."""
    case = {
        "title": "Folder",
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "contract": field("file", media_types=["application/pdf", "text/*"], max_bytes=5_000),
            "reviewed": {"type": "string", "crm": {"visible_when": "contract is not empty"}},
            "counted": {"type": "string", "crm": {"visible_when": "count(photos) = 1"}},
            "hidden": field("file"),
            "photos": {**field("files", "array"), "maxItems": 3},
            "photo": field("image", max_bytes=2_000_000),
            "signed": field("signature"),
            "token": field("secret", "string"),
            "id_number": {
                "type": "string",
                "crm": {"encrypted": True, "unique": True, "mask": "last4"},
            },
        },
        "crm": {"plural": "Folders", "name_field": "name"},
    }
    own = {"create": True, "read": "own", "update": "own", "delete": "own"}
    every = {"create": True, "read": "all", "update": "all", "delete": "all"}
    return [
        element("folder", case),
        role("sales_rep", {"folder": {**own, "fields": {"hidden": "hidden"}}}),
        role(
            "sales_manager",
            {"folder": {**every, "fields": {"hidden": "hidden", "id_number": "masked"}}},
        ),
        role("sales_director", {"folder": every}),
    ]


def role(name: str, grants: dict[str, Any]) -> Any:
    return element(name, {"title": name, "grants": grants}, kind="role")


def add_folders(platform: Platform) -> None:
    """Publishes the object `folder`, with rights for the roles that there are."""
    with platform.database.write() as connection:
        elements = load_elements(connection)
        wanted = []
        made = {one.key: one for one in definitions()}
        for one in elements:
            new = made.pop(one.key, None)
            if new is not None:
                body = {**one.body, "grants": {**one.body["grants"], **new.body["grants"]}}  # type: ignore[dict-item]  # grants are an object
                one = type(one)(one.id, one.kind, one.name, one.package, body)
            wanted.append(one)
        publish(connection, [*wanted, *made.values()], by="test")


def upload(
    client: FlaskClient,
    content: bytes = PDF,
    name: str = "plan.pdf",
    *,
    field: str | None = None,
    media_type: str = "application/pdf",
) -> Any:
    """Sends a file to the API; gives the answer."""
    query = {"field": field} if field else {}
    data = {"file": (io.BytesIO(content), name, media_type)}
    answer = client.post("/api/v1/files", data=data, query_string=query)
    # Werkzeug writes a large body to the disk, and leaves it open when nobody reads it.
    answer.request.environ["wsgi.input"].close()
    return answer


def uploaded(client: FlaskClient, content: bytes = PDF, **options: Any) -> dict[str, Any]:
    """Gives an uploaded file's wire form."""
    answer = upload(client, content, **options)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    wire: dict[str, Any] = answer.get_json()
    return wire


def fetch(client: FlaskClient, address: str) -> Any:
    """Gives the answer of a download, read to its end."""
    return client.get(address, buffered=True)


def picture(size: tuple[int, int] = (40, 30), kind: str = "JPEG", **options: Any) -> bytes:
    """Gives the bytes of a picture."""
    target = io.BytesIO()
    Image.new("RGB", size, "teal").save(target, kind, **options)
    return target.getvalue()


def make_folder(client: FlaskClient, **values: object) -> str:
    """Creates a folder and gives its id."""
    answer = client.post("/api/v1/folder", json={"name": "F", **values})
    assert answer.status_code == 201, answer.get_data(as_text=True)
    return str(answer.get_json()["id"])


def clients(login: Login, *names: str) -> list[FlaskClient]:
    return [login(name) for name in names]
