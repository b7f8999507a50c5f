"""The small world of one test: records in memory, people, and a clock that only the test moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from rule_engine import core, dates
from rule_engine.program import Length, Program
from rule_engine.services.approval_state import ApprovalState
from rule_engine.services.evaluate import Record, Surroundings, evaluate
from rule_engine.services.score import ScoreResult, score
from rule_engine.types import Kind
from rule_engine.values import CalendarLength

Values = Sequence[tuple[str, core.Node]]


@dataclass(frozen=True, slots=True)
class NoRates:
    """A rate table of a world without exchange."""

    base: str = "CNY"

    def rate(self, currency: str) -> Decimal | None:
        """Gives 1 for the base currency, None for all others."""
        return Decimal(1) if currency == self.base else None


@dataclass(slots=True)
class World:
    """Everything a test can see. Aliases are the ids of the given records."""

    program: Program
    now: datetime
    zone: ZoneInfo
    objects: dict[str, str] = field(default_factory=dict)  # id → object
    values: dict[str, dict[str, object]] = field(default_factory=dict)  # id → record
    saved: set[str] = field(default_factory=set)
    locked: set[str] = field(default_factory=set)
    requests: dict[str, ApprovalState] = field(default_factory=dict)  # by record id
    scores: dict[str, list[ScoreResult]] = field(default_factory=dict)

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

    def names(self) -> dict[str, object]:
        """Gives the given names as a record of references."""
        return {alias: alias for alias in self.values}

    def find(self, object_name: str, name: str) -> str:
        """Gives the id of a record called so; a name nobody has stands for itself."""
        known = [key for key, kind in self.objects.items() if kind == object_name]
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
        return Surroundings(self.now, self.zone, acting, {}, NoRates(), self)

    def record(self, object_name: str, record_id: str) -> Record | None:
        """Gives a given record; a user nobody described has only a name."""
        if self.objects.get(record_id) == object_name:
            return self.values[record_id]
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

    def pass_time(self, length: Length) -> str | None:
        """Moves the clock; gives a reason when it cannot."""
        if isinstance(length, timedelta):
            self.now += length
            return None
        if isinstance(length, CalendarLength):
            self.now = dates.shift_instant(self.now, length, self.zone) or self.now
            return None
        return "this version cannot wait for business time; write hours or days"

    def rescore(self) -> None:
        """Evaluates all scores of all given records into their fields."""
        for key, object_name in self.objects.items():
            record = self.values[key]
            results = []
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
