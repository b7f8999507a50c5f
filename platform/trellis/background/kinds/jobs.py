"""`jobs`: imports, exports and other work of many steps."""

from __future__ import annotations

from metadata.problems import in_words
from trellis.background import Piece, Row, Work
from trellis.jobs.kinds import job_kinds
from trellis.jobs.running import (
    CANCELLED,
    DONE,
    ENDED,
    FAILED,
    JOBS,
    RUNNING,
    WAITING,
    cancel_job,
    job_table,
    problems_of,
)
from trellis.phrases import Sentence
from trellis.unit import Unit


class Jobs(Work):
    """Jobs; one that failed goes on after the last step that came to its end."""

    name = JOBS
    title = Sentence("Jobs")
    table = job_table
    states = (WAITING, RUNNING, DONE, FAILED, CANCELLED)
    again = frozenset({FAILED, WAITING})
    clears = ("lease", "lease_until", "ended_at", "problems")

    def piece(self, row: Row, language: str) -> Piece:
        """Gives a job."""
        said = in_words(problems_of(row), language)
        kind = job_kinds().get(row["kind"])
        return Piece(
            id=row["id"],
            what=row["kind"],
            title=kind.title.in_language(language) if kind and kind.title else row["kind"],
            object=row["params"].get("object"),
            record_id=None,
            state=row["state"],
            attempts=row["attempts"],
            due_at=row["available_at"],
            created_at=row["created_at"],
            ended_at=row["ended_at"],
            error=row["last_error"] or said or None,
            done=row["done"],
            total=row["total"],
            may_cancel=row["state"] not in ENDED and (kind is None or kind.may_cancel),
        )

    def cancel(self, unit: Unit, piece: Piece) -> None:
        """Ends a job whose kind allows it: a step under way is rolled back."""
        if piece.may_cancel or piece.state in ENDED:
            cancel_job(unit, piece.id)
        else:
            super().cancel(unit, piece)


WORK = Jobs()
