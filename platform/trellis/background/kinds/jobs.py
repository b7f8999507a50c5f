"""`jobs`: imports, exports and other work of many steps."""

from __future__ import annotations

from trellis.background import Piece, Row, Work
from trellis.jobs.running import CANCELLED, DONE, FAILED, JOBS, RUNNING, WAITING, job_table
from trellis.phrases import Sentence


class Jobs(Work):
    """Jobs; one that failed goes on after the last step that came to its end."""

    name = JOBS
    title = Sentence("Jobs")
    table = job_table
    states = (WAITING, RUNNING, DONE, FAILED, CANCELLED)
    again = frozenset({FAILED, WAITING})
    clears = ("lease", "lease_until", "ended_at", "problems")

    def piece(self, row: Row) -> Piece:
        """Gives a job."""
        codes = ", ".join(one["code"] for one in row["problems"] or ())
        return Piece(
            id=row["id"],
            what=row["kind"],
            object=row["params"].get("object"),
            record_id=None,
            state=row["state"],
            attempts=row["attempts"],
            due_at=row["available_at"],
            created_at=row["created_at"],
            ended_at=row["ended_at"],
            error=row["last_error"] or codes or None,
        )


WORK = Jobs()
