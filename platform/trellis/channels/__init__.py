"""Channels by which people are told, an open family: each module here holds one `CHANNEL`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from metadata.kinds import load_kinds
from trellis.unit import Unit


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to tell one person.

    `key` is the same however often the message is tried. The person is a user, or for somebody
    without a login the `addressee`: an object and the id of her record. `kind` names a sentence
    that the reader's language has, or a template; `values` fill it; `title` is a text of its own,
    or empty.
    """

    key: str
    user_id: str | None
    addressee: tuple[str, str] | None
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
    def deliver(self, unit: Unit, message: Message) -> None:
        """Delivers in the transaction of `unit`; a message delivered before is left out.

        Raises ValueError for a person whom the channel does not reach.
        """


def load_channels() -> Mapping[str, Channel]:
    """Gives every channel by its name: this folder's and those that distributions add."""
    return load_kinds(
        __name__,
        Channel,  # type: ignore[type-abstract]  # only asked whether members are instances
        "CHANNEL",
        "trellis.channels",
    )
