"""A deletion that is refused tells of what refers to the record only what may be read (SEC-01)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.metadata.databases import object_body
from tests.platform.acting import change_element, make, system
from tests.platform.conditional_world import publish_more
from tests.platform.nested_world import reference
from tests.platform.world import Login
from trellis.records.save import save_record
from trellis.runtime import Platform

pytestmark = pytest.mark.usefixtures("people")

OWN = {"create": True, "read": "own", "update": "own", "delete": "own"}
NAME = {"name": {"type": "string"}}
HELD = "Other records still refer to this one. Remove those references first"


@pytest.fixture
def boxes(platform: Platform) -> str:
    """A box of Rita's with an item that goes with it; grips hold items. Gives the box."""
    item = {**NAME, "box": reference("box", on_delete="cascade")}
    grip = {**NAME, "item": reference("item", on_delete="restrict")}
    boxes = {"field": "many_to_many", "to": "box", "on_delete": "restrict"}
    crate = {**NAME, "boxes": {"type": "array", "title": "Boxes", "crm": boxes}}
    bodies = {
        "crate": object_body(crate, owner=True, plural="Crates"),
        "box": object_body(NAME, owner=True, plural="Boxes"),
        "item": object_body(item, owner=True, plural="Items"),
        "grip": object_body(grip, owner=True, plural="Grips"),
    }
    publish_more(platform, bodies, {})
    change_element(platform, "role", "sales_rep", grant(**dict.fromkeys(bodies, OWN)))
    box = make(platform, "rita", "box", name="B")
    make(platform, "rita", "item", name="I", box=box)
    return box


def counted(label: str) -> str:
    rest = "still refer to this one. Delete them or change their reference first"
    return f"1 records of {label} {rest}"


def grant(**grants: Any) -> Callable[[dict[str, Any]], None]:
    return lambda body: body["grants"].update(grants)


def refusals(client: FlaskClient, object_name: str, record_id: str) -> set[str]:
    """Gives why a deletion is refused, alone and among several: they have to say the same."""
    alone = client.delete(f"/api/v1/{object_name}/{record_id}", headers={"If-Match": "*"})
    ops = [{"op": "delete", "id": record_id}]
    (each,) = client.post(f"/api/v1/{object_name}/bulk?mode=each", json=ops).get_json()["results"]
    assert (alone.status_code, each["status"]) == (409, 409)
    return {alone.get_json()["errors"][0]["message"], each["errors"][0]["message"]}


@pytest.mark.parametrize("target", ["item", "box"], ids=["itself", "what goes with it"])
def test_sec_01_only_readable_records_are_counted(
    platform: Platform, login: Login, boxes: str, target: str
) -> None:
    client = login("rita")
    (item,) = client.get("/api/v1/item").get_json()["items"]
    record = item["id"] if target == "item" else boxes
    for number in range(2):
        make_hidden(platform, item["id"], number)
        assert refusals(client, target, record) == {HELD}
    make(platform, "rita", "grip", name="Mine", item=item["id"])
    assert refusals(client, target, record) == {counted("Grip")}
    hide = grant(grip={**OWN, "fields": {"item": "hidden"}})
    change_element(platform, "role", "sales_rep", hide)
    assert refusals(client, target, record) == {HELD}


def test_sec_01_of_links_only_readable_ones_are_counted(
    platform: Platform, login: Login, boxes: str
) -> None:
    client = login("rita")
    with system(platform) as unit:
        save_record(unit, "crate", None, {"name": "C", "boxes": [boxes]}, channel="system")
    assert refusals(client, "box", boxes) == {HELD}
    make(platform, "rita", "crate", name="Mine", boxes=[boxes])
    assert refusals(client, "box", boxes) == {counted("Crate")}


def make_hidden(platform: Platform, item: str, number: int) -> None:
    """Makes a grip that Rita may not read."""
    with system(platform) as unit:
        save_record(unit, "grip", None, {"name": f"G{number}", "item": item}, channel="system")
