"""Channels by which people are told, an open family: each module here holds one `CHANNEL`."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Protocol

import sqlalchemy as sa


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


class Channel(Protocol):
    """A way to reach people."""

    @property
    def name(self) -> str: ...

    def deliver(self, connection: sa.Connection, message: Message) -> None:
        """Delivers in the transaction of `connection`; a message delivered before is left out."""


def load_channels() -> Mapping[str, Channel]:
    """Gives every channel of this folder by its name."""
    modules = (import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    channels: list[Channel] = [module.CHANNEL for module in modules]
    return {channel.name: channel for channel in channels}
