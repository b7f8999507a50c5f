"""The directory of a test's world: described people first, unnamed ones for whatever is missing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rule_engine.testing.world import World


@dataclass(frozen=True, slots=True)
class People:
    """A Directory. Where no described person holds a role, one without a name does.

    The id of such a person is what was asked for: `role "finance"`.
    """

    world: World

    def resolve(self, kind: str, name: str, scope: object | None) -> Sequence[str]:
        """Gives the active holders of a role or members of a team, in the order they were given."""
        if kind == "user":
            return (self.world.find("user", name),)
        unnamed = f'{kind} "{name}"' + ("" if scope is None else f" in {scope}")
        return self._described(kind, name, scope) or (unnamed,)

    def relation(self, kind: str, user: str) -> Sequence[str]:
        """Gives who stands in a relation to a user: what the user's field of that name holds."""
        record = self.world.record("user", user) or {}
        found = record.get(kind)
        return (str(found),) if found is not None else ()

    def _described(self, kind: str, name: str, scope: object | None) -> Sequence[str]:
        field = {"role": "roles", "team": "team"}.get(kind, kind)
        return [
            key
            for key, object_name in self.world.objects.items()
            if object_name == "user"
            and name in _names(self.world.values[key].get(field))
            and self.world.values[key].get("active") is not False
            and (scope is None or scope in self._scopes(key))
        ]

    def _scopes(self, user: str) -> tuple[object, ...]:
        record = self.world.values[user]
        return record.get("region"), record.get("team")


def _names(value: object) -> Collection[object]:
    """Gives the names in a list, or in a text that separates them by commas or spaces."""
    if isinstance(value, str):
        return [value, *value.replace(",", " ").split()]
    return value if isinstance(value, Collection) else (value,)
