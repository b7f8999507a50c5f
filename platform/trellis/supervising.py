"""Keeping processes running: one that dies is started again, and all end in order.

A child is a program of its own, or a fork of this process: a fork shares what was imported before
and works within milliseconds.
"""

from __future__ import annotations

import ctypes
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import FrameType
from typing import Protocol

logger = logging.getLogger(__name__)

PR_SET_PDEATHSIG = 1
STOP_SECONDS = 15.0
LOOK_SECONDS = 0.2
MAX_PAUSE_SECONDS = 30.0
HEALTHY_SECONDS = 30.0


class Process(Protocol):
    """A process that was started."""

    def poll(self) -> int | None:
        """Gives how it ended, None while it runs."""

    def wait(self, timeout: float) -> int:
        """Gives how it ended; raises subprocess.TimeoutExpired when it goes on for longer."""

    def terminate(self) -> None:
        """Asks it to end."""

    def kill(self) -> None:
        """Ends it."""


def die_with_parent() -> None:
    """Has the kernel end this process when the one that started it is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def program(command: tuple[str, ...], environment: Mapping[str, str]) -> Process:
    """Starts a program out of reach of the terminal's Ctrl-C."""
    return subprocess.Popen(
        command, env=dict(environment), start_new_session=True, preexec_fn=die_with_parent
    )


class Fork:
    """A fork that runs a function, out of reach of the terminal's Ctrl-C.

    The process that forks must have no other threads and no open connections.
    """

    def __init__(self, run: Callable[[], object]) -> None:
        context = multiprocessing.get_context("fork")
        self._process = context.Process(target=self._begin, args=(run,))
        self._process.start()

    def _begin(self, run: Callable[[], object]) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        die_with_parent()
        run()

    def poll(self) -> int | None:
        """Gives how it ended, None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float) -> int:
        """Gives how it ended; raises subprocess.TimeoutExpired when it goes on for longer."""
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout)
        return code

    def terminate(self) -> None:
        """Asks it to end."""
        self._process.terminate()

    def kill(self) -> None:
        """Ends it."""
        self._process.kill()


@dataclass(slots=True)
class Child:
    """A process that is to run as long as the supervisor does.

    One that dies within its `healthy_seconds` is started after a pause, each time a longer one.
    """

    name: str
    begin: Callable[[], Process]
    stop_seconds: float = STOP_SECONDS
    healthy_seconds: float = HEALTHY_SECONDS
    process: Process | None = None
    started: float = 0.0
    deaths: int = 0
    start_after: float = 0.0

    def keep_alive(self) -> None:
        """Starts the process again when it has died and its pause is over."""
        now = time.monotonic()
        if self.process is not None and (code := self.process.poll()) is not None:
            self.process = None
            self.deaths = 1 if now - self.started > self.healthy_seconds else self.deaths + 1
            pause = min(2.0 ** (self.deaths - 2), MAX_PAUSE_SECONDS) if self.deaths > 1 else 0.0
            self.start_after = now + pause
            logger.warning("%s ended with %s; starts again in %.0f s", self.name, code, pause)
        if self.process is None and now >= self.start_after:
            self.started = now
            self.process = self.begin()

    def ask_to_stop(self) -> None:
        """Asks the process to end."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def stop(self) -> None:
        """Asks the process to end, and makes it end when it takes too long."""
        if self.process is None:
            return
        self.ask_to_stop()
        try:
            self.process.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            logger.warning("%s did not end in time and is killed", self.name)
            self.process.kill()
            self.process.wait(self.stop_seconds)


@dataclass(slots=True)
class Supervisor:
    """Keeps the children running, in the order in which they need each other.

    They end one after the other, the last started first, or `together`.
    """

    children: list[Child]
    each_round: Callable[[], object] = lambda: None
    together: bool = False
    stopping: bool = field(default=False)

    def run(self) -> None:
        """Runs until a signal comes, then ends the children."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.ask_to_stop)
        try:
            while not self.stopping:
                for child in self.children:
                    child.keep_alive()
                self.each_round()
                time.sleep(LOOK_SECONDS)
        finally:
            if self.together:
                for child in self.children:
                    child.ask_to_stop()
            for child in reversed(self.children):
                child.stop()

    def ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        """Ends the loop after this round."""
        self.stopping = True
