"""`trellis serve` as a real process, and a client that knows it only by its address."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conftest import free_port
from tests.platform.world import PASSWORD
from trellis.config import Settings

# A busy machine takes its time to start three processes.
SECONDS = 120.0
# What a request meets whose server is killed meanwhile.
BROKEN_OFF = (OSError, http.client.HTTPException, json.JSONDecodeError)


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Waits for something to become true."""
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, f"it did not happen in time: {what}"
        time.sleep(0.05)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: Any


@dataclass(frozen=True)
class Client:
    """Somebody with a token. Every request has a connection of its own."""

    port: int
    headers: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, method: str, path: str, body: object = None, **more: str) -> Answer:
        """Sends a request below `/api/v1/`; `more` are headers, `If_Match` for `If-Match`."""
        headers = {name.replace("_", "-"): value for name, value in more.items()}
        return self.open(method, f"/api/v1/{path}", body, headers)

    def open(
        self, method: str, address: str, body: object = None, more: Mapping[str, str] | None = None
    ) -> Answer:
        """Sends a request to an address."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        headers = {**self.headers, **(more or {}), "Connection": "close"}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body)
        try:
            connection.request(method, address, content, headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        is_json = "json" in answer.headers.get("Content-Type", "")
        return Answer(answer.status, json.loads(text) if is_json and text else text.decode())


@dataclass(frozen=True)
class Served:
    """An instance that is being served."""

    process: subprocess.Popen[bytes]
    port: int
    access_log: Path

    def client(self, username: str) -> Client:
        """Gives a client that has logged in."""
        body = {"username": username, "password": PASSWORD, "provider": "db"}
        answer = Client(self.port)("POST", "security/login", body)
        assert answer.status == 200, answer
        return Client(self.port, {"Authorization": f"Bearer {answer.body['access_token']}"})

    def is_ready(self) -> bool:
        """Says whether it answers, and finds everything in order."""
        try:
            return Client(self.port).open("GET", "/readyz").status == 200
        except BROKEN_OFF:
            return False

    def below(self, mark: str) -> list[int]:
        """Gives the processes below the supervisor whose command contains `mark`."""
        return [pid for pid, command in descendants(self.process.pid) if mark in command]

    def kill(self, *marks: str) -> None:
        """Kills processes below the supervisor, all at once and without a warning."""
        for pid in [pid for mark in marks for pid in self.below(mark)]:
            kill(pid)

    def served_by(self) -> dict[int, int]:
        """Gives how many requests each web process has answered."""
        counts: dict[int, int] = {}
        for line in self.access_log.read_text().splitlines():
            pid = int(line)
            counts[pid] = counts.get(pid, 0) + 1
        return counts


def kill(pid: int) -> None:
    """Kills a process that was there just now; it may have come to its end meanwhile."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def descendants(pid: int) -> Iterator[tuple[int, str]]:
    """Gives all processes below one with their commands."""
    listed = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    ).stdout
    for line in listed.splitlines():
        number, _, command = line.strip().partition(" ")
        yield int(number), command
        yield from descendants(int(number))


def log_of_answers(folder: Path, access_log: Path) -> Path:
    """Gives the settings of a log in which each answer leaves the id of its process."""
    handler = {"class": "logging.FileHandler", "filename": str(access_log), "formatter": "process"}
    settings = {
        "version": 1,
        "formatters": {"process": {"format": "%(process)d"}},
        "handlers": {"answers": handler},
        "loggers": {"granian.access": {"handlers": ["answers"], "level": "INFO"}},
    }
    found = folder / "log.json"
    found.write_text(json.dumps(settings))
    return found


@contextmanager
def served(settings: Settings, *options: str) -> Iterator[Served]:
    """Runs `trellis serve` with two web processes; ends it orderly."""
    access_log = settings.instance / "access.log"
    environment = {
        **os.environ,
        "TRELLIS_INSTANCE": str(settings.instance),
        "TRELLIS_SECRET_KEY": settings.secret_key,
        "TRELLIS_DATABASE_URL": settings.database_url,
        "GRANIAN_LOG_ACCESS_ENABLED": "true",
        "GRANIAN_LOG_CONFIG": str(log_of_answers(settings.instance, access_log)),
    }
    environment.pop("TRELLIS_REDIS_URL", None)
    port = free_port()
    command = [sys.executable, "-m", "trellis", "serve", "--port", str(port), "--workers", "2"]
    process = subprocess.Popen([*command, *options], env=environment)
    try:
        found = Served(process, port, access_log)
        wait_until(found.is_ready, "the first answer")
        yield found
    finally:
        process.terminate()
        assert process.wait(SECONDS) == 0
