"""A whole installation with demo data, served as `make run` serves it, and a real browser."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
)

from tests.conftest import empty_postgresql, free_port, leave_out

ROOT = Path(__file__).parents[2]
ARTIFACTS = ROOT / "artifacts" / "journeys"
PASSWORD = "correct-horse-battery"


@dataclass(slots=True)
class Installation:
    """A running installation: `address` without a slash at the end."""

    address: str
    environment: dict[str, str]
    process: subprocess.Popen[bytes]

    def command(self, *arguments: str) -> str:
        """Runs the command line of this installation; gives what it printed."""
        return run_trellis(self.environment, *arguments)


def run_trellis(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "-m", "trellis", *arguments]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def installation(
    dialect: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """The product with demo data and two web processes: as `make run` gives it with everything
    embedded, and as a company runs it, on PostgreSQL and a real Redis."""
    folder = tmp_path_factory.mktemp("installation")
    environment = {
        **os.environ,
        "TRELLIS_INSTANCE": str(folder),
        "TRELLIS_ADMIN_PASSWORD": PASSWORD,
    }
    with ExitStack() as services:
        if dialect == "postgresql":
            server = request.getfixturevalue("postgresql_server")
            environment["TRELLIS_DATABASE_URL"] = services.enter_context(empty_postgresql(server))
            environment["TRELLIS_REDIS_URL"] = services.enter_context(running_redis(folder))
        run_trellis(environment, "init", "--demo")
        yield services.enter_context(serving(environment, folder))


@contextmanager
def running_redis(folder: Path) -> Iterator[str]:
    """Gives the address of a Redis server; in CI it has to be there."""
    binary = shutil.which("redis-server")
    if binary is None:
        leave_out("redis-server not found: the journeys on PostgreSQL and Redis are LEFT OUT")
    port = free_port()
    command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    yield f"redis://127.0.0.1:{port}/0"
    process.terminate()
    process.wait(20)


@contextmanager
def serving(environment: dict[str, str], folder: Path) -> Iterator[Installation]:
    """Serves an instance that is set up until the end of the block."""
    port = free_port()
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "trellis", "serve", "--port", str(port), "--workers", "2"],
            env=environment,
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(address, process, folder / "serve.log")
        yield Installation(address, environment, process)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def wait_until_ready(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(900):
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=2):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    pytest.fail(f"the installation did not start:\n{log.read_text('utf-8')}")


@dataclass  # playwright keeps its own attributes on the owner of a handler
class Watch:
    """Everything a page must not do, as it happens."""

    address: str
    faults: list[str] = field(default_factory=list)

    def attach(self, context: BrowserContext) -> None:
        context.on("request", self.request)
        context.on("response", self.response)
        context.on("console", self.console)
        context.on("weberror", lambda error: self.faults.append(f"script error: {error.error}"))

    def request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https", "ws", "wss"} and not request.url.startswith(
            self.address
        ):
            self.faults.append(f"foreign request: {request.url}")

    def response(self, response: Response) -> None:
        if response.status >= 500:
            self.faults.append(f"{response.status}: {response.url}")

    def console(self, message: ConsoleMessage) -> None:
        # A refused form is an answer, not a fault; the browser logs each 4xx all the same.
        if message.type == "error" and "status of 4" not in message.text:
            self.faults.append(f"console: {message.text}")


@dataclass(frozen=True, slots=True)
class Look:
    """How a journey is looked at."""

    language: str
    width: int

    @property
    def name(self) -> str:
        """Gives a name for files and records."""
        return f"{self.language}-{self.width}"

    def say(self, english: str, chinese: str) -> str:
        """Gives what the page says in this look's language."""
        return english if self.language == "en" else chinese


LOOKS = [Look("en", 1440), Look("zh", 1440), Look("en", 390), Look("zh", 390)]


@dataclass(slots=True)
class Person:
    """Somebody with a browser of his own."""

    page: Page
    look: Look
    journey: str
    count: int = 0

    def goto(self, path: str) -> None:
        self.page.goto(path)

    def keep(self, name: str) -> None:
        """Keeps a screenshot of this step, and looks whether a phone would scroll sideways."""
        self.count += 1
        folder = ARTIFACTS / self.journey / self.look.name
        folder.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=folder / f"{self.count:02d}-{name}.png")
        width = self.page.evaluate("document.documentElement.scrollWidth")
        assert width <= self.look.width, f"{name} is {width} px wide at {self.look.width} px"


Enter = Callable[[str, Look, str], Person]


@pytest.fixture
def enter(chromium: Browser, installation: Installation) -> Iterator[Enter]:
    """Gives a person logged in by the login page; fails the test for whatever a page did wrong."""
    contexts: list[BrowserContext] = []
    watch = Watch(installation.address)

    def log_in(username: str, look: Look, journey: str) -> Person:
        phone = look.width < 600
        context = chromium.new_context(
            base_url=installation.address,
            locale="en-GB" if look.language == "en" else "zh-CN",
            viewport={"width": look.width, "height": 844 if phone else 900},
            is_mobile=phone,
            has_touch=phone,
            device_scale_factor=2 if phone else 1,
            reduced_motion="reduce",
        )
        contexts.append(context)
        watch.attach(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.goto("/login")
        page.fill("input[name=username]", username)
        page.fill("input[name=password]", PASSWORD)
        page.click("form[action='/login'] button.primary")
        page.wait_for_url(lambda url: "/login" not in url)
        return Person(page, look, f"{journey}-{username}")

    yield log_in
    for context in contexts:
        context.close()
    assert watch.faults == []
