"""A process of its own that publishes, to be killed: `python -m tests.metadata.publishing_process`.

Writes a line when it is about to begin and one when it has committed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.metadata.databases import make_engine
from tests.metadata.test_crash_points import CHANGES


def main(url: str, name: str, folder: str) -> None:
    """Makes one of the changes of `test_crash_points` when it is told to."""
    change = next(change for change in CHANGES if change.__name__ == name)
    engine = make_engine(url)
    with engine.connect() as connection:
        say("ready")
        sys.stdin.readline()
        with connection.begin():
            change(connection, Path(folder))
        say("done")


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
