"""The directory of a test's world: described people first, unnamed ones for whatever is missing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from rule_engine import dates
from rule_engine.services.evaluate import Record
from rule_engine.services.people import described_memberships, nearest_above
from rule_engine.testing.world import World
from rule_engine.types import Absence, Memberships


@dataclass(frozen=True, slots=True)
class People:
    """A Directory and a Workload. Where no described person holds a role, one without a name does.

    The id of such a person is what was asked for: `role "finance"`. Who is away is told by the
    fields `away_from` and `away_until` (the last day), who stands in for them by `substitute`.
    """

    world: World

    def resolve(self, kind: str, name: str, scope: object | None) -> Sequence[str]:
        """Gives the active holders of a role or members of a team, in the order they were given."""
        if kind == "user":
            return (self.world.find("user", name),)
        unnamed = f'{kind} "{name}"' + ("" if scope is None else f" in {scope}")
        return self._described(kind, name, scope) or (unnamed,)

    def relation(self, kind: str, user: str) -> Sequence[str]:
        """Gives who stands in a relation to a user by the field of that name, over who is gone."""

        def above(person: str) -> Mapping[str, bool]:
            found = (self.world.record("user", person) or {}).get(kind)
            record = self.world.record("user", str(found)) or {}
            return {} if found is None else {str(found): record.get("active") is not False}

        return nearest_above(user, above)

    def memberships(self, user: str) -> Memberships:
        """Gives what a described person belongs to."""
        return described_memberships(self.world.record("user", user) or {}, self.world)

    def absence(self, user: str) -> Absence | None:
        """Gives a user's absence; who has a substitute and no dates is always away."""
        record = self.world.record("user", user) or {}
        found, until = record.get("substitute"), record.get("away_until")
        if not self.is_away(user) and (found is None or _dates(record)):
            return None
        last = until if isinstance(until, date) else None
        return Absence(last, None if found is None else str(found))

    def count(self, user: str, object_name: str) -> int:
        """Gives how many records of an object a user owns in this world."""
        return sum(
            record.get("owner") == user and self.world.objects[key] == object_name
            for key, record in self.world.values.items()
        )

    def is_away(self, user: str) -> bool:
        """Says whether the dates of a user's absence hold today."""
        record = self.world.record("user", user) or {}
        first, last = record.get("away_from"), record.get("away_until")
        today = dates.date_in(self.world.now, self.world.zone)
        if today is None or not _dates(record):
            return False
        return (first is None or first <= today) and (  # type: ignore[operator]  # dates
            last is None or today <= last  # type: ignore[operator]  # dates
        )

    def skills(self, user: str) -> Collection[str]:
        """Gives what a described person's field `skills` holds."""
        return [str(one) for one in _names((self.world.record("user", user) or {}).get("skills"))]

    def last_owner(self, object_name: str, field: str, value: object, record_id: str) -> str | None:
        """Gives who owns the last given other record with a value in a field."""
        owners = [
            record.get("owner")
            for key, record in self.world.values.items()
            if self.world.objects[key] == object_name
            and key != record_id
            and record.get(field) == value
            and record.get("owner") is not None
        ]
        return str(owners[-1]) if owners else None

    def _described(self, kind: str, name: str, scope: object | None) -> Sequence[str]:
        field = {"role": "roles", "team": "team"}.get(kind, kind)
        return [
            key
            for key, record in self.world.values.items()
            if self.world.objects[key] == "user"
            and self._is_among(name, record.get(field))
            and record.get("active") is not False
            and (scope is None or scope in self._scopes(key))
        ]

    def _is_among(self, name: str, value: object) -> bool:
        """Says whether a user's field holds a name, or refers to a record called so."""
        if name in _names(value):
            return True
        team = self.world.values.get(value) if isinstance(value, str) else None
        return team is not None and team.get("name") == name

    def _scopes(self, user: str) -> tuple[object, ...]:
        record = self.world.values[user]
        return record.get("region"), record.get("team")


def _dates(record: Record) -> bool:
    return record.get("away_from") is not None or record.get("away_until") is not None


def _names(value: object) -> Collection[object]:
    """Gives the names in a list, or in a text that separates them by commas or spaces."""
    if isinstance(value, str):
        return [value, *value.replace(",", " ").split()]
    return value if isinstance(value, Collection) else (value,)
