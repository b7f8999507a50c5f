"""Rule actions, an open family: each module in this folder holds one `ACTION`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa

from metadata.kinds import load_kinds
from trellis.automation.outbox import Effect
from trellis.catalogs import Catalogs, Snapshot
from trellis.channels import Channel


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an effect may use while it runs. Everything it writes through `connection` is
    committed together with the mark that it is done."""

    connection: sa.Connection
    snapshot: Snapshot
    channels: Mapping[str, Channel]
    now: datetime


class Action(ABC):
    """Something a rule can have done after the commit; `name` is what rules call it."""

    name: ClassVar[str]

    @abstractmethod
    def run(self, effect: Effect, surroundings: Surroundings) -> None:
        """Does what the effect asks for; raises when it fails, and is tried again later.

        What it writes through the connection of `surroundings` happens exactly once.
        """


def load_actions() -> Mapping[str, Action]:
    """Gives every action by its name: this folder's and those that distributions add."""
    return load_kinds(
        __name__,
        Action,  # type: ignore[type-abstract]  # only asked whether members are instances
        "ACTION",
        "trellis.actions",
    )


@dataclass(frozen=True, slots=True)
class Performer:
    """Runs effects with the actions there are; what the dispatcher calls."""

    catalogs: Catalogs
    actions: Mapping[str, Action]
    channels: Mapping[str, Channel]

    def __call__(self, connection: sa.Connection, effect: Effect, now: datetime) -> None:
        """Runs one effect inside the transaction of `connection`."""
        action = self.actions.get(effect.action)
        if action is None:
            known = ", ".join(sorted(self.actions))
            raise LookupError(f"no action {effect.action!r}; there are: {known}")
        snapshot = self.catalogs.snapshot(connection)
        action.run(effect, Surroundings(connection, snapshot, self.channels, now))
