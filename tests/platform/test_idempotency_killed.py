"""Web processes killed while they answer: a request that is sent again is done once (IDEM-1)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from tests.conftest import free_port
from tests.platform.serving import BROKEN_OFF, Answer, Client, wait_until
from tests.platform.test_api import LEAD
from tests.platform.world import PASSWORD
from trellis.kept_answers import kept_answer
from trellis.records.history import record_history
from trellis.runtime import Platform

pytestmark = pytest.mark.usefixtures("people")

# Serves from children that are killed where a request says so, and makes a new one each time.
SERVER = """
import os, signal, sys
import sqlalchemy as sa
from flask import has_request_context, request
from werkzeug.serving import make_server
from trellis.app import create_app
from trellis.config import load_settings
from trellis.runtime import open_platform

def killed_at(point):
    if has_request_context() and request.headers.get("Kill-At") == point:
        os.kill(os.getpid(), signal.SIGKILL)

def serve():
    settings = load_settings()
    platform = open_platform(settings)
    app = create_app(settings, platform=platform)
    sa.event.listen(platform.database.engine, "commit", lambda _: killed_at("commit"))
    app.after_request(lambda answer: killed_at("answer") or answer)
    make_server("127.0.0.1", int(sys.argv[1]), app, threaded=True).serve_forever()

while True:
    child = os.fork()
    if child == 0:
        serve()
    os.waitpid(child, 0)
"""


@contextmanager
def serving(platform: Platform) -> Iterator[Client]:
    """Runs SERVER; gives a client that has logged in as rita."""
    variables = {name: text for name, text in os.environ.items() if "TRELLIS" not in name}
    environment = {
        **variables,
        "TRELLIS_INSTANCE": str(platform.settings.instance),
        "TRELLIS_SECRET_KEY": platform.settings.secret_key,
        "TRELLIS_DATABASE_URL": platform.settings.database_url,
    }
    port = free_port()
    command = [sys.executable, "-c", SERVER, str(port)]
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        anybody = Client(port)
        wait_until(lambda: answers(anybody), "the first answer")
        body = {"username": "rita", "password": PASSWORD, "provider": "db"}
        token = anybody("POST", "security/login", body).body["access_token"]
        yield Client(port, {"Authorization": f"Bearer {token}"})
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers(client: Client) -> bool:
    try:
        return client.open("GET", "/healthz").status == 200
    except BROKEN_OFF:
        return False


def asked_again(client: Client, key: str, point: str) -> tuple[int, Answer, Answer]:
    """Sends a request whose process is killed at a point, and again, twice; gives how much is
    stored after the kill, and both answers."""
    with pytest.raises(BROKEN_OFF):
        client("POST", "lead", LEAD, Idempotency_Key=key, Kill_At=point)
    wait_until(lambda: answers(client), "a new process")
    stored = len(client("GET", "lead").body["items"])
    first, second = (client("POST", "lead", LEAD, Idempotency_Key=key) for _ in range(2))
    return stored, first, second


def test_idem_1_a_killed_request_is_done_once(platform: Platform) -> None:
    with serving(platform) as client:
        for number, (point, expected) in enumerate({"commit": 0, "answer": 1}.items()):
            stored, first, second = asked_again(client, f"order-{number}", point)
            assert stored == number + expected
            assert (first.status, second.status) == (201, 201)
            assert first == second
            assert client("GET", f"lead/{first.body['id']}").status == 200
            assert rows(platform) == {
                "leads": number + 1,
                "history": number + 1,
                "kept": number + 1,
            }


def rows(platform: Platform) -> dict[str, int]:
    """Gives how much there is of what a creation writes."""
    with platform.database.read() as connection:
        lead = platform.catalogs.current(connection).tables["lead"]
        made = sa.select(record_history.c.record_id).where(record_history.c.version == 1)
        return {
            "leads": len(connection.execute(sa.select(lead.c.id)).all()),
            "history": len(set(connection.scalars(made.where(record_history.c.op == "create")))),
            "kept": len(connection.execute(sa.select(kept_answer.c.scope)).all()),
        }
