"""`docs/api.md` is true: every request on it is sent, in order, and answered as it says."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.platform.docs_http import Example, Reader, examples_of
from tests.platform.world import PASSWORD, Bearer, People
from trellis.jobs.running_loop import drain_jobs
from trellis.runtime import Platform
from trellis.webhooks.receiving import receive_due
from trellis.webhooks.signing import headers_of

TEXT = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")
EXAMPLES = list(examples_of(TEXT))


def send(client: FlaskClient, example: Example, reader: Reader) -> TestResponse:
    address = urlsplit(f"//{example.address}".replace("///", "//host/"))
    pairs = [part.partition("=") for part in address.query.split("&") if part]
    query = {name: reader.filled(value) for name, _, value in pairs}
    headers = {name: reader.filled(value) for name, value in example.headers.items()}
    if "token" in reader.values:
        headers.setdefault("Authorization", f"Bearer {reader.values['token']}")
    more: dict[str, Any] = {}
    kind, _, file = headers.pop("Content-Type", "application/json").partition("; file=")
    if file:
        more["data"] = {"file": (io.BytesIO(f"{example.body}\n".encode()), file)}
        more["content_type"] = kind
    elif example.body:
        more |= {"data": reader.filled(example.body).encode(), "content_type": kind}
    path = reader.filled(address.path.removeprefix("host"))
    return client.open(path, method=example.method, query_string=query, headers=headers, **more)


def test_every_request_is_answered_as_the_page_says(
    app: Flask, platform: Platform, people: People
) -> None:
    client, reader = app.test_client(), Reader({"password": PASSWORD, **ids_of(people)})
    assert len(EXAMPLES) > 40
    wrong = []
    for example in EXAMPLES:
        if example.method == "GET":
            drain_jobs(platform)
            receive_due(platform)
        answer = send(client, example, reader)
        told = answer.get_data(as_text=True)
        answer.close()
        fits = answer.status_code == example.status and reader.fits_body(example.answer, told)
        headers = example.answer_headers.items()
        if not fits or not all(reader.fits_text(v, answer.headers.get(k)) for k, v in headers):
            line = f"{example.method} {example.address}"
            wrong.append(f"{line}\n{answer.status_code} {dict(answer.headers)}\n{told}")
    assert wrong == [], "\n\n".join(wrong)


def test_filters_on_the_page_work(app: Flask, bearer: Bearer) -> None:
    rows = re.findall(r"^\| `(\w+)` \| `([^`|]+)` \|$", TEXT, re.MULTILINE)
    assert len(rows) > 5
    client, headers = app.test_client(), bearer("rita")
    told = {
        asked: client.get(f"/api/v1/{name}", query_string={"filter": asked}, headers=headers)
        for name, asked in rows
    }
    assert {asked: one.get_json() for asked, one in told.items() if one.status_code != 200} == {}


def test_the_check_of_signatures_on_the_page_works() -> None:
    (text,) = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(text, "docs/api.md", "exec"), names)
    (secret,) = set(re.findall(r"whsec_[\w+/]+=*", TEXT)) - {"whsec_"}
    now, body = datetime.now(UTC), b'{"data": {}}'
    old = now - timedelta(seconds=301)
    for told, sent, wanted in (
        (headers_of([secret], "m1", now, body), body, True),
        (headers_of(["whsec_b3RoZXI=", secret], "m1", now, body), body, True),
        (headers_of(["whsec_b3RoZXI="], "m1", now, body), body, False),
        (headers_of([secret], "m1", now, body), body + b" ", False),
        (headers_of([secret], "m1", old, body), body, False),
    ):
        assert names["is_ours"](secret, told, sent) is wanted


def ids_of(people: People) -> dict[str, str]:
    """Gives the ids of people by `<name_id>`."""
    return {f"{name}_id": key for name, key in people.ids.items()}
