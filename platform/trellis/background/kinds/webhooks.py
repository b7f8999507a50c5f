"""`webhooks`: messages to addresses of others."""

from __future__ import annotations

from trellis.background import Piece, Row, Work
from trellis.phrases import Sentence
from trellis.webhooks.tables import DEAD, DONE, RUNNING, WAITING, WEBHOOKS, webhook_delivery


class Webhooks(Work):
    """Messages; one that was delivered may be delivered again, with the same id."""

    name = WEBHOOKS
    title = Sentence("Webhooks")
    table = webhook_delivery
    states = (WAITING, RUNNING, DONE, DEAD)
    again = frozenset({DEAD, DONE, WAITING})
    clears = ("lease", "lease_until", "done_at", "error")

    def piece(self, row: Row, _language: str) -> Piece:
        """Gives a message."""
        status = None if row["status"] is None else str(row["status"])
        return Piece(
            id=row["id"],
            what=f"{row['object']}.{row['op']}",
            title=f"{row['object']}.{row['op']}",
            object=row["object"],
            record_id=row["record_id"],
            state=row["state"],
            attempts=row["attempts"],
            due_at=row["available_at"],
            created_at=row["created_at"],
            ended_at=row["done_at"],
            error=None if row["state"] == DONE else row["error"] or status,
        )


WORK = Webhooks()
