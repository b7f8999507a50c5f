"""The designer's forms over every definition there is: what is sent as shown changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from lxml.html import HtmlElement
from werkzeug.datastructures import MultiDict

from metadata.fields.registry import offered_types
from tests.platform.acting import acting
from tests.platform.pages import get, read, select, texts
from tests.platform.world import Login
from trellis.designer.drafts import find_drafted, list_drafted, put_element
from trellis.runtime import Platform

PLUGINS = Path(__file__).parents[2] / "plugins"


def documents() -> Iterator[tuple[str, dict[str, Any]]]:
    for file in sorted(PLUGINS.glob("*/objects/*.json")):
        yield file.stem.replace(".", "_"), json.loads(file.read_text())
    for name, kind in offered_types().items():
        samples = {f"sample_{n}": dict(one.document) for n, one in enumerate(kind.samples)}
        if samples:
            yield f"samples_of_{name}", {"type": "object", "properties": samples}


def fields_of(form: HtmlElement) -> MultiDict[str, str]:
    """Gives what a browser would send for a form."""
    sent: MultiDict[str, str] = MultiDict()
    for element in form.iter("input", "select", "textarea"):
        name, kind = element.get("name"), element.get("type")
        if not name or "__row__" in name or element.get("value") == "__row__":
            continue
        if element.tag == "select":
            sent.add(name, element.value if element.value is not None else "")
        elif element.tag == "textarea":
            text = element.text or ""
            sent.add(name, text.removeprefix("\n").replace("\n", "\r\n"))
        elif kind not in {"checkbox", "radio"} or element.get("checked") is not None:
            sent.add(name, element.get("value") or "")
    return sent


def drafted(platform: Platform, name: str) -> dict[str, Any]:
    with acting(platform, "admin") as unit:
        return deepcopy(dict(find_drafted(unit, "object", name).body or {}))


def test_what_is_sent_as_shown_changes_nothing(platform: Platform, login: Login) -> None:
    admin = login("admin")
    for name, document in documents():
        with acting(platform, "admin") as unit:
            put_element(unit, "object", name, document)
        expected = deepcopy(document)
        address = f"/setup/objects/{name}"
        for field in document["properties"]:
            send_as_shown(admin, f"{address}?field={field}", "fields")
            assert json.dumps(drafted(platform, name)) == json.dumps(expected), (name, field)
        send_as_shown(admin, f"{address}/settings", "settings")
        found = drafted(platform, name)
        expected["crm"] = {"plural": found["crm"]["plural"], **expected.get("crm", {})}
        assert found == expected, name
    with acting(platform, "admin") as unit:
        assert [one for one in list_drafted(unit, "translations") if one.is_changed] == []


def send_as_shown(admin: FlaskClient, address: str, ends: str) -> None:
    """Sends the form of a page back as it is."""
    form = shown_form(admin, address, ends)
    answer = admin.post(str(form.get("action")), data=fields_of(form))
    assert answer.status_code == 302, (address, texts(read(answer), "[role=alert]"))


def shown_form(admin: FlaskClient, address: str, ends: str) -> HtmlElement:
    """Gives the form of a page that is sent to an address with an end."""
    return select(get(admin, address), f"form[action$='/{ends}']")[0]
