"""`trellis serve`: the web server, one worker and the embedded Valkey, as one thing.

Each is a process of its own; one that dies is started again. The end comes in order: first no more
requests, then no more work, then no more queue.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import FrameType

from trellis.checkpoints import BusyError, checkpoint, try_lock
from trellis.config import Settings
from trellis.db import Database
from trellis.embedded import plan_server
from trellis.web_server import die_with_parent

logger = logging.getLogger(__name__)

APPLICATION = "trellis.wsgi:application"

THREADS = 8
KILL_SECONDS = 10
STOP_SECONDS = 15.0
LOOK_SECONDS = 0.2
# A child that dies again and again is started after longer and longer pauses.
MAX_PAUSE_SECONDS = 30.0
HEALTHY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Options:
    """Where and how widely to serve."""

    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 2
    with_worker: bool = True


@dataclass(slots=True)
class Child:
    """A process that is to run as long as the supervisor does."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    deaths: int = 0
    start_after: float = 0.0

    def start(self) -> None:
        """Starts the process, out of reach of the terminal's Ctrl-C."""
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            self.command,
            env=dict(self.environment),
            start_new_session=True,
            preexec_fn=die_with_parent,
        )

    def keep_alive(self) -> None:
        """Starts the process again when it has died and its pause is over."""
        now = time.monotonic()
        if self.process is not None and self.process.poll() is not None:
            code = self.process.returncode
            self.process = None
            self.deaths = 1 if now - self.started > HEALTHY_SECONDS else self.deaths + 1
            pause = min(2.0 ** (self.deaths - 2), MAX_PAUSE_SECONDS) if self.deaths > 1 else 0.0
            self.start_after = now + pause
            logger.warning("%s ended with %s; starts again in %.0f s", self.name, code, pause)
        if self.process is None and now >= self.start_after:
            self.start()

    def stop(self) -> None:
        """Asks the process to end, and makes it end when it takes too long."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            logger.warning("%s did not end in time and is killed", self.name)
            self.process.kill()
            self.process.wait()


@dataclass(slots=True)
class Supervisor:
    """Keeps the children running, in the order in which they need each other."""

    children: list[Child]
    each_round: Callable[[], object]
    stopping: bool = field(default=False)

    def run(self) -> None:
        """Runs until a signal comes, then ends the children, the last started first."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.ask_to_stop)
        try:
            while not self.stopping:
                for child in self.children:
                    child.keep_alive()
                self.each_round()
                time.sleep(LOOK_SECONDS)
        finally:
            for child in reversed(self.children):
                child.stop()

    def ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        """Ends the loop after this round."""
        self.stopping = True


def serve(settings: Settings, options: Options, *, announce: Callable[[str], object]) -> None:
    """Serves an instance until a signal comes; `announce` is told where.

    Raises BusyError when another supervisor does, or the port is taken.
    """
    settings.run_folder.mkdir(parents=True, exist_ok=True)
    with try_lock(settings.run_folder / "serve.lock") as is_ours:
        if not is_ours:
            raise BusyError(f"{settings.instance} is served already")
        refuse_taken_port(options)
        children = plan_children(settings, options)
        announce(f"Trellis serves http://{options.host}:{options.port} - stop with Ctrl-C")
        database = Database(settings.database_url, synchronous=settings.synchronous)
        # With a worker, the worker does the checkpoints.
        idle = (lambda: None) if options.with_worker else (lambda: checkpoint(database))
        try:
            Supervisor(children, idle).run()
        finally:
            database.dispose()


def refuse_taken_port(options: Options) -> None:
    """Raises BusyError when somebody else listens where we are to serve."""
    address = (options.host, options.port)
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise BusyError(
                f"cannot serve {options.host}:{options.port}: {error.strerror}; "
                "choose another port with --port"
            ) from error


def plan_children(settings: Settings, options: Options) -> list[Child]:
    """Gives the processes to run, those first that others need."""
    children: list[Child] = []
    settings = with_redis(settings, children)
    environment = environment_of(settings)
    if options.with_worker:
        command = (sys.executable, "-m", "trellis", "worker")
        children.append(Child("worker", command, environment))
    children.append(Child("web", web_command(options), environment))
    return children


def with_redis(settings: Settings, children: list[Child]) -> Settings:
    """Gives the settings with an address of Redis: the named one, or our own among `children`."""
    if settings.redis_url is not None:
        return settings
    server = plan_server(settings.instance)
    if server is None:
        logger.warning("no Valkey or Redis program found: the worker polls the database")
        return settings
    children.append(Child("valkey", server.command, dict(os.environ)))
    return replace(settings, redis_url=server.url)


def environment_of(settings: Settings) -> dict[str, str]:
    """Gives the environment of a child that is to find the same instance."""
    environment = {
        **os.environ,
        "TRELLIS_INSTANCE": str(settings.instance),
        "TRELLIS_DATABASE_URL": settings.database_url,
    }
    if settings.redis_url is not None:
        environment["TRELLIS_REDIS_URL"] = settings.redis_url
    return environment


def web_command(options: Options, application: str = APPLICATION) -> tuple[str, ...]:
    """Gives the command of the web server: one process that forks `workers` others."""
    return (
        *(sys.executable, "-m", "trellis.web_server", application),
        *("--interface", "wsgi", "--http", "1", "--no-ws", "--log-level", "error"),
        *("--host", options.host, "--port", str(options.port)),
        *("--workers", str(options.workers), "--blocking-threads", str(THREADS)),
        *("--respawn-failed-workers", "--respawn-interval", "0.5"),
        *("--workers-kill-timeout", str(KILL_SECONDS)),
    )
