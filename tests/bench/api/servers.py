"""Running contenders as processes, and the processor time that they take."""

from __future__ import annotations

import http.client
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import free_port
from trellis.serve import Options, web_command

SECONDS = 120


@dataclass(frozen=True)
class Server:
    """A contender that listens on a port of this machine."""

    port: int
    pid: int

    def spent(self) -> float:
        """Gives the seconds of processor time that its processes have had."""
        return sum(map(seconds_of, tree(self.pid)))


def tree(pid: int) -> list[int]:
    """Gives a process and all that descend from it."""
    found, waiting = [], [pid]
    while waiting:
        here = waiting.pop()
        try:
            tasks = list(Path(f"/proc/{here}/task").iterdir())
            found.append(here)
            for task in tasks:
                waiting += map(int, (task / "children").read_text().split())
        except OSError:
            continue
    return found


def seconds_of(pid: int) -> float:
    """Gives the seconds of processor time of a process's threads, to the nanosecond."""
    total = 0
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    except OSError:
        return total / 1e9
    return total / 1e9


@contextmanager
def serving(application: str, environment: Mapping[str, str]) -> Iterator[Server]:
    """Runs a WSGI application as `trellis serve` runs Trellis."""
    port = free_port()
    command = web_command(Options("127.0.0.1", port), application)
    if application.endswith(":make"):
        command = (*command, "--factory")
    process = subprocess.Popen(command, env={**os.environ, **environment})
    try:
        wait(process, port)
        yield Server(port, process.pid)
    finally:
        process.terminate()
        process.wait(SECONDS)


def wait(process: subprocess.Popen[bytes], port: int) -> None:
    """Waits until a server answers."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise RuntimeError("the server did not answer in time")
