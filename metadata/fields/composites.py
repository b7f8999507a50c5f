"""Values of several members that read as one text: addresses, names of people, places on earth."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from metadata.fields.base import (
    ENGLISH,
    UTC,
    FieldDefinition,
    FieldType,
    Refused,
    choose_label,
    physical_name,
)
from metadata.fields.numbers import shown
from metadata.fields.texts import clean_line, folded
from metadata.json_text import read_json

MAX_MEMBER_LENGTH = 255
TEXT_OPERATORS = (
    *("=", "!=", "contains", "starts with", "ends with"),
    *("is empty", "is not empty"),
)


class Composite(str):
    """The text people read, which rules and filters see, with the members it is made of."""

    __slots__ = ("members",)
    members: Mapping[str, object]

    def __new__(cls, text: str, members: Mapping[str, object]) -> Self:
        """Makes the text with its members."""
        made = super().__new__(cls, text)
        made.members = dict(members)
        return made

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Composite):
            return str(self) == str(other) and self.members == other.members
        return str(self) == other

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(str(self))

    def __getnewargs__(self) -> tuple[str, Mapping[str, object]]:  # type: ignore[override]
        return str(self), self.members


@dataclass(frozen=True, slots=True)
class Member:
    """One part of a composite: an input of its own on a form.

    `rows` above 1 asks for several lines; `is_wide` for the whole width of the group.
    `offers` gives what there is to choose from in a language.
    """

    name: str
    labels: Mapping[str, str]
    rows: int = 1
    is_wide: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)
    offers: Callable[[str], Mapping[str, str]] | None = None

    def label(self, language: str) -> str:
        """Gives the word beside the input."""
        return choose_label(self.labels, language)


class CompositeType(FieldType):
    """A type whose values have members; each member is stored in a part of its own.

    The main column holds the text people read, so that filter, search, order and rules work on
    it. Members are texts unless the type says otherwise.
    """

    members: ClassVar[tuple[Member, ...]]
    operators: ClassVar[tuple[str, ...]] = TEXT_OPERATORS
    json_types: ClassVar[tuple[str, ...]] = ("object", "string")
    sort_part = "fold"
    is_brief: ClassVar[bool] = False
    conversions: ClassVar[frozenset[str]] = frozenset({"text", "long_text"})
    default_sensitivity = "personal"

    @abstractmethod
    def compose(self, members: Mapping[str, object]) -> str:
        """Gives the text people read."""

    @abstractmethod
    def parse(self, text: str) -> Mapping[str, object]:
        """Gives the members of a text as people write it. Raises Refused."""

    def inputs(self, language: str) -> tuple[Member, ...]:
        """Gives the members in the order in which a form asks for them."""
        return self.members

    def read_member(self, name: str, given: object) -> object:
        """Gives a member from its wire form; blank is None. Raises Refused."""
        text = clean_line(given)
        if text is not None and len(text) > MAX_MEMBER_LENGTH:
            raise Refused("max_length", limit=MAX_MEMBER_LENGTH, length=len(text))
        return text

    def write_member(self, name: str, member: object) -> object:
        """Gives a member's wire form."""
        return member

    def show_member(self, name: str, member: object, language: str) -> str:
        """Gives what the input of a member shows."""
        return str(member)

    def store_member(self, name: str, member: object) -> object:
        """Gives what a member's column holds."""
        return member

    def load_member(self, name: str, stored: object) -> object:
        """Gives a member from its column."""
        return stored

    def member_storage(self, name: str) -> sa.types.TypeEngine[Any]:
        """Gives the type of a member's column."""
        return sa.Text()

    def columns(self, field: FieldDefinition, physical: str) -> list[sa.Column[Any]]:
        """Gives the columns of the text, its folded form and each member."""
        names = [member.name for member in self.members]
        return [
            sa.Column(
                physical_name(physical, part),
                self.member_storage(part) if part in names else sa.Text(),
            )
            for part in self.parts
        ]

    def to_parts(self, value: object, field: FieldDefinition) -> dict[str, object]:
        """Gives the text, its folded form and the members."""
        members = value.members if isinstance(value, Composite) else {}
        parts = {"": None if value is None else str(value), "fold": folded(value)}
        for member in self.members:
            given = members.get(member.name)
            parts[member.name] = None if given is None else self.store_member(member.name, given)  # type: ignore[assignment]
        return {part: parts[part] for part in self.parts}

    def from_parts(self, parts: Mapping[str, object], field: FieldDefinition) -> object:
        """Gives the text with its members."""
        if parts[""] is None:
            return None
        members = {
            member.name: self.load_member(member.name, parts[member.name])
            for member in self.members
            if parts.get(member.name) is not None
        }
        return Composite(str(parts[""]), members)

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads an object with members, the same as JSON text, or a text people write."""
        if isinstance(wire, Composite):
            return self.make(wire.members)
        if isinstance(wire, str):
            text = wire.strip()
            wire = self.read_object(text) if text.startswith("{") else self.parse(text)
        if not isinstance(wire, Mapping):
            raise Refused("members_expected", known=[member.name for member in self.members])
        return self.make(wire)

    def read_object(self, text: str) -> object:
        """Gives the object that a JSON text writes."""
        found, problems = read_json(text)
        if problems:
            raise Refused(problems[0].code, **problems[0].values)
        return found

    def make(self, given: Mapping[str, object]) -> Composite | None:
        """Gives the value of members in wire form; without any it is empty. Raises Refused."""
        known = [member.name for member in self.members]
        unknown = [name for name in given if name not in known]
        if unknown:
            raise Refused("unknown_member", name=shown(unknown[0]), known=known)
        members = {name: value for name, value in self.read_members(given, known)}
        return Composite(self.compose(members), members) if members else None

    def read_members(
        self, given: Mapping[str, object], known: list[str]
    ) -> Iterator[tuple[str, object]]:
        """Gives the members that are not blank, in their order."""
        for name in known:
            if given.get(name) is not None:
                value = self.read_member(name, given[name])
                if value is not None:
                    yield name, value

    def to_wire(self, value: object, field: FieldDefinition) -> object:
        """Gives the members; what is shown of a masked value stays a text."""
        if not isinstance(value, Composite):
            return value
        return {name: self.write_member(name, member) for name, member in value.members.items()}

    def to_text(
        self, value: object, field: FieldDefinition, language: str = ENGLISH, zone: ZoneInfo = UTC
    ) -> str:
        """Gives the text people read."""
        return str(value)

    def export(self, value: object, field: FieldDefinition) -> str:
        """Gives the text people read where it says everything, else the members as JSON."""
        text = str(value)
        try:
            if isinstance(value, Composite) and self.coerce(text, field) == value:
                return text
        except Refused:
            pass
        return json.dumps(self.to_wire(value, field), ensure_ascii=False)

    def plain(self, value: object, field: FieldDefinition) -> str:
        """Gives the text people read."""
        return str(value)

    def json_schema(self, field: FieldDefinition) -> dict[str, object]:
        """Gives the schema of the object."""
        return {
            "type": "object",
            "properties": {member.name: self.member_schema(member.name) for member in self.members},
            "additionalProperties": False,
        }

    def member_schema(self, name: str) -> Mapping[str, object]:
        """Gives the JSON Schema of a member's wire form."""
        return {"type": "string", "maxLength": MAX_MEMBER_LENGTH}
