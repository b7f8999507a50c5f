"""Runs a block of actions on a record in memory; what is to be done comes out as effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from rule_engine import core
from rule_engine.errors import CannotRunError, finding
from rule_engine.program import (
    Action,
    AssignTo,
    Branch,
    Clear,
    Create,
    Escalate,
    Fail,
    Invoke,
    Notify,
    Person,
    Plain,
    Principal,
    Set,
    Start,
)
from rule_engine.services.candidates import find_candidates
from rule_engine.services.effects import Effect
from rule_engine.services.evaluate import Record, evaluate, holds
from rule_engine.services.people import Company, find_people, last_resort
from rule_engine.types import Directory, Environment, Kind, Type


@dataclass(slots=True)
class Run:
    """A run in progress. `record` shows what earlier actions set; `effects` are in order.

    `failure` is the `fail` that ended the block, `stopped` says that `stop` did. `directory` is
    None where nothing outside the record can be done. What is written to other records is not seen
    by later actions of the same pass.
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
            case Set(path=path, value=value):
                self._put(path, self._value(value))
            case Clear(path=path):
                self._put(path, None)
            case Plain(name="stop"):
                self.stopped = True
            case Plain(name=name):
                self._do(name)
            case Fail():
                self.failure = action
            case Notify() | Escalate() | AssignTo() | Create() | Invoke() | Start():
                self._reach_out(action)

    def _reach_out(self, action: Notify | Escalate | AssignTo | Create | Invoke | Start) -> None:
        company = self._company(action)
        match action:
            case Notify():
                self._notify(action, company)
            case Escalate(to=people):
                found = find_people(people, company) or last_resort(company.directory)
                self._do("escalate", recipients=list(found))
            case AssignTo(to=to):
                self._do("assign", **find_candidates(to, company).to_json())
            case Create(object=target, values=values):
                self._do("create", object=target, values=self._values(values))
            case Invoke(target=target, values=values):
                self._do("call", target=target, values=self._values(values))
            case Start(process=process):
                self._do("start", process=process)

    def _do(self, word: str, **arguments: object) -> None:
        self.effects.append(Effect(word, arguments))

    def _value(self, node: core.Node) -> object:
        return evaluate(node, self.record, self.environment, self.old)

    def _values(self, pairs: Sequence[tuple[str, core.Node]]) -> dict[str, object]:
        return {name: self._value(node) for name, node in pairs}

    def _chosen(
        self, arms: Sequence[tuple[core.Node, Sequence[Action]]], otherwise: Sequence[Action]
    ) -> Sequence[Action]:
        for condition, actions in arms:
            if holds(condition, self.record, self.environment, self.old):
                return actions
        return otherwise

    def _put(self, path: core.Path, value: object) -> None:
        """Sets a field of the record, or of one it refers to; an empty reference has none."""
        if path.hops:
            reference = self._value(_last_reference(path))
            if reference is not None:
                where = {"object": path.object, "id": reference}
                self._do("write", **where, field=path.field, value=value)
            return
        self.record[path.field] = value
        if value is None:
            self._do("clear", field=path.field)
        else:
            self._do("set", field=path.field, value=value)

    def _company(self, action: Action) -> Company:
        if self.directory is None:
            found = finding("cannot_run", '"{word}" cannot run here', action.span, word=action.name)
            raise CannotRunError(found)
        return Company(self.record, self.environment, self.directory, self.parts)

    def _notify(self, action: Notify, company: Company) -> None:
        self._do(
            "notify",
            recipients=list(find_people(action.recipients, company)),
            addressees=self._addressees(action.recipients),
            template=action.template,
            channel=action.channel,
        )

    def _addressees(self, recipients: Sequence[Principal]) -> list[tuple[str, str]]:
        """Gives the recipients that are records without a login, as (object, id)."""
        found = []
        for recipient in recipients:
            if isinstance(recipient, Person) and recipient.path.type.target not in (None, "user"):
                value = self._value(recipient.path)
                if isinstance(value, str):
                    found.append((str(recipient.path.type.target), value))
        return found


def _last_reference(path: core.Path) -> core.Path:
    """Gives the reference over which a path reaches its last record."""
    *before, last = path.hops
    kind = Type(Kind.REFERENCE, target=last.target)
    return replace(
        path, type=kind, nullable=True, hops=tuple(before), object=last.source, field=last.field
    )
