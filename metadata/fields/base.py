"""The open family of field types, and the definitions of fields that members work on.

A member is one module in `metadata.fields.types` with one instance named TYPE. Values have the
Python forms of `rule_engine.types.Kind`; None is empty everywhere and never reaches a member,
except where a method says so.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from wtforms.fields.core import UnboundField

from metadata.fields.option import OptionDefinition
from rule_engine.columns import Kept
from rule_engine.types import Kind, RateTable, Type

UTC = ZoneInfo("UTC")
ENGLISH = "en"
FOLD: Final = "fold"
"""The part of a text in which it is compared: NFC, case-folded."""
BASE: Final = "base"
"""The part of an amount that is its worth in the base currency."""
INPUT_ATTRIBUTES: Final = {
    "minLength": "minlength",
    "maxLength": "maxlength",
    "minimum": "data-min",
    "maximum": "data-max",
}


class Refused(ValueError):  # noqa: N818  # what it says reads as a fact: the value was refused
    """A value that a field cannot take: the code of a message, and what fills it."""

    def __init__(self, code: str, **values: object) -> None:
        self.code = code
        self.values = values
        super().__init__(code)


def choose_label(labels: Mapping[str, str], language: str) -> str:
    """Gives the label in a language, else in English, else any; "" when there is none."""
    return labels.get(language) or labels.get(ENGLISH) or next(iter(labels.values()), "")


Check = Callable[[object], None]
Writer = Callable[[object], object]
"""Gives the JSON form of a value."""
JsonObject = Mapping[str, object]
Parameters = Mapping[str, JsonObject]
"""The JSON Schemas of `crm` keywords, by keyword."""
Titles = Mapping[str, str]
"""A title by language."""


@dataclass(frozen=True, slots=True)
class FieldDefinition:
    """A field of an object.

    `id` and `column` are fixed at creation (`column` is the physical name); `document` is the
    property as written, `parameters` its `crm` part, `limits` the standard keywords that judge
    values, and `checks` these compiled: each raises Refused for a value that breaks one.
    `default` is in wire form. `package` owns the field. `computed` tells formula, rollup and
    through fields, which nobody writes; a `virtual` one of these has no column.
    """

    id: str
    name: str
    type: FieldType
    column: str
    labels: Mapping[str, str]
    help: Mapping[str, str] = field(default_factory=dict)
    document: Mapping[str, object] = field(default_factory=dict)
    parameters: Mapping[str, object] = field(default_factory=dict)
    limits: Mapping[str, object] = field(default_factory=dict)
    checks: tuple[Check, ...] = field(default=(), compare=False, repr=False)
    required: bool = False
    read_only: bool = False
    computed: bool = False
    virtual: bool = False
    system: bool = False
    default: object = None
    options: tuple[OptionDefinition, ...] = ()
    transitions: Mapping[str, tuple[str, ...]] | None = None
    unique: bool = False
    index: bool = False
    track: bool = True
    sensitivity: str = "public"
    package: str = "local"
    retired: bool = False

    @property
    def writable(self) -> bool:
        """Says whether people may write the field at all, whatever their rights."""
        return not (self.read_only or self.computed or self.system or self.retired)

    @property
    def target(self) -> str | None:
        """Gives the object a reference leads to."""
        return self.type.target(self)

    @property
    def nested(self) -> bool:
        """Says whether the value stands in records of another object, not in columns."""
        return not self.type.parts

    def label(self, language: str = ENGLISH) -> str:
        """Gives the title in a language."""
        return choose_label(self.labels, language) or self.name

    def option(self, value: object) -> OptionDefinition | None:
        """Gives the option of an API value."""
        return next((option for option in self.options if option.value == value), None)

    def text(self, parameter: str) -> str | None:
        """Gives a textual `crm` parameter."""
        value = self.parameters.get(parameter)
        return value if isinstance(value, str) else None

    def number(self, parameter: str, default: int) -> int:
        """Gives an integer `crm` parameter."""
        value = self.parameters.get(parameter)
        return value if isinstance(value, int) else default


@dataclass(frozen=True, slots=True)
class FormSetting:
    """How a form is shown: to whom, in which language and zone; `attributes` go on the input."""

    language: str = ENGLISH
    zone: ZoneInfo = UTC
    attributes: Mapping[str, str | bool] = field(default_factory=dict)
    rows: type[Any] | None = None


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something wrong in a field's definition, at a JSON Pointer below the property."""

    pointer: str
    code: str
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sample:
    """A property of a field type with values; the contract test of types exercises each.

    `good` are pairs of what is given (wire form or text) and its wire form afterwards, `bad` is
    what the field refuses.
    """

    document: JsonObject
    good: tuple[tuple[object, object], ...] = ()
    bad: tuple[object, ...] = ()


