"""`trellis serve` as an operator runs it: web, worker and Valkey; one signal ends all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from metadata.packages.install import install
from metadata.packages.read import package_of, read_package
from tests.conftest import free_port
from tests.metadata.package_world import body_of, edit
from tests.platform.serving import descendants
from trellis.automation.outbox import add
from trellis.bundled import SYSTEM
from trellis.channels.in_app import notification
from trellis.doctor import examine
from trellis.embedded import MAX_SOCKET_PATH, socket_place
from trellis.runtime import Platform


def environment(platform: Platform) -> dict[str, str]:
    """Gives what leads a process to the instance of the test, without any Redis."""
    variables = {name: text for name, text in os.environ.items() if "TRELLIS" not in name}
    return {
        **variables,
        "TRELLIS_INSTANCE": str(platform.settings.instance),
        "TRELLIS_SECRET_KEY": platform.settings.secret_key,
        "TRELLIS_DATABASE_URL": platform.settings.database_url,
    }


@pytest.fixture
def served(platform: Platform) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A supervisor that serves the platform; gives its process and address."""
    with serving(platform) as found:
        yield found


@contextmanager
def serving(platform: Platform) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Serves a platform; gives the supervisor and the address."""
    port = free_port()
    command = [sys.executable, "-m", "trellis", "serve", "--port", str(port), "--workers", "2"]
    process = subprocess.Popen(command, env=environment(platform))
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: ready(address))
        yield process, address
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(40)


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def read(address: str) -> dict[str, Any]:
    with urllib.request.urlopen(address, timeout=5) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def ready(address: str) -> bool:
    try:
        return bool(read(f"{address}/readyz")["status"] == "ok")
    except OSError:
        return False


def children(pid: int) -> dict[str, int]:
    """Gives the processes directly below one, by what they are."""
    listed = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    ).stdout
    found = {}
    for line in listed.splitlines():
        number, _, arguments = line.strip().partition(" ")
        for name, mark in (
            ("web", "web_server"),
            ("worker", "trellis worker"),
            ("valkey", "valkey"),
        ):
            if mark in arguments:
                found[name] = int(number)
    return found


def refuses_to_be_served_twice(platform: Platform) -> None:
    command = [sys.executable, "-m", "trellis", "serve", "--port", str(free_port())]
    second = subprocess.run(
        command, env=environment(platform), capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert second.stderr == f"Error: {platform.settings.instance} is served already\n"


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_everything_starts_is_restarted_and_ends_together(
    platform: Platform, served: tuple[subprocess.Popen[bytes], str]
) -> None:
    process, address = served
    assert read(f"{address}/readyz") == {"database": "ok", "redis": "ok", "status": "ok"}
    before = children(process.pid)
    forks = [pid for pid, _ in descendants(before["web"])]
    assert set(before) == {"web", "worker", "valkey"}
    refuses_to_be_served_twice(platform)

    for name in ("worker", "web", "valkey"):
        os.kill(before[name], signal.SIGKILL)
    wait_until(lambda: len(set(children(process.pid).values()) - set(before.values())) == 3)
    wait_until(lambda: ready(address))
    wait_until(lambda: not any(map(alive, forks)))

    with platform.database.write() as connection:
        add(connection, "notify", {"recipients": ["u"], "kind": "message"}, "effect")
    with_effect = sa.select(sa.func.count()).select_from(notification)

    def told() -> bool:
        with platform.database.read() as connection:
            return connection.execute(with_effect).scalar_one() == 1

    wait_until(told)

    after = children(process.pid)
    process.send_signal(signal.SIGINT)
    assert process.wait(40) == 0
    assert not [name for name, pid in after.items() if alive(pid)]


def test_a_killed_supervisor_takes_its_children_along(
    served: tuple[subprocess.Popen[bytes], str],
) -> None:
    process, _ = served
    below = [pid for pid, _ in descendants(process.pid)]
    assert len(below) == 6  # the web server and its two forks, the worker and its fork, Valkey
    process.kill()
    process.wait()
    wait_until(lambda: not any(map(alive, below)), 30)


def test_a_long_path_of_the_instance_does_not_break_the_socket(tmp_path: Path) -> None:
    options, url = socket_place(tmp_path / "a" / ("long" * 30))
    assert url.startswith("unix:///")
    assert len(url.removeprefix("unix://")) <= MAX_SOCKET_PATH
    assert url.removeprefix("unix://") in options


def test_serve_brings_the_objects_of_the_system_forward(platform: Platform) -> None:
    """What was changed here stays."""
    older = read_package(SYSTEM).files
    path = "objects/team.json"
    document = {**json.loads(older[path]), "title": "Crew", "description": "Of old"}
    package = package_of({**older, path: json.dumps(document).encode()})
    with platform.database.write(publishing=True) as connection:
        install(connection, package, by="system")
        ours = {**body_of(connection, "object", "team"), "title": "Gang"}
        edit(connection, "object", "team", ours)
    said = "the system's own is an older version's; bring it forward with: trellis init"
    assert said in [one.text for one in examine(platform)]
    with serving(platform) as (_, address):
        assert ready(address)
    with platform.database.read() as connection:
        found = body_of(connection, "object", "team")
    assert (found["title"], found.get("description")) == ("Gang", None)
    assert said not in [one.text for one in examine(platform)]
