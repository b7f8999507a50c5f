"""A worker on a host whose clock jumps: `python -m tests.platform.wrong_clock`.

The clock is that of libfaketime, which takes its offset from a file. Only the time of day jumps, as
on a real host: the clock by which processes wait does not. libfaketime leaves that alone when it is
told to, but then breaks `time.sleep`, for which another way to wait stands in.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from trellis.cli import trellis

LIBRARIES = ("/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib/faketime/libfaketime.so.1")


def find_library() -> Path | None:
    """Gives libfaketime, None where it is not installed."""
    root = Path("/")
    found = (one for pattern in LIBRARIES for one in sorted(root.glob(pattern.lstrip("/"))))
    return next(found, None)


def faked(environment: Mapping[str, str], library: Path, offset: Path) -> dict[str, str]:
    """Gives what lets a process see the clock with the offset in a file, as it is at any time."""
    more = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    return {**environment, **more}


def sleep(seconds: float) -> None:
    """Waits by the clock that does not jump."""
    threading.Event().wait(seconds)


if __name__ == "__main__":
    time.sleep = sleep
    os.environ.pop("LD_PRELOAD", None)
    trellis(["worker"])
