"""What imports and exports have in common: whose they are, and the work on their jobs."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from trellis import current
from trellis.jobs.running import Job
from trellis.jobs.running_loop import JobRunner
from trellis.unit import Unit
from trellis.whole import whole

MAX_LISTED: Final = 50
AT_ONCE_SECONDS: Final = 2.0


def own_runs(
    unit: Unit, table: sa.Table, action: str, object_name: str | None
) -> list[tuple[str, sa.RowMapping]]:
    """Gives the newest runs of the acting person, each with the name of its object.

    Those of one object, or of all; left out are objects on which she may not do `action` any more.
    """
    objects = unit.catalog.objects.values()
    names = {
        one.id: one.name
        for one in objects
        if unit.principal.access(one.name).may(action) and object_name in (None, one.name)
    }
    query = sa.select(table).where(
        table.c.by == unit.principal.name, table.c.object.in_(sorted(names))
    )
    newest = query.order_by(table.c.created_at.desc(), table.c.id.desc()).limit(MAX_LISTED)
    rows = unit.connection.execute(newest).mappings()
    return [(names[row["object"]], row) for row in rows]


def work_at_once(job: Job | None) -> None:
    """Does of a job what AT_ONCE_SECONDS allow, so that small ones need no worker.

    The request reads afterwards what was written. One that is a single transaction leaves its job
    to the worker: it is there for others, and the worker woken, when that is committed.
    """
    if job is None or whole() is not None:
        return
    JobRunner(current.platform()).run_now(job.id, AT_ONCE_SECONDS)
    current.note_written()
    current.look_again()
