"""One write transaction for all that a request does, committed when its answer is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from flask import g

from trellis.catalogs import Snapshot
from trellis.current import end_request, look_again
from trellis.runtime import Platform


@dataclass(slots=True)
class Whole:
    """The transaction of a request; nothing is begun before something is to be written.

    `begun` is called with its connection once it is there. `snapshot` is of its start: what
    it writes itself must not be remembered by anybody before it is committed.
    """

    platform: Platform
    begun: Callable[[sa.Connection], None]
    stack: ExitStack
    connection: sa.Connection | None = None
    snapshot: Snapshot | None = None

    def begin(self, *, publishing: bool = False) -> sa.Connection:
        """Gives the connection of the transaction, which is begun when it is not yet."""
        if self.connection is None:
            look_again()
            opened = self.platform.database.write(publishing=publishing)
            self.connection = self.stack.enter_context(opened)
            self.begun(self.connection)
            self.snapshot = self.platform.catalogs.snapshot(self.connection)
        return self.connection

    @contextmanager
    def part(self, *, publishing: bool) -> Iterator[tuple[sa.Connection, Snapshot]]:
        """Gives the connection for a part of the work: undone alone when that raises.

        Afterwards the request reads what was written.
        """
        connection = self.begin(publishing=publishing)
        if self.snapshot is None:
            raise RuntimeError("a transaction has begun without definitions")
        with connection.begin_nested():
            yield connection, self.snapshot
        if g.get("connection") is not connection:
            end_request()
        g.connection, g.snapshot = connection, self.snapshot


@contextmanager
def whole_request(platform: Platform, begun: Callable[[sa.Connection], None]) -> Iterator[Whole]:
    """Has all that the request writes meanwhile be one transaction: committed at the end, or
    undone when something is raised."""
    try:
        with ExitStack() as stack:
            whole = Whole(platform, begun, stack)
            g.whole = whole
            yield whole
    finally:
        g.pop("whole", None)
        if g.get("connection") is whole.connection:
            g.pop("connection", None)
            look_again()


def whole() -> Whole | None:
    """Gives the transaction of the request at hand, if it has one for everything."""
    found: Whole | None = g.get("whole")
    return found
