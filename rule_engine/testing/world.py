"""The small world of one test: records in memory, people, and a clock that only the test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from rule_engine import core
from rule_engine.check.worlds import CLOCK_OBJECT
from rule_engine.messages import Phrase, Sentences
from rule_engine.program import Length, Program
from rule_engine.services.approval_state import ApprovalState
from rule_engine.services.assign import Turns
from rule_engine.services.deadlines import due_after
from rule_engine.services.evaluate import Record, Surroundings, evaluate
from rule_engine.services.people import described_memberships
from rule_engine.services.score import ScoreResult, score
from rule_engine.services.sla_state import SlaState
from rule_engine.types import NO_MEMBERSHIPS, Environment, Kind

Values = Sequence[tuple[str, core.Node]]

Computed = Mapping[str, Mapping[str, Callable[[Record, Environment], object]]]
"""What gives the values of computed fields, by object and field."""

NOTHING_COMPUTED: Computed = {}


class RefusedSaveError(Exception):
    """Ends what was being done to the world; `messages` say why. Never leaves this package."""

    def __init__(self, messages: Sequence[Phrase]) -> None:
        self.messages = tuple(messages)
        super().__init__(str(Sentences(self.messages)))


#: The messages of what was refused; empty for what was done.
Refusals = tuple[Phrase, ...]


class CannotTestError(Exception):
    """A statement that cannot be carried out as it stands; the test fails with what is said."""

    def __init__(self, said: Phrase) -> None:
        self.said = said
        super().__init__(str(said))


_UNDONE = (
    *("objects", "values", "locked", "requests", "created", "notifications", "calls"),
    *("starting", "turns", "looks", "levels"),
)


@dataclass(frozen=True, slots=True)
class NoRates:
    """A rate table of a world without exchange."""

    base: str = "CNY"

    def rate(self, currency: str) -> Decimal | None:
        """Gives 1 for the base currency, None for all others."""
        return Decimal(1) if currency == self.base else None


@dataclass(frozen=True, slots=True)
class Situation:
    """A record as rules have looked at it: what coverage evaluates conditions on."""

    object: str
    record: Record
    old: Record | None
    environment: Surroundings


@dataclass(slots=True)
class World:
    """Everything a test can see. Aliases are the ids of the given records.

    `created` are the ids of records that rules have made, `notifications` and `calls` what they
    have sent; `starting` are processes to be started once a save is done, as (record, process).
    `looks` says which assignment gave a record away, and when which of its `reassign` lines is
    asked, as long as the record is whose it became. `fired` holds what the clock has
    set off. `levels` are the facts of service levels by record id and name; `clocks` and
    `clock_names` what expectations see of them (see testing.clocks); `calendar` is the one that
    counts where business time passes. Outside a `transaction` nothing is half done.
    """

    program: Program
    now: datetime
    zone: ZoneInfo
    objects: dict[str, str] = field(default_factory=dict)  # id → object
    values: dict[str, dict[str, object]] = field(default_factory=dict)  # id → record
    locked: set[str] = field(default_factory=set)
    requests: dict[str, ApprovalState] = field(default_factory=dict)  # by record id
    scores: dict[str, list[ScoreResult]] = field(default_factory=dict)
    created: list[str] = field(default_factory=list)
    notifications: list[dict[str, object]] = field(default_factory=list)
    calls: list[dict[str, object]] = field(default_factory=list)
    starting: list[tuple[str, str]] = field(default_factory=list)
    turns: dict[str, Turns] = field(default_factory=dict)  # by assignment
    looks: dict[str, tuple[str, dict[int, datetime]]] = field(default_factory=dict)  # by record id
    reasons: list[Phrase] = field(default_factory=list)
    fired: set[str] = field(default_factory=set)
    situations: list[Situation] = field(default_factory=list)
    levels: dict[tuple[str, str], SlaState] = field(default_factory=dict)
    clocks: dict[str, dict[str, object]] = field(default_factory=dict)
    clock_names: dict[str, dict[str, str]] = field(default_factory=dict)
    calendar: str = ""
    computed: Computed = field(default_factory=lambda: NOTHING_COMPUTED)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Undoes what was done inside when it is refused half-way; situations stay noted."""
        kept = {name: deepcopy(getattr(self, name)) for name in _UNDONE}
        try:
            yield
        except RefusedSaveError:
            for name, value in kept.items():
                setattr(self, name, value)
            raise

    def note(self, record_id: str, record: Record, old: Record | None, user: str | None) -> None:
        """Notes a record as rules look at it; where nothing changes, `old` is the record itself."""
        there = self.environment(user)
        self.situations.append(Situation(self.objects[record_id], dict(record), old, there))

    def add(self, object_name: str, alias: str, values: Values) -> None:
        """Adds a given record."""
        record: dict[str, object] = {"id": alias, "created_at": self.now}
        record |= self.evaluated(object_name, values)
        self.objects[alias] = object_name
        self.values[alias] = record

    def evaluated(self, object_name: str, values: Values) -> dict[str, object]:
        """Gives written values; names of given records and of people become ids."""
        environment = self.environment()
        found = {}
        for name, node in values:
            value = evaluate(node, self.names(), environment)
            target = self._target(object_name, name)
            if isinstance(value, str) and target:
                value = self.find(target, value)
            found[name] = value
        return found

    def filled(self, object_name: str, record: Record) -> dict[str, object]:
        """Gives a record with its computed fields, which may build on each other."""
        formulas, environment = self.computed.get(object_name, {}), self.environment()
        values = dict(record)
        for _ in formulas:
            found = {name: run(values, environment) for name, run in formulas.items()}
            if all(values.get(name) == value for name, value in found.items()):
                break
            values |= found
        return values

    def recompute(self) -> None:
        """Fills the computed fields of all records, over as many links as they reach."""
        for _ in range(sum(map(len, self.computed.values()))):
            found = {
                key: self.filled(self.objects[key], record) for key, record in self.values.items()
            }
            if found == self.values:
                break
            self.values = found

    def names(self) -> dict[str, object]:
        """Gives the given names as a record of references."""
        return {alias: alias if alias in self.values else None for alias in self.objects}

    def told(self) -> dict[str, object]:
        """Gives what rules have made and sent, under the names that tests know them by."""
        created = {
            f"created_{name}": [
                self.values[key]
                for key in self.created
                if self.objects[key] == name and key in self.values
            ]
            for name in self.program.schema.objects
        }
        return {**created, "notifications": self.notifications, "calls": self.calls}

    def find(self, object_name: str, name: str) -> str:
        """Gives the id of a record called so; a name nobody has stands for itself."""
        known = [key for key in self.values if self.objects[key] == object_name]
        if name in known:
            return name
        for key in known:
            titles = (self.values[key].get(field) for field in ("username", "name", "email"))
            if name in titles:
                return key
        return name

    def environment(self, user: str | None = None) -> Surroundings:
        """Gives the surroundings of now, with an acting person or none."""
        acting = None if user is None else self.record("user", user)
        calendars = self.program.business_time
        belongs = NO_MEMBERSHIPS if acting is None else described_memberships(acting, self)
        return Surroundings(self.now, self.zone, acting, calendars, NoRates(), self, belongs)

    def record(self, object_name: str, record_id: str) -> Record | None:
        """Gives a given record; a user nobody described has only a name."""
        if self.objects.get(record_id) == object_name:
            return {**self.clock_names.get(record_id, {}), **self.values[record_id]}
        if object_name == CLOCK_OBJECT:
            return self.clocks.get(record_id)
        if object_name == "user":
            return {"id": record_id, "username": record_id, "name": record_id, "active": True}
        return None

    def records(self, object_name: str, field: str, record_id: str) -> Sequence[Record]:
        """Gives the given records of an object that refer to a record, as given."""
        return [
            record
            for key, record in self.values.items()
            if self.objects[key] == object_name and record.get(field) == record_id
        ]

    def after(self, length: Length) -> datetime | None:
        """Gives the instant at which a length from now is over; None when that is not known."""
        calendar = self.program.business_time.get(self.calendar)
        return due_after(self.now, length, self.zone, calendar)

    def rescore(self) -> None:
        """Evaluates all computed fields and scores of all given records into their fields."""
        self.recompute()
        for key, record in self.values.items():
            object_name = self.objects[key]
            results = []
            self.note(key, record, record, None)
            for definition in self.program.for_object(object_name).scores:
                result = score(definition, record, self.environment())
                if result is None:
                    continue
                record[definition.into] = result.points
                if definition.grade_into:
                    record[definition.grade_into] = result.grade
                results.append(result)
            self.scores[key] = results

    def _target(self, object_name: str, field: str) -> str | None:
        definition = self.program.schema.object(object_name)
        found = definition.fields.get(field) if definition else None
        return found.target if found and found.type.kind is Kind.REFERENCE else None
