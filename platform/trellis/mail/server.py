"""The SMTP server that takes the mail: its address, and handing a letter over to it.

A letter is the server's when it has answered 250 to the end of the text (RFC 5321, 4.2.5). A
connection that is lost between the last byte and that answer leaves it open whether it is.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import EmailPolicy
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

Security = Literal["tls", "starttls", "none"]

SECONDS: Final = 30.0
PORTS: Final = {"smtp": 587, "smtps": 465}
OK: Final = 250
GO_ON: Final = 354


class WirePolicy(EmailPolicy):
    """How letters are written for a server: folded, but for headers whose values stay whole.

    A line may have 998 letters (RFC 5322, 2.1.1). What is longer than a folded line and has no
    space is otherwise written as an encoded word, which nobody may look for in an address or an id
    (RFC 2047, 5).
    """

    def fold_binary(self, name: str, value: str) -> bytes:
        """Gives a header as it is sent."""
        if name.lower() in WHOLE and value.isascii():
            return f"{name}: {value}{self.linesep}".encode("ascii")
        return super().fold_binary(name, value)


WHOLE: Final = frozenset({"list-unsubscribe", "message-id"})
WIRE: Final = WirePolicy(linesep="\r\n")


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed over, and as whom."""

    host: str
    port: int
    security: Security
    user: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said. Text of 2xx codes means it took the letter."""

    code: int
    text: str

    @property
    def is_taken(self) -> bool:
        """Says whether the letter is the server's now."""
        return self.code == OK

    @property
    def is_final(self) -> bool:
        """Says whether trying again is of no use."""
        return self.code >= 500

    def __str__(self) -> str:
        return f"{self.code} {self.text}".strip()


class NotReachedError(Exception):
    """The server could not be spoken to; nothing was handed over."""


class CutOffError(Exception):
    """The connection was lost after the letter's text was sent: it may have arrived."""


def read_server(url: str) -> MailServer:
    """Reads `smtps://user:password@host:port`, or `smtp://…`, which is encrypted by STARTTLS.

    `smtp://host:25?tls=none` is for a server on the same machine. Raises ValueError.
    """
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError("an address of a mail server is smtps://user:password@host or smtp://…")
    security: Security = "tls" if parts.scheme == "smtps" else "starttls"
    if parts.query:
        if parts.scheme != "smtp" or parts.query != "tls=none":
            raise ValueError(f"the only setting is ?tls=none, of smtp://; not ?{parts.query}")
        security = "none"
    return MailServer(
        host=parts.hostname,
        port=parts.port or PORTS[parts.scheme],
        security=security,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


class Session:
    """One connection to a server; several letters may go over it."""

    def __init__(self, server: MailServer, seconds: float = SECONDS) -> None:
        """Connects. Raises NotReachedError."""
        try:
            self._client = connect(server, seconds)
        except (OSError, smtplib.SMTPException) as error:
            raise NotReachedError(said(error)) from error

    def hand_over(
        self, sender: str, to: str, letter: EmailMessage, mark: Callable[[], None]
    ) -> Answer:
        """Gives the server's answer to a letter.

        `mark` is called when the server is ready for the text: what it raises leaves the letter
        unsent. Raises NotReachedError before that, and CutOffError after.
        """
        try:
            for code, text in (self._client.mail(sender), self._client.rcpt(to)):
                if code not in (OK, 251):
                    self._client.rset()
                    return answer_of(code, text)
            code, text = self._client.docmd("DATA")
        except (OSError, smtplib.SMTPException) as error:
            raise NotReachedError(said(error)) from error
        if code != GO_ON:
            return answer_of(code, text)
        mark()
        try:
            self._client.send(dotted(letter.as_bytes(policy=WIRE)))
            return answer_of(*self._client.getreply())
        except (OSError, smtplib.SMTPException) as error:
            raise CutOffError(said(error)) from error

    def close(self) -> None:
        """Says good-bye, if the server still listens."""
        try:
            self._client.quit()
        except (OSError, smtplib.SMTPException):
            self._client.close()


def connect(server: MailServer, seconds: float) -> smtplib.SMTP:
    """Gives a connection that is encrypted and logged in as the address says."""
    context = ssl.create_default_context()
    if server.security == "tls":
        client: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, timeout=seconds, context=context
        )
    else:
        client = smtplib.SMTP(server.host, server.port, timeout=seconds)
    client.ehlo()
    if server.security == "starttls":
        client.starttls(context=context)
        client.ehlo()
    if server.user:
        client.login(server.user, server.password)
    return client


def dotted(text: bytes) -> bytes:
    """Gives a text as DATA takes it: lines that begin with a dot have another, and it ends."""
    body = text if text.endswith(b"\r\n") else text + b"\r\n"
    stuffed = body.replace(b"\r\n.", b"\r\n..")
    return (b"." if stuffed.startswith(b".") else b"") + stuffed + b".\r\n"


def answer_of(code: int, text: bytes) -> Answer:
    """Gives an answer; what a server says is shown only in short."""
    return Answer(code, " ".join(text.decode("utf-8", "replace").split())[:200])


def said(error: Exception) -> str:
    """Gives what kept us from a server in short."""
    if isinstance(error, smtplib.SMTPResponseException):
        raw = error.smtp_error
        text = raw if isinstance(raw, bytes) else str(raw).encode()
        return str(answer_of(error.smtp_code, text))
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
