"""Addresses, parameters and bodies from attackers and clumsy people: answered, never with a 500."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from flask.testing import FlaskClient

from tests.platform.acting import make
from tests.platform.nested_world import publish_orders
from tests.platform.world import Bearer, Login, csrf_token
from trellis.runtime import Platform

pytestmark = pytest.mark.usefixtures("people")

WORDS = (
    "\x00",
    "a\x00b",
    "\ud800",
    "%",
    "'",
    '"',
    "\\",
    "0" * 5_000,
    "-1",
    "1e400",
    "٣",
    "²",
    "(" * 3_000,
    "not " * 500 + "true",
    "a" * 100_000,
    "..",
    "id",
    "__class__",
    "{{7*7}}",
    "\u202e",
)
FILTERS = (
    'name = "\x00"',
    'name contains "\x00"',
    'name matches "("',
    'name matches "(a{1000}){1000}"',
    "factor = " + "9" * 5_000,
    "factor / 0 > 1",
    "factor ^ 999 > 1",
    "factor * " + "9" * 30 + " > 1",
    "created_at > today + 9999999 years",
    "created_at > date(0, 1, 1)",
    "created_at + 999999999 days > now",
    "count(lines) > 1e400",
    "sum(lines.total) / count(lines) > 1",
    "lines is empty",
    "any(lines where any(order.lines where quantity > 1))",
    "tags.name = 1",
    "partners.share > 1",
    " and ".join(["count(lines) > 0"] * 200),
    'id = "\x00"',
    'lines contains "x"',
    "version > 99999999999999999999",
    "factor > 99999999999999999999",
    "factor = 0.1",
)
PARAMETERS = ("filter", "sort", "fields", "limit", "after", "count", "search", "expand")


def encoded(word: str) -> str:
    """Gives a word for an address, halves of letters included."""
    return quote(word.encode("utf-8", "surrogatepass"))


def addresses(order: str) -> Iterator[str]:
    """Gives addresses that nobody writes who means well."""
    for word in WORDS:
        part = encoded(word[:2_000])
        yield f"/api/v1/{part}"
        for end in ("", "/history", "/explain"):
            yield f"/api/v1/order/{part}{end}"
        yield f"/api/v1/order/{order}/history?after={part}"
        yield f"/api/v1/order/{order}?fields={part}&expand={part}"
        yield f"/api/v1/files/{part}"
        yield from (f"/api/v1/order?{name}={part}" for name in PARAMETERS)
    yield from (f"/api/v1/order?{urlencode({'filter': text})}" for text in FILTERS)
    yield from (f"/api/v1/order?sort={name}" for name in ("lines", "tags", "-partners", "lines.id"))


def pages(order: str) -> Iterator[str]:
    for word in WORDS:
        part = encoded(word[:2_000])
        yield f"/o/{part}"
        yield f"/o/order/{part}"
        yield f"/o/order/{part}/edit"
        yield f"/o/order?q={part}&search={part}&sort={part}&filter={part}&after={part}&view={part}"
        yield f"/o/order/{order}?tab={part}&after={part}"
        yield f"/o/order/new?{part}={part}&name={part}&type={part}"
        yield f"/lookup/order/tags?q={part}"
    yield from (f"/o/order?{urlencode({'filter': text})}" for text in FILTERS)


@pytest.fixture
def order(platform: Platform) -> str:
    publish_orders(platform)
    rows = [{"product": "A", "price": 3}, {"product": "B", "quantity": 2}]
    return make(platform, "rita", "order", name="One", lines=rows)


def broken(client: FlaskClient, found: Iterator[str], headers: dict[str, str]) -> list[Any]:
    answers = ((one, client.get(one, headers=headers).status_code) for one in found)
    return [(one[:90], code) for one, code in answers if code >= 500]


def test_sec_22_no_address_breaks_the_api(order: str, app: Any, bearer: Bearer) -> None:
    assert broken(app.test_client(), addresses(order), bearer("rita")) == []


def test_sec_22_no_address_breaks_a_page(order: str, login: Login) -> None:
    assert broken(login("rita"), pages(order), {}) == []


BODIES = {
    "deep lists": b'{"username":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    "deep objects": b'{"a":' * 2_500 + b"1" + b"}" * 2_500,
    "as deep as Python reads": b'{"username":' + b"[" * 900 + b"]" * 900 + b"}",
    "wide and deep": b"[" * 61 + b"1," * 4_000 + b"1" + b"]" * 61,
    "no object": b"[1]",
    "a text": b'"x"',
    "no JSON": b"{",
    "other types": b'{"username": 5, "password": {"a": 1}, "provider": []}',
    "NUL": b'{"username": "a\\u0000", "password": "x", "provider": "db"}',
    "half a letter": b'{"username": "\\ud800", "password": "x", "provider": "db"}',
    "half a letter in UTF-8": b'{"username": "\xed\xa0\x80", "password": "x", "provider": "db"}',
    "half a name": b'{"\\ud800": 1}',
    "half a name twice": b'{"\\ud800": 1, "\\ud800": 2}',
    "many digits": b'{"username": ' + b"9" * 5_000 + b"}",
    "not a number": b'{"username": NaN}',
}


@pytest.mark.parametrize("door", ["/api/v1/security/login", "/api/v1/security/refresh", "/login"])
@pytest.mark.parametrize("case", BODIES)
def test_sec_22_no_body_breaks_a_door_that_is_open_to_all(app: Any, door: str, case: str) -> None:
    client = app.test_client()
    headers = {"X-CSRFToken": csrf_token(client)}
    answer = client.post(door, data=BODIES[case], headers=headers, content_type="application/json")
    assert answer.status_code in (400, 401, 422)


def test_sec_22_no_body_breaks_the_api(app: Any, bearer: Bearer) -> None:
    client, headers = app.test_client(), bearer("rita")
    for case, body in BODIES.items():
        sent = {"data": body, "content_type": "application/json", "headers": headers}
        assert client.post("/api/v1/lead", **sent).status_code in (400, 422), case
