"""`trellis serve`: the web server, one worker and the embedded Valkey, as one thing.

Each is a process of its own; one that dies is started again. The end comes in order: first no more
requests, then no more work, then no more queue.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from trellis.checkpoints import BusyError, checkpoint, try_lock
from trellis.config import Settings
from trellis.db import Database
from trellis.embedded import plan_server
from trellis.supervising import STOP_SECONDS, Child, Supervisor, program

logger = logging.getLogger(__name__)

APPLICATION = "trellis.wsgi:application"

THREADS = 8
KILL_SECONDS = 10
# It waits for its forks so long.
WORKER_STOP_SECONDS = STOP_SECONDS + 5


@dataclass(frozen=True, slots=True)
class Options:
    """Where and how widely to serve."""

    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 2
    with_worker: bool = True


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
        begin = partial(program, command, environment)
        children.append(Child("worker", begin, WORKER_STOP_SECONDS))
    children.append(Child("web", partial(program, web_command(options), environment)))
    return children


def with_redis(settings: Settings, children: list[Child]) -> Settings:
    """Gives the settings with an address of Redis: the named one, or our own among `children`."""
    if settings.redis_url is not None:
        return settings
    server = plan_server(settings.instance)
    if server is None:
        logger.warning("no Valkey or Redis program found: the worker polls the database")
        return settings
    children.append(Child("valkey", partial(program, server.command, os.environ)))
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
