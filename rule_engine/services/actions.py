"""Runs a block of actions on a record in memory; what is to be done comes out as effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rule_engine import core
from rule_engine.errors import RuleError, Span
from rule_engine.program import (
    Action,
    Branch,
    Clear,
    Fail,
    Notify,
    Person,
    Plain,
    Principal,
    Set,
)
from rule_engine.services.effects import Effect
from rule_engine.services.evaluate import Record, evaluate, holds
from rule_engine.services.people import Company, find_people
from rule_engine.types import Directory, Environment


class CannotRunError(RuleError):
    """An action that this version cannot run where it stands; a checked program has none."""


@dataclass(slots=True)
class Run:
    """A run in progress. `record` shows what earlier actions set; `effects` are in order.

    `failure` is the `fail` that ended the block, `stopped` says that `stop` did. `directory` is
    None where nobody can be notified.
    """

    record: dict[str, object]
    environment: Environment
    old: Record | None = None
    directory: Directory | None = None
    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    effects: list[Effect] = field(default_factory=list)
    failure: Fail | None = None
    stopped: bool = False

    def perform(self, actions: Sequence[Action]) -> None:
        """Runs actions in order until a `stop` or a `fail`."""
        for action in actions:
            self._perform_one(action)
            if self.stopped or self.failure:
                return

    def _perform_one(self, action: Action) -> None:
        match action:
            case Branch(arms=arms, otherwise=otherwise):
                self.perform(self._chosen(arms, otherwise))
            case Set(path=path, value=value) if not path.hops:
                self._put(path.field, evaluate(value, self.record, self.environment, self.old))
            case Clear(path=path) if not path.hops:
                self._put(path.field, None)
            case Plain(name="stop"):
                self.stopped = True
            case Plain(name=name):
                self.effects.append(Effect(name))
            case Fail():
                self.failure = action
            case Notify() if self.directory is not None:
                self._notify(action, self.directory)
            case _:
                raise CannotRunError(_place(action.span, f'"{action.name}" cannot run here'))

    def _chosen(
        self, arms: Sequence[tuple[core.Node, Sequence[Action]]], otherwise: Sequence[Action]
    ) -> Sequence[Action]:
        for condition, actions in arms:
            if holds(condition, self.record, self.environment, self.old):
                return actions
        return otherwise

    def _put(self, name: str, value: object) -> None:
        self.record[name] = value
        if value is None:
            self.effects.append(Effect("clear", {"field": name}))
        else:
            self.effects.append(Effect("set", {"field": name, "value": value}))

    def _notify(self, action: Notify, directory: Directory) -> None:
        company = Company(self.record, self.environment, directory, self.parts)
        arguments = {
            "recipients": list(find_people(action.recipients, company)),
            "addressees": self._addressees(action.recipients),
            "template": action.template,
            "channel": action.channel,
        }
        self.effects.append(Effect("notify", arguments))

    def _addressees(self, recipients: Sequence[Principal]) -> list[tuple[str, str]]:
        """Gives the recipients that are records without a login, as (object, id)."""
        found = []
        for recipient in recipients:
            if isinstance(recipient, Person) and recipient.path.type.target not in (None, "user"):
                value = evaluate(recipient.path, self.record, self.environment, self.old)
                if isinstance(value, str):
                    found.append((str(recipient.path.type.target), value))
        return found


def _place(span: Span, message: str) -> str:
    return f"{span.line}:{span.column}: {message}"
