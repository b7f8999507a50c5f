"""What is done with a record besides changing it, an open family: each module holds one `ACTION`.

They are called as `POST /api/v1/<object>/<id>/actions/<name>`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import ClassVar

from metadata.json_text import pointer
from metadata.kinds import load_kinds
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from trellis.phrases import Sentence
from trellis.unit import Unit

Answer = dict[str, object]

# Longer than what any action needs; what is stored has limits of its own.
MAX_TEXT = 20_000
MAX_ITEMS = 1_000


class KeyType(StrEnum):
    """What the value of a key is; null is as good as absent for each of them."""

    TEXT = "text"
    NUMBER = "number"  # a whole one
    BOOLEAN = "boolean"
    TEXTS = "texts"
    OBJECT = "object"


# What may stand for a type, and the problem where something else does.
FORMS: Mapping[KeyType, tuple[type, str]] = {
    KeyType.TEXT: (str, "text_expected"),
    KeyType.NUMBER: (int, "whole_number"),
    KeyType.BOOLEAN: (bool, "boolean_expected"),
    KeyType.TEXTS: (list, "texts_expected"),
    KeyType.OBJECT: (dict, "map_expected"),
}


@dataclass(frozen=True, slots=True)
class Key:
    """A key that the body of an action may have; `limit` is that of a text, in characters."""

    name: str
    type: KeyType
    summary: Sentence
    required: bool = False
    limit: int = MAX_TEXT

    def problem(self, value: object) -> Problem | None:
        """Gives what is wrong with a value; None for nothing."""
        path = pointer((self.name,))
        if value is None:
            return Problem(path, "required") if self.required else None
        form, code = FORMS[self.type]
        fits = isinstance(value, form) and (form is bool or not isinstance(value, bool))
        if fits and isinstance(value, list):
            fits = len(value) <= MAX_ITEMS and all(isinstance(item, str) for item in value)
        if not fits:
            return Problem(path, code, {"field": self.name, "value": shown(value)})
        if isinstance(value, str) and len(value) > self.limit:
            return Problem(path, "max_length", {"limit": self.limit})
        return None


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an action: the record it is about, and values of the right types.

    `version` is the one of `If-Match`; None where the caller did not say any.
    """

    unit: Unit
    object_name: str
    record_id: str
    values: Mapping[str, object] = field(default_factory=dict)
    version: int | None = None

    def text(self, name: str) -> str | None:
        """Gives a text; None where there is none."""
        value = self.values.get(name)
        return value if isinstance(value, str) else None

    def number(self, name: str) -> int | None:
        """Gives a whole number; None where there is none."""
        value = self.values.get(name)
        return value if isinstance(value, int) else None

    def flag(self, name: str) -> bool:
        """Gives a boolean; absent is False."""
        return self.values.get(name) is True

    def texts(self, name: str) -> tuple[str, ...]:
        """Gives a list of texts; none where it is absent."""
        value = self.values.get(name)
        return tuple(value) if isinstance(value, list) else ()


class RecordAction(ABC):
    """Something that is done with one record; `name` is the last part of its address.

    `right` is the action in the words of rights (`metadata.access.ACTIONS` or administer) without
    which nobody can do it on any record, "" for none; the use case behind it judges the record.
    `scope` is the one an API key needs, where that is another.
    """

    name: ClassVar[str]
    summary: ClassVar[Sentence]
    right: ClassVar[str]
    scope: ClassVar[str] = ""
    keys: ClassVar[tuple[Key, ...]] = ()

    def is_for(self, definition: ObjectDefinition) -> bool:
        """Says whether records of an object have this action."""
        return True

    @abstractmethod
    def run(self, call: Call) -> Answer:
        """Does it and gives what the caller is answered. Raises what use cases raise."""

    def problems(self, body: Mapping[str, object]) -> list[Problem]:
        """Gives what is wrong with the values of a body whose keys are all known."""
        found = (key.problem(body.get(key.name)) for key in self.keys)
        return [problem for problem in found if problem is not None]


def shown(value: object) -> str:
    """Gives the part of a value that a message repeats."""
    return str(value)[:40]


@cache
def record_actions() -> Mapping[str, RecordAction]:
    """Gives every action by its name: this folder's and those that distributions add."""
    return load_kinds(
        __name__,
        RecordAction,  # type: ignore[type-abstract]  # only asked whether members are instances
        "ACTION",
        "trellis.record_actions",
    )
