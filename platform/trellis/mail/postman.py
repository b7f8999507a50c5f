"""Handing letters to the server: each once, or shown as one of which nobody knows.

A claim is a lease, and the letter is marked as handed over before the server is given its text. So
a process that dies before leaves a letter that is sent by another, and one that dies after leaves a
letter that may have arrived: that is told, and never sent again by itself. One that cannot be
written is a failed try of that letter, and of no other.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any, Final

import sqlalchemy as sa

from metadata.access import AUTOMATION
from metadata.json_text import text
from trellis.automation.dispatcher import database_now
from trellis.automation.outbox import MAX_ERROR_LENGTH
from trellis.mail.letters import CannotWriteError, write_letter
from trellis.mail.optout import wants_none
from trellis.mail.recipients import recipient_of
from trellis.mail.server import WIRE, CutOffError, MailServer, NotReachedError, Session
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
from trellis.pausing import goes_on
from trellis.runtime import Platform
from trellis.wording import told
from trellis.work import unit_for

logger = logging.getLogger(__name__)

#: After how many seconds a letter is tried again.
RETRIES: Final = (60, 300, 900, 3_600, 10_800, 21_600, 43_200, 86_400)
LEASE_SECONDS: Final = 180
IN_A_ROW: Final = 100
CUT_OFF: Final = "the process ended before the server answered"
LEFT_OFTEN: Final = "the process ended each time while the letter was written"

Message = Mapping[str, Any]
Open = Callable[[MailServer], Session]


class LeaseLostError(Exception):
    """Another process has the letter now."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a try."""

    state: str
    answer: str
    address: str | None = None
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Postman:
    """Hands over what is due, one letter after the other over one connection."""

    here: Platform
    open: Open = Session

    def drain(self) -> int:
        """Hands over what is due; gives how many letters were tried. Without a server they wait."""
        server = self.here.settings.mail_server
        if server is None:
            return 0
        tried, session = 0, None
        try:
            while tried < IN_A_ROW and (message := self.here.database.do(claim)) is not None:
                tried += 1
                written = self.written(message)
                if isinstance(written, Outcome):
                    self.settle(message, written)
                    continue
                try:
                    session = session or self.open(server)
                    outcome = self.hand_over(session, message, written)
                except NotReachedError as error:
                    self.settle(message, outcome_of(written, WAITING, str(error)))
                    return tried
                except CutOffError as error:
                    self.settle(message, outcome_of(written, UNKNOWN, str(error)))
                    session = None
                    continue
                except LeaseLostError:
                    logger.warning("letter %s was taken over by another process", message["id"])
                    return tried
                self.settle(message, outcome)
        finally:
            if session is not None:
                session.close()
        return tried

    def written(self, message: Message) -> EmailMessage | Outcome:
        """Gives the letter, or why there is none. Nothing is locked while it is written."""
        settings = self.here.settings
        try:
            with self.here.database.read() as connection:
                catalog = self.here.catalogs.current(connection)
                unit = unit_for(self.here, connection, catalog, AUTOMATION)
                recipient = recipient_of(self.here, unit, message)
                if wants_none(connection, recipient.address):
                    return Outcome(LEFT_OUT, "wants no mail", recipient.address)
                letter = write_letter(settings, message, recipient)
                letter.as_bytes(policy=WIRE)  # what cannot be sent shows before anything is
                return letter
        except CannotWriteError as error:
            return Outcome(DEAD, str(error))
        except Exception as error:
            logger.exception("letter %s was not written", message["id"])
            said = f"the letter could not be written: {told(error)['en']}"
            return Outcome(WAITING, said[:MAX_ERROR_LENGTH])

    def hand_over(self, session: Session, message: Message, letter: EmailMessage) -> Outcome:
        """Gives what the server said of a letter."""
        sender, to = parseaddr(str(letter["From"]))[1], parseaddr(str(letter["To"]))[1]
        answer = session.hand_over(sender, to, letter, lambda: self.mark(message))
        state = DONE if answer.is_taken else DEAD if answer.is_final else WAITING
        return outcome_of(letter, state, str(answer))

    def mark(self, message: Message) -> None:
        """Notes that the server is given the text now. Raises LeaseLostError."""

        def note(connection: sa.Connection) -> int:
            until = database_now(connection) + timedelta(seconds=LEASE_SECONDS)
            marked = sa.update(mail_message).where(mine(message))
            return connection.execute(marked.values(handed_over=True, lease_until=until)).rowcount

        if self.here.database.do(note) != 1:
            raise LeaseLostError

    def settle(self, message: Message, outcome: Outcome) -> None:
        """Writes down what became of a letter, if it is still ours."""
        self.here.database.do(lambda connection: settle(connection, message, outcome))


def outcome_of(letter: EmailMessage, state: str, answer: str) -> Outcome:
    """Gives what became of a letter that was written."""
    return Outcome(state, answer, parseaddr(str(letter["To"]))[1], str(letter["Subject"]))


def mine(message: Message) -> sa.ColumnElement[bool]:
    """Gives the condition that a letter is still ours."""
    table = mail_message.c
    return sa.and_(table.id == message["id"], table.lease == message["lease"])


def claim(connection: sa.Connection) -> Message | None:
    """Takes the oldest letter that is due; None when there is none.

    What was left by a dead process after it was handed over becomes UNKNOWN, and what was left too
    often is DEAD: it may be what kills them.
    """
    table, now = mail_message.c, database_now(connection)
    left = sa.and_(table.state == RUNNING, table.lease_until < now)
    lost = sa.and_(left, sa.or_(table.handed_over, table.attempts > len(RETRIES)))
    over = sa.update(mail_message).where(lost).values(done_at=now, lease=None, lease_until=None)
    state = sa.case((table.handed_over, UNKNOWN), else_=DEAD)
    answer = sa.case((table.handed_over, CUT_OFF), else_=LEFT_OFTEN)
    connection.execute(over.values(state=state, answer=answer))
    due = sa.or_(sa.and_(table.state == WAITING, table.available_at <= now), left)
    due = sa.and_(due, goes_on(MAIL))
    query = sa.select(mail_message).where(due).order_by(table.available_at, table.id).limit(1)
    row = connection.execute(query.with_for_update(skip_locked=True)).mappings().first()
    if row is None:
        return None
    held = {
        "state": RUNNING,
        "lease": uuid.uuid4().hex,
        "attempts": row["attempts"] + 1,
        "handed_over": False,
    }
    until = now + timedelta(seconds=LEASE_SECONDS)
    taken = sa.update(mail_message).where(table.id == row["id"])
    connection.execute(taken.values(**held, lease_until=until))
    return {**row, **held}


def settle(connection: sa.Connection, message: Message, outcome: Outcome) -> None:
    """Writes down what became of a letter; one that is to be tried again waits longer each time."""
    now, tried = database_now(connection), int(message["attempts"])
    values: dict[str, object] = {
        "state": outcome.state,
        "answer": outcome.answer,
        "address": outcome.address or text(message["address"]),
        "subject": outcome.subject or text(message["subject"]),
        "handed_over": outcome.state in (DONE, UNKNOWN),
        "lease": None,
        "lease_until": None,
        "done_at": now,
    }
    if outcome.state == WAITING:
        again = tried <= len(RETRIES)
        pause = RETRIES[tried - 1] if again else 0
        values |= {
            "state": WAITING if again else DEAD,
            "available_at": now + timedelta(seconds=pause),
            "done_at": None if again else now,
        }
    connection.execute(sa.update(mail_message).where(mine(message)).values(values))
