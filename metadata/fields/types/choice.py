"""One value out of a list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

from metadata.fields.base import (
    ENGLISH,
    UTC,
    FieldDefinition,
    FieldType,
    Parameters,
    Refused,
    Sample,
    Titles,
    choose_label,
)
from metadata.fields.inputs import ChoiceField, WireField
from metadata.fields.numbers import shown
from metadata.fields.options import HUES
from metadata.fields.texts import folded
from metadata.json_text import nearest
from rule_engine.types import Kind, Type

CONDITION: Final = {
    "type": "string",
    "minLength": 1,
    "maxLength": 16384,
    "x-names": "expression",
}
PLAIN_OPTION: Final[Mapping[str, Mapping[str, object]]] = {
    "title": {
        "type": "string",
        "minLength": 1,
        "maxLength": 100,
        "description": "What people read",
    },
    "hue": {"enum": list(HUES), "description": "The colour"},
    "category": {
        "type": "string",
        "pattern": "^[a-z][a-z0-9_]{0,39}$",
        "description": "What reports and boards count it as: open, won, lost, or a word of yours",
    },
    "retired": {
        "type": "boolean",
        "description": "Offered no more; records that have it keep it",
    },
    "renamed_from": {"type": "string", "description": "The API value it had until now"},
    "replaced_by": {
        "type": "string",
        "x-names": "option",
        "description": "The option that takes the place of this retired one",
    },
    "when": {
        **CONDITION,
        "description": "Expression of the rule language: the option is offered while it holds",
    },
}
EXIT: Final[Mapping[str, object]] = {
    "type": "object",
    "description": "What a record needs before people move it on to a later option that is not "
    "of the category lost",
    "properties": {
        "requires": {
            "type": "array",
            "items": {"type": "string", "x-names": "field"},
            "uniqueItems": True,
            "description": "Fields that must be filled",
        },
        "when": {**CONDITION, "description": "A condition that must hold"},
        "message": {
            "type": "string",
            "minLength": 1,
            "maxLength": 500,
            "description": "What people are told when it does not hold",
        },
    },
    "additionalProperties": False,
    "minProperties": 1,
}
OPTION: Final[Mapping[str, object]] = {
    "type": "object",
    "properties": PLAIN_OPTION,
    "additionalProperties": {"type": ["string", "number", "boolean"]},
}
REPLACED_OPTIONS: Final[Mapping[str, object]] = {
    "type": "object",
    "description": "The options that take the place of removed ones, by these",
    "additionalProperties": {"type": "string", "x-names": "option"},
}
OPTIONS: Final = (
    "By API value: `title`, `hue`, `category`, `when`, `exit` and so on; other keys are values "
    "that rules read, as in `stage.probability`"
)
STAGE: Final[Mapping[str, object]] = {**OPTION, "properties": {**PLAIN_OPTION, "exit": EXIT}}


class Choice(FieldType):
    """An API value among the field's options, exactly as written."""

    name = "choice"
    takes_any_value = True
    titles: ClassVar[Titles] = {"en": "Choice", "zh": "单选"}
    icon = "circle-chevron-down"
    group = "choices"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample(
            {
                "type": "string",
                "enum": ["new", "won", "lost"],
                "crm": {"options": {"won": {"title": "Won", "hue": "green", "category": "won"}}},
            },
            (("won", "won"), (" lost ", "lost")),
            ("Won", "open", 5, True),
        ),
    )
    conversions: ClassVar[frozenset[str]] = frozenset({"multi_choice", "tags", "text", "long_text"})
    input: ClassVar[type[WireField]] = ChoiceField
    kind = Kind.CHOICE
    operators: ClassVar[tuple[str, ...]] = ("=", "!=", "in", "not in", "is empty", "is not empty")
    cell = "choice"
    has_options = True
    parameters: ClassVar[Parameters] = {
        "options": {
            "type": "object",
            "description": OPTIONS,
            "additionalProperties": STAGE,
        },
        "replaced_options": REPLACED_OPTIONS,
        "transitions": {
            "type": "object",
            "description": "By option: the options that people may change it to; without this "
            "keyword they may change it to any",
            "x-keys": "option",
            "additionalProperties": {
                "type": "array",
                "items": {"type": "string", "x-names": "option"},
            },
        },
    }

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads an API value."""
        return read_option_value(wire, field)

    def read_text(self, text: str, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads an API value or a label, in any case."""
        return read_option_value(named_option(text, field), field)

    def to_text(
        self, value: object, field: FieldDefinition, language: str = ENGLISH, zone: ZoneInfo = UTC
    ) -> str:
        """Gives the option's label."""
        option = field.option(value)
        return choose_label(option.labels, language) if option else str(value)

    def rule_type(self, field: FieldDefinition) -> Type:
        """Gives the type with the API values."""
        return Type(self.kind, options=tuple(option.value for option in field.options))

    def json_schema(self, field: FieldDefinition) -> dict[str, object]:
        """Gives the schema with the options."""
        return {"type": "string", "enum": [option.value for option in field.options]}


def named_option(text: str, field: FieldDefinition) -> str:
    """Gives the API value of the option with this value or label, in any case; else the text."""
    wanted = folded(text.strip())
    for option in field.options:
        if wanted in map(folded, (option.value, *option.labels.values())):
            return option.value
    return text


def read_option_value(wire: object, field: FieldDefinition) -> str | None:
    """Gives an option's API value; blank is None. Raises Refused, naming the nearest one."""
    value = wire.strip() if isinstance(wire, str) else wire
    if value == "":
        return None
    known = [option.value for option in field.options]
    if not isinstance(value, str) or value not in known:
        hint = nearest(str(value), known)
        ordered = [hint, *(name for name in known if name != hint)] if hint else known
        raise Refused("not_option", value=shown(value), known=ordered)
    return value


TYPE = Choice()
