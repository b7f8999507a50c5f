"""What rules do and what the outbox holds, an open family: each module here has one `ACTION`.

What a rule does after a save (`Action`) is carried out in the transaction of the save: there
records are written, and what reaches beyond the database is left in the outbox, to be run after the
commit (`Later`). Fields of the saved record itself are no actions: all that a rule sets there is
one write.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import ClassVar, Protocol
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import uuid_utils

from metadata.access import AUTOMATION
from metadata.json_text import sequence
from metadata.kinds import load_kinds
from metadata.objects import ObjectDefinition
from metadata.query import Moment
from trellis.automation.outbox import Effect, add
from trellis.catalogs import Catalogs, Snapshot
from trellis.channels import Channel
from trellis.errors import RecordError, Refused
from trellis.phrases import Sentence
from trellis.security.directory import UserDirectory
from trellis.unit import Unit

Arguments = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an effect may use while it runs. Everything it writes through `connection` is
    committed together with the mark that it is done."""

    connection: sa.Connection
    snapshot: Snapshot
    channels: Mapping[str, Channel]
    now: datetime
    zone: ZoneInfo

    def unit(self) -> Unit:
        """Gives automation a unit of work in the effect's transaction."""
        moment = Moment(self.now, self.zone)
        catalog = self.snapshot.catalog
        directory = UserDirectory(self.connection, catalog, moment.today)
        return Unit(self.connection, catalog, AUTOMATION, moment, directory)


class Writing(Protocol):
    """The way in which a rule writes records: as automation, so that their rules run in turn."""

    def create(self, object_name: str, values: Mapping[str, object]) -> None:
        """Adds a record."""

    def change(self, object_name: str, record_id: str, values: Mapping[str, object]) -> None:
        """Changes a record; one that is deleted is left alone."""

    def give(self, object_name: str, record_id: str, to: str) -> None:
        """Gives a record to a user (id or user name) or a queue (id or name)."""

    def note(self, object_name: str, record_id: str, why: str) -> None:
        """Notes in a record's history what a rule did about it; in one that is deleted nothing."""

    def refused(self, definition: ObjectDefinition, error: RecordError) -> Refused:
        """Gives what to tell the person whose save it was of what a rule could not do."""


@dataclass(frozen=True, slots=True)
class Doing:
    """A rule at work on a record that was saved or deleted just now."""

    unit: Unit
    definition: ObjectDefinition
    record_id: str
    rule: str
    writing: Writing


class Deed(ABC):
    """A member of the family; `name` is what effects of rules, or rows of the outbox, call it."""

    name: ClassVar[str]


class Action(Deed):
    """Something that a rule can do."""

    @abstractmethod
    def carry_out(self, doing: Doing, arguments: Arguments) -> None:
        """Does it in the transaction of the save, or leaves it in the outbox.

        `arguments` are those that `rule_engine.services.effects` tells of.
        """


class Later(Deed):
    """Something that is run after a commit, out of the outbox. What `is_quick` writes a row or two,
    and shares its transaction with others. What `keeps_time` asks what time has brought: before its
    time that is nothing, and so nobody can have it done sooner. `title` is what those who
    administer read instead of the name."""

    title: ClassVar[Sentence | None] = None
    is_quick: ClassVar[bool] = False
    keeps_time: ClassVar[bool] = False

    @abstractmethod
    def run(self, effect: Effect, surroundings: Surroundings) -> None:
        """Does what the effect asks for; raises when it fails, and is tried again later.

        What it writes through the connection of `surroundings` happens exactly once.
        """


class Callee(Later):
    """Something that rules run by its name: `call name { key: value }`.

    Distributions add them. The payload: {"target": the name, "values": {key: value in wire form}}.
    """


def leave_message(
    doing: Doing,
    recipients: object,
    kind: str,
    *,
    channel: object = None,
    addressees: object = None,
) -> None:
    """Leaves a message about the record in the outbox: for users, and for `addressees`, (object,
    record id) of people without a login; nobody asked is nobody told."""
    people = [str(user) for user in sequence(recipients)]
    others = [list(map(str, sequence(one))) for one in sequence(addressees)]
    if people or others:
        add(
            doing.unit.connection,
            "notify",
            {"recipients": people, "addressees": others, "kind": kind, "channel": channel},
            f"rule/{doing.rule}/{uuid_utils.uuid7()}",
            object_name=doing.definition.name,
            record_id=doing.record_id,
            rule=doing.rule,
        )


@cache
def load_actions() -> Mapping[str, Deed]:
    """Gives every member by its name: this folder's and those that distributions add."""
    return load_kinds(
        __name__,
        Deed,
        "ACTION",
        "trellis.actions",
    )


def rule_action(word: str) -> Action:
    """Gives what rules call by a word. Raises LookupError."""
    found = load_actions()[word]
    if isinstance(found, Action):
        return found
    raise LookupError(f"{word!r} is nothing that rules do")


@dataclass(frozen=True, slots=True)
class Performer:
    """Runs effects with the actions there are; what the dispatcher calls."""

    catalogs: Catalogs
    actions: Mapping[str, Deed]
    channels: Mapping[str, Channel]
    zone: ZoneInfo

    def is_quick(self, effect: Effect) -> bool:
        """Says whether an effect may share its transaction with others."""
        action = self.actions.get(effect.action)
        return isinstance(action, Later) and action.is_quick

    def __call__(self, connection: sa.Connection, effect: Effect, now: datetime) -> None:
        """Runs one effect inside the transaction of `connection`."""
        later = {name: one for name, one in self.actions.items() if isinstance(one, Later)}
        action = later.get(effect.action)
        if action is None:
            raise LookupError(f"no action {effect.action!r}; there are: {', '.join(later)}")
        snapshot = self.catalogs.snapshot(connection)
        action.run(effect, Surroundings(connection, snapshot, self.channels, now, self.zone))
