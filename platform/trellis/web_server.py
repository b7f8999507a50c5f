"""The web server: processes forked from one that has imported what they run.

`python -m trellis.web_server` takes the options and the environment of Granian's own command line.
"""

from __future__ import annotations

import multiprocessing
import os

from granian.cli import entrypoint

from trellis.supervising import die_with_parent

LIKE_REQUESTS = ("HTTP_", "CONTENT_", "REMOTE_")


def main() -> None:
    """Serves until a signal comes."""
    # Granian hands its environment on as if it were part of every request.
    for name in [name for name in os.environ if name.startswith(LIKE_REQUESTS)]:
        del os.environ[name]
    # For the forks, which would take seconds each and keep a copy of their own.
    import trellis.app  # noqa: F401

    multiprocessing.set_start_method("fork")
    os.register_at_fork(after_in_child=die_with_parent)
    entrypoint()  # type: ignore[no-untyped-call]  # Click commands are not typed


if __name__ == "__main__":
    main()
