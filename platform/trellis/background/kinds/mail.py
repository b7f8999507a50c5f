"""`mail`: letters to people."""

from __future__ import annotations

from trellis.background import Piece, Row, Work
from trellis.mail.tables import (
    DEAD,
    DONE,
    LEFT_OUT,
    MAIL,
    RUNNING,
    UNKNOWN,
    WAITING,
    mail_message,
)
from trellis.phrases import Sentence
from trellis.wording import TITLES


class Mail(Work):
    """Letters; one that may have arrived is only sent again when somebody says so."""

    name = MAIL
    title = Sentence("Mail")
    table = mail_message
    states = (WAITING, RUNNING, DONE, DEAD, UNKNOWN, LEFT_OUT)
    again = frozenset({DEAD, UNKNOWN, WAITING})
    clears = ("lease", "lease_until", "done_at")

    def piece(self, row: Row, language: str) -> Piece:
        """Gives a letter; one by a template of the organisation is called by its name."""
        title = TITLES.get(row["kind"])
        return Piece(
            id=row["id"],
            what=row["kind"],
            title=title.in_language(language) if title else row["kind"],
            object=row["object"],
            record_id=row["record_id"],
            state=row["state"],
            attempts=row["attempts"],
            due_at=row["available_at"],
            created_at=row["created_at"],
            ended_at=row["done_at"],
            error=None if row["state"] == DONE else row["answer"],
        )


WORK = Mail()
