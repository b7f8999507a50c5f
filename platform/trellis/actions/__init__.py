"""Rule actions, an open family: each module in this folder holds one `ACTION`."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Protocol

import sqlalchemy as sa

from trellis.automation.outbox import Effect
from trellis.catalogs import Snapshot
from trellis.channels import Channel


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an effect may use while it runs. Everything it writes through `connection` is
    committed together with the mark that it is done."""

    connection: sa.Connection
    snapshot: Snapshot
    channels: Mapping[str, Channel]
    now: datetime


class Action(Protocol):
    """Something a rule can have done after the commit.

    `name` is what rules call it. `run` works inside the database only and therefore exactly once;
    it raises when it fails, and is tried again later.
    """

    @property
    def name(self) -> str: ...

    def run(self, effect: Effect, surroundings: Surroundings) -> None:
        """Does what the effect asks for."""


def load_actions() -> Mapping[str, Action]:
    """Gives every action of this folder by its name."""
    modules = (import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    actions: list[Action] = [module.ACTION for module in modules]
    return {action.name: action for action in actions}
