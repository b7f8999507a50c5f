"""Values from attackers and clumsy people are refused with a reason, never by an error of ours.

Whatever is sent for a field of whatever type, over the API, by a form or in a filter, the answer
says what is wrong; and what was taken can be read, listed and edited afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from metadata.fields.registry import offered_types
from tests.metadata.databases import object_body
from tests.platform.conditional_world import publish_more
from tests.platform.nested_world import publish_orders
from tests.platform.world import Bearer, Login
from trellis.runtime import Platform

pytestmark = pytest.mark.usefixtures("people")

TYPES = {
    name: kind
    for name, kind in offered_types().items()
    if kind.parts and not kind.is_automatic and kind.samples
}
MOST_LETTERS = 1_000_000
"""Of one body; the API refuses larger ones unread."""

DEEP = "[" * 100 + "]" * 100
#: JSON texts, as they are sent.
HOSTILE = {
    "null byte": '"a\\u0000b"',
    "half a letter": '"\\ud800"',
    "beyond a float": "1e400",
    "far beyond": "1e999999999",
    "tiny": "1e-999999999",
    "many digits": "1" * 5_000,
    "many decimals": "0." + "3" * 5_000,
    "not a number": '"NaN"',
    "infinite": '"Infinity"',
    "signalling": '"sNaN"',
    "written power": '"1e999999999"',
    "minus zero": "-0.0",
    "beyond 64 bits": str(2**63),
    "year 0": '"0000-01-01"',
    "year 10000": '"10000-01-01"',
    "last moment": '"9999-12-31T23:59:59-14:00"',
    "first moment": '"0001-01-01T00:00:00+14:00"',
    "last day": '"9999-12-31"',
    "long duration": '"P999999Y"',
    "longer duration": '"P99999999999999999999D"',
    "hours without end": '"999999999999:00"',
    "negative duration": '"-P1D"',
    "deep list": DEEP,
    "deep text": json.dumps(DEEP),
    "deeper text": json.dumps("[" * 100_000),
    "long text": json.dumps("x" * 1_000_000),
    "many members": json.dumps(["x"] * 10_000),
    "many numbers": json.dumps(list(range(10_000))),
    "objects": json.dumps({"id": {"id": {"id": []}}}),
    "list of objects": json.dumps([{"id": None}, {}, [], 1]),
    "half a letter inside": '{"amount": "\\ud800", "currency": "\\udfff"}',
    "null byte inside": '["a\\u0000", {"\\u0000": "\\u0000"}]',
    "money without end": '{"amount": "1e9999", "currency": "CNY"}',
    "money of nothing": '{"amount": null, "currency": ["CNY"]}',
    "place without end": '{"lat": 1e400, "lon": "NaN", "latitude": 1e400, "longitude": "NaN"}',
    "of an object": '{"object": "no_such", "id": "x"}',
    "of a list": '{"object": ["user"], "id": ["x"]}',
    "true": "true",
    "empty list": "[]",
    "empty object": "{}",
    "blanks": '"  \\t\\n "',
    "turned around": '"\\u202e\\u2066abc"',
    "combining": json.dumps("a" + "\u0301" * 2_000),
    "digits of others": '"\u0661\u0662\u0663"',
    "superscript": '"\u00b2"',
    "evil link": '"javascript:alert(1)"',
    "evil host": '"http://[::1"',
    "evil markup": '"<svg/onload=alert(1)><a href=javascript:alert(1)>x</a>"',
    "data": '"data:image/png;base64,AAAA"',
    "surrogates as text": '"\\\\ud800"',
}


def document(name: str) -> dict[str, Any]:
    """Gives a property of a type; references lead to what is there."""
    made: dict[str, Any] = json.loads(json.dumps(TYPES[name].samples[0].document))
    crm = made.get("crm", {})
    if "to" in crm:
        crm["to"] = ["account", "lead"] if isinstance(crm["to"], list) else "account"
    if TYPES[name].kind == "reference":
        crm["reverse"] = f"things_of_{name}"
    return made


@pytest.fixture
def admin(platform: Platform, login: Login) -> FlaskClient:
    fields = {f"a_{name}": document(name) for name in TYPES}
    thing = object_body({"name": {"type": "string"}, **fields}, plural="Things")
    publish_more(platform, {"thing": thing})
    return login("admin")


def batched(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Gives names in groups of at most a size."""
    return (names[start : start + size] for start in range(0, len(names), size))


Send = Callable[[dict[str, str]], TestResponse]


@pytest.fixture
def send(app: Any, bearer: Bearer) -> Send:
    """Creates a record of JSON texts by field."""
    client, headers = app.test_client(), bearer("admin")

    def create(fields: dict[str, str]) -> TestResponse:
        members = ", ".join(f'"{name}": {value}' for name, value in fields.items())
        body, kind = f'{{"name": "x", {members}}}', "application/json"
        answer: TestResponse = client.post(
            "/api/v1/thing", data=body, content_type=kind, headers=headers
        )
        return answer

    return create


def take(send: Send, value: str) -> Iterator[TestResponse]:
    """Sends a value for fields of all types, then again for those that take it."""
    names = [f"a_{name}" for name in TYPES]
    for some in batched(names, max(1, MOST_LETTERS // len(value))):
        first = send(dict.fromkeys(some, value))
        yield first
        if first.status_code == 422:
            refused = {error["path"].split("/")[1] for error in first.get_json()["errors"]}
            taken = [name for name in some if name not in refused]
            if taken:
                yield send(dict.fromkeys(taken, value))


def test_sec_22_no_value_breaks_the_api_or_a_page(
    admin: FlaskClient, app: Any, bearer: Bearer, send: Send
) -> None:
    client, headers = app.test_client(), bearer("admin")
    broken: list[tuple[object, ...]] = []
    taken = 0
    for what, value in HOSTILE.items():
        for answer in take(send, value):
            if answer.status_code not in (201, 400, 422):
                broken.append((what, answer.status_code))
            if answer.status_code != 201:
                continue
            taken += 1
            key = answer.get_json()["id"]
            api, page = f"/api/v1/thing/{key}", f"/o/thing/{key}"
            shown = [client.get(one, headers=headers) for one in (api, f"{api}/history")]
            shown += [admin.get(one) for one in (page, f"{page}/edit")]
            broken += [(what, one.request.path) for one in shown if one.status_code != 200]
    for name in TYPES:
        for sort in (f"a_{name}", f"-a_{name}"):
            listed = client.get(f"/api/v1/thing?sort={sort}&limit=200", headers=headers)
            assert listed.status_code in (200, 422), sort
    assert broken == []
    assert taken > len(HOSTILE) // 2, "most values should be one for some type"


@pytest.mark.parametrize("name", ["lines", "tags", "partners"])
@pytest.mark.parametrize("inside", ["{}", "[{}]", '[{{"id": {}}}]', '[{{"id": {}, "part": {}}}]'])
def test_sec_22_no_row_or_link_breaks_a_save(
    platform: Platform, app: Any, bearer: Bearer, name: str, inside: str
) -> None:
    publish_orders(platform)
    client, headers = app.test_client(), bearer("rita")
    broken = []
    for what, value in HOSTILE.items():
        body = f'{{"name": "x", "{name}": {inside.format(value, value)}}}'
        answer = client.post(
            "/api/v1/order", data=body, content_type="application/json", headers=headers
        )
        if answer.status_code not in (201, 400, 422):
            broken.append((what, answer.status_code))
    assert broken == []
