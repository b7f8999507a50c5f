"""Channels by which people are told, an open family: each module here holds one `CHANNEL`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa

from metadata.kinds import load_kinds


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to tell one person.

    `key` is the same however often the message is tried. `kind` names a sentence that the reader's
    language has, `values` fill it; `title` is a text of its own, or empty.
    """

    key: str
    user_id: str
    kind: str
    title: str
    values: Mapping[str, object]
    object: str | None
    record_id: str | None
    at: datetime


class Channel(ABC):
    """A way to reach people."""

    name: ClassVar[str]

    @abstractmethod
    def deliver(self, connection: sa.Connection, message: Message) -> None:
        """Delivers in the transaction of `connection`; a message delivered before is left out."""


def load_channels() -> Mapping[str, Channel]:
    """Gives every channel by its name: this folder's and those that distributions add."""
    return load_kinds(
        __name__,
        Channel,  # type: ignore[type-abstract]  # only asked whether members are instances
        "CHANNEL",
        "trellis.channels",
    )