class FieldType(ABC):
    """A kind of field: how its values are stored, read, shown, compared and described."""

    name: ClassVar[str]
    titles: ClassVar[Titles] = {}
    """What people call the type, by language; both `en` and `zh`."""
    icon: ClassVar[str] = "box"
    group: ClassVar[str] = "more"
    """Where the designer offers it: texts, numbers, dates, choices, relations or more."""
    samples: ClassVar[tuple[Sample, ...]] = ()
    json_types: ClassVar[tuple[str, ...]] = ("string",)
    """JSON types a property of this kind may have, the usual one first."""
    parts: ClassVar[tuple[str, ...]] = ("",)
    """Columns of a value: "" is the main one, `currency` is stored as `<column>$currency`.

    Empty for a type whose values stand elsewhere (rows of another object, lists of links).
    """
    sort_part: ClassVar[str] = ""
    """The part that gives the order of values."""
    filter_part: ClassVar[str | None] = None
    """The part that filters look at, where this is another one: it has an index of its own."""
    unique_part: ClassVar[str] = ""
    """The part that tells whether two values are the same."""
    is_searched: ClassVar[bool] = False
    """Whether records are found by a value although their object does not list the field."""
    is_write_only: ClassVar[bool] = False
    """Whether what is shown only says that there is a value, and cannot be sent back."""
    is_sealed: ClassVar[bool] = False
    """Whether values are stored encrypted: compared by equality only, never sorted."""
    operators: ClassVar[tuple[str, ...]] = ("=", "!=", "is empty")
    """What the filter builder offers, in words of the rule language."""
    cell: ClassVar[str] = "text"
    """The template macro that shows a value."""
    keywords: ClassVar[frozenset[str]] = frozenset()
    """Standard JSON Schema keywords that judge this type's values, besides enum and const."""
    parameters: ClassVar[Parameters] = {}
    """`crm` keywords of this type, each with the JSON Schema of its value."""
    has_options: ClassVar[bool] = False
    own_object: ClassVar[bool] = False
    """Whether a reference leads to the object that has the field, whatever its name."""
    is_tree: ClassVar[bool] = False
    """Whether records stand below one another, so that no chain of references may be a loop."""
    has_way_back: ClassVar[bool] = True
    """Whether a reference has a way back although its definition names none."""
    is_brief: ClassVar[bool] = True
    """Whether a value fits a table's cell; forms give others the whole width."""
    holds_files: ClassVar[bool] = False
    """Whether values are files that were uploaded before."""
    is_automatic: ClassVar[bool] = False
    """Whether the product itself gives every record a value of its own, when it is created."""
    is_offered: ClassVar[bool] = True
    """Whether definitions may name the type; others are for system fields."""
    input: ClassVar[type[Any]]
    """The form's input: a `fields.inputs.WireField`."""
    wire_schema: ClassVar[JsonObject] = {"type": "string"}
    """The JSON Schema of the wire form, where it is the same for all fields of the type."""
    kind: ClassVar[Kind] = Kind.TEXT
    takes_any_value: ClassVar[bool] = False
    """Whether each value of the kind is one of the type, so that a formula may give it. Without,
    a computed field only takes over what fields of the type hold. Not inherited."""
    conversions: ClassVar[frozenset[str]] = frozenset()
    """Names of the field types that values convert to; types without a name here are refused."""
    widens: ClassVar[frozenset[str]] = frozenset()
    """Names of the field types that take all values as they stand: nothing is converted."""
    encryptable: ClassVar[bool] = False
    """Whether a definition may keep the values encrypted."""
    default_sensitivity: ClassVar[str] = "public"
    """How sensitive a field is whose definition does not say."""

    def __init_subclass__(cls) -> None:
        if "takes_any_value" not in vars(cls):
            cls.takes_any_value = False

    def columns(self, field: FieldDefinition, physical: str) -> list[sa.Column[Any]]:
        """Gives one column per part, without index, unique or foreign key."""
        stored = {"": self.storage(field)}
        return [
            sa.Column(physical_name(physical, part), stored.get(part, sa.Text()))
            for part in self.parts
        ]

    def storage(self, field: FieldDefinition) -> sa.types.TypeEngine[Any]:
        """Gives the type of the main column; other parts are text."""
        return sa.Text()

    def kept_form(self, field: FieldDefinition) -> Kept:
        """Gives how the columns keep what is computed."""
        return Kept(self.storage(field), folds="fold" in self.parts)

    def to_parts(self, value: object, field: FieldDefinition) -> dict[str, object]:
        """Gives the columns' values by part; `value` may be None."""
        return {"": value} if self.parts else {}

    def rated_parts(self, value: object, rates: RateTable) -> dict[str, object]:
        """Gives the parts that depend on exchange rates; `value` may be None."""
        return {}

    def from_parts(self, parts: Mapping[str, object], field: FieldDefinition) -> object:
        """Gives the value, or None, from the columns' values by part."""
        return parts.get("")

    @abstractmethod
    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads a JSON value, CSV text or a value in its Python form; blank gives None.

        `zone` is where an instant without an offset belongs. Raises Refused.
        """

    def to_wire(self, value: object, field: FieldDefinition) -> object:
        """Gives the JSON form of a value."""
        return value

    def writer(self, field: FieldDefinition) -> Writer | None:
        """Gives what makes the JSON form of many values of one field, none of them empty; None
        where they are JSON already."""
        if type(self).to_wire is FieldType.to_wire:
            return None
        return partial(self.to_wire, field=field)

    def from_wire(self, wire: object, field: FieldDefinition) -> object:
        """Gives a value out of what `to_wire` gave of one before, as history keeps it."""
        return self.coerce(wire, field)

    def to_text(
        self, value: object, field: FieldDefinition, language: str = ENGLISH, zone: ZoneInfo = UTC
    ) -> str:
        """Gives what a form's input shows for a value."""
        return str(self.to_wire(value, field))

    def export(self, value: object, field: FieldDefinition) -> str:
        """Gives the text of a value in a CSV file, which `coerce` reads back."""
        wire = self.to_wire(value, field)
        return wire if isinstance(wire, str) else json.dumps(wire, ensure_ascii=False)

    def display(
        self, value: object, field: FieldDefinition, language: str = ENGLISH, zone: ZoneInfo = UTC
    ) -> str:
        """Gives what people read where there is room for one line of plain text."""
        return self.to_text(value, field, language, zone)

    def convert(
        self, value: object, field: FieldDefinition, after: FieldDefinition, zone: ZoneInfo = UTC
    ) -> object:
        """Gives a value of `field` as one of `after`, whose type is among `conversions`.

        The limits of `after` are not asked. Raises Refused for a value that does not convert.
        """
        return after.type.read_text(self.plain(value, field), after, zone)

    def plain(self, value: object, field: FieldDefinition) -> str:
        """Gives a value as plain text without a language: what it converts to text as."""
        return self.export(value, field)

    def read_text(self, text: str, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads a text as people write it, which conversions offer; more lenient than `coerce`."""
        return self.coerce(text, field, zone)

    def form_field(self, field: FieldDefinition, setting: FormSetting) -> UnboundField[Any]:
        """Gives the WTForms field, not yet bound to a form."""
        return UnboundField(self.input, field, setting)

    def input_attributes(self, field: FieldDefinition) -> dict[str, str | bool]:
        """Gives the HTML attributes of the input that follow from the definition's limits."""
        return {
            attribute: str(field.limits[keyword])
            for keyword, attribute in INPUT_ATTRIBUTES.items()
            if keyword in field.limits
        }

    def rule_type(self, field: FieldDefinition) -> Type:
        """Gives the type that expressions see."""
        return Type(self.kind)

    def target(self, field: FieldDefinition) -> str | None:
        """Gives the object a reference leads to; None for all other types."""
        return None

    def targets(self, field: FieldDefinition) -> tuple[str, ...]:
        """Gives the objects whose records a value may be the id of."""
        target = self.target(field)
        return () if target is None else (target,)

    def target_of(self, value: object, field: FieldDefinition) -> str:
        """Gives the object whose record a reference's value leads to."""
        return self.target(field) or ""

    def pointing_at(self, target: str, record_id: str, field: FieldDefinition) -> object:
        """Gives the value of a reference that leads to a record of `target`."""
        return record_id

    def neighbours(self, field: FieldDefinition) -> Mapping[str, str]:
        """Gives the fields of the same object that values depend on, by the JSON Pointer below
        the property that names each."""
        return {}

    def in_record(
        self, value: object, field: FieldDefinition, record: Mapping[str, object], *, given: bool
    ) -> object:
        """Gives a value as it stands in a whole record. Raises Refused where it does not fit.

        `given` says that this save brings the value; one that was there follows its neighbours.
        """
        return value

    def draw(self, field: FieldDefinition, day: date, following: Callable[[str], int]) -> object:
        """Gives a new record its value, where the type is automatic.

        `following` draws the next number of a period, which the type names.
        """
        return None

    def counted(self, value: object, field: FieldDefinition) -> tuple[str, int] | None:
        """Gives the period and number of a value that `draw` might have given."""
        return None

    def json_schema(self, field: FieldDefinition) -> dict[str, object]:
        """Gives the JSON Schema of the wire form, without the definition's limits."""
        return dict(self.wire_schema)

    def flaws(self, field: FieldDefinition) -> Iterator[Flaw]:
        """Gives what is wrong in a definition beyond what `parameters` can say."""
        yield from ()


def physical_name(column: str, part: str) -> str:
    """Gives the name of a part's column."""
    return f"{column}${part}" if part else column
