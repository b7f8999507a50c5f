"""Fixtures shared by all tests: the two databases, each test on its own fresh one."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest
from playwright.sync_api import Browser, sync_playwright

DIALECTS = ("sqlite", "postgresql")
MEMORY_ROOM = 4 << 30


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=(*DIALECTS, "both"), default="both")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "dialect" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--database")
        dialects = DIALECTS if chosen == "both" else (chosen,)
        metafunc.parametrize("dialect", dialects, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Takes out what belongs to `make soak` alone or to another database."""
    kept: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        (kept if belongs_here(item) else left).append(item)
    config.hook.pytest_deselected(items=left)
    items[:] = kept


def belongs_here(item: pytest.Item) -> bool:
    """Says whether a test is of this run, by its marks."""
    if item.get_closest_marker("soak_only") and not os.environ.get("TRELLIS_SOAK"):
        return False
    only, call = item.get_closest_marker("on"), getattr(item, "callspec", None)
    return only is None or call is None or call.params["dialect"] in only.args


def leave_out(missing: str) -> NoReturn:
    """Ends a test that needs what this machine lacks: loudly skipped, and failed in CI.

    `missing` says what was not found and what is left out without it.
    """
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


def find_postgresql() -> Path | None:
    """Gives the folder of PostgreSQL's server binaries, the newest version first."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    candidates = [*folders, *([Path(on_path).resolve().parent] if on_path else [])]
    return next((folder for folder in candidates if (folder / "initdb").exists()), None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def unprivileged() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: gives what makes a child process run as somebody else."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            person = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": person.pw_uid, "group": person.pw_gid}
    return {}


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """Gives the address of a temporary PostgreSQL cluster without a database name."""
    binaries = find_postgresql()
    if binaries is None:
        leave_out("PostgreSQL binaries not found: the PostgreSQL half of the suite is LEFT OUT")
    with running_cluster(binaries, within=quick_folder()) as cluster:
        yield cluster.address


def quick_folder() -> Path | None:
    """Gives a folder in memory that has room for the databases of usual tests, if there is one.

    A database has 900 files, and each test makes its own: in memory in a quarter of the time.
    """
    memory = Path("/dev/shm")
    if os.environ.get("TRELLIS_SOAK") or not os.access(memory, os.W_OK):
        return None
    return memory if shutil.disk_usage(memory).free > MEMORY_ROOM else None


@dataclass
class Cluster:
    """A temporary PostgreSQL, which may be stopped as if its machine lost power, and started.

    `launcher` is put before its command, where it is to run elsewhere: it has to drop root then.
    """

    binaries: Path
    folder: Path
    port: int
    who: dict[str, Any]
    host: str = "127.0.0.1"
    launcher: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Gives its address without a database name."""
        return f"trellis@{self.host}:{self.port}"

    def on_socket(self, scheme: str, database: str) -> str:
        """Gives the URL of a database for processes of this machine, whatever their network."""
        return f"{scheme}://trellis@/{database}?host={self.folder}&port={self.port}"

    def make(self) -> None:
        """Makes its folder of data."""
        options = ("-U", "trellis", "-A", "trust", "-E", "UTF8", "--locale=C")
        command = [str(self.binaries / "initdb"), "-D", str(self.folder / "data"), *options]
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder, **self.who)
        with (self.folder / "data" / "pg_hba.conf").open("a") as rules:
            rules.write("host all all samenet trust\n")

    def start(self) -> None:
        """Starts it and waits until it answers."""
        command = [
            *self.launcher,
            *(str(self.binaries / "postgres"), "-D", str(self.folder / "data")),
            *("-p", str(self.port), "-k", str(self.folder)),
            *("-c", f"listen_addresses={self.host}"),
            *("-c", "fsync=off", "-c", "max_connections=200"),
        ]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self.folder,
                **({} if self.launcher else self.who),
            )  # fmt: skip
        wait_for_postgresql(self.on_socket("postgresql", "postgres"))

    def stop(self, number: int = signal.SIGINT) -> None:
        """Stops it; by SIGQUIT without a word to anybody, so that it has to recover."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(30)


@contextmanager
def running_cluster(
    binaries: Path,
    host: str = "127.0.0.1",
    launcher: tuple[str, ...] = (),
    within: Path | None = None,
) -> Iterator[Cluster]:
    """Runs a temporary cluster, in a folder of its own, which is made within another."""
    who = unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="trellis-pg-", dir=within))
    if who:
        os.chown(folder, int(str(who["user"])), int(str(who["group"])))
    cluster = Cluster(binaries, folder, free_port(), who, host, launcher)
    cluster.make()
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_postgresql(binaries: Path) -> Iterator[str]:
    """Runs a temporary cluster; gives its address without a database name."""
    with running_cluster(binaries) as cluster:
        yield cluster.address


def wait_for_postgresql(url: str) -> None:
    for _ in range(200):
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the temporary PostgreSQL cluster did not start")


@contextmanager
def empty_postgresql(server: str) -> Iterator[str]:
    """Gives the SQLAlchemy URL of a new database of a cluster, which is dropped at the end."""
    name = f"t{uuid.uuid4().hex[:12]}"
    with psycopg.connect(f"postgresql://{server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    yield f"postgresql+psycopg://{server}/{name}"
    with psycopg.connect(f"postgresql://{server}/postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def database_url(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Gives the SQLAlchemy URL of an empty database, once per dialect."""
    if dialect == "sqlite":
        yield f"sqlite:///{tmp_path / 'trellis.db'}"
        return
    with empty_postgresql(request.getfixturevalue("postgresql_server")) as url:
        yield url


@pytest.fixture(scope="session")
def worlds() -> Path:
    """The folder with other people's data (`make worlds`)."""
    folder = Path(__file__).parents[1] / ".venv-worlds" / "data"
    if not folder.is_dir():
        leave_out("other people's data sets not found (`make worlds`): their tests are LEFT OUT")
    return folder


CHROMIUM_ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
    "--font-render-hinting=none",
]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's chromium; in CI it has to be there."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        leave_out("chromium not found: the browser tests are LEFT OUT")
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()
