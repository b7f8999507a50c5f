"""`effects`: what is to happen because of a change, or at a time: the outbox."""

from __future__ import annotations

from metadata.problems import Problem
from trellis.actions import Later, load_actions
from trellis.automation.outbox import (
    CANCELLED,
    DEAD,
    DONE,
    EFFECTS,
    HELD,
    RUNNING,
    WAITING,
    error_in,
    outbox,
)
from trellis.background import Piece, Row, Work
from trellis.phrases import Sentence


class Effects(Work):
    """Rows of the outbox; one that waits for its time may be done at once unless it asks what that
    time has brought, one whose rule is in quarantine when the rule is released."""

    name = EFFECTS
    title = Sentence("Effects and timers")
    table = outbox
    states = (WAITING, RUNNING, HELD, DONE, DEAD, CANCELLED)
    again = frozenset({DEAD, WAITING})
    clears = ("lease", "lease_until", "done_at")

    def piece(self, row: Row, language: str) -> Piece:
        """Gives an effect."""
        action = load_actions().get(row["action"])
        title = action.title if isinstance(action, Later) else None
        return Piece(
            id=row["id"],
            what=row["action"],
            title=title.in_language(language) if title else row["action"],
            object=row["object"],
            record_id=row["record_id"],
            state=row["state"],
            attempts=row["attempts"],
            due_at=row["available_at"],
            created_at=row["created_at"],
            ended_at=row["done_at"],
            error=error_in(row, language),
        )

    def refusal(self, row: Row) -> Problem | None:
        """Gives why not; a timer that failed came due, and is tried again as others are."""
        action = load_actions().get(row["action"])
        is_early = row["state"] == WAITING and row["last_error"] is None
        if is_early and isinstance(action, Later) and action.keeps_time:
            return Problem("", "keeps_time", {"what": action.title or row["action"]})
        return super().refusal(row)


WORK = Effects()
