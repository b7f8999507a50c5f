"""Which control a keyword has: as its JSON Schema says, whatever type has the keyword."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypedDict

from metadata.json_text import mapping, sequence
from trellis.web.setup.controls import (
    MISSING,
    Automatic,
    Boxes,
    Choice,
    Control,
    Expression,
    Json,
    Line,
    Lines,
    Matrix,
    Number,
    Offers,
    Pairs,
    Schema,
    Select,
    Switch,
    Words,
    yes_or_no,
)
from trellis.web.setup.groups import EXTRA, Entry, Group, Rows
from trellis.web.setup.labels import AUTOMATIC, help_of, label_of, value_label


@dataclass(frozen=True, slots=True)
class Place:
    """A keyword with its value: `parent` is the form name of what it stands in."""

    parent: str
    keyword: str
    value: object
    offers: Offers

    @property
    def name(self) -> str:
        """Gives the name in the form."""
        return f"{self.parent}/{self.keyword}"


class Described(TypedDict):
    """What all controls have."""

    name: str
    label: str
    help: str
    before: object
    schema: Schema
    at: str


def make_control(place: Place, schema: Schema) -> Control:
    """Gives the control of a keyword."""
    described = Described(
        name=place.name,
        label=label_of(place.keyword),
        help=help_of(place.keyword, schema, place.name),
        before=place.value,
        schema=schema,
        at=f"{place.parent}/{schema['x-at']}" if "x-at" in schema else "",
    )
    match schema.get("type"):
        case "array":
            return of_array(place, schema, described)
        case "object":
            return of_object(place, schema, described)
        case "boolean" if place.keyword in AUTOMATIC:
            return Automatic(**described, choices=yes_or_no())
        case "boolean":
            return Switch(**described)
        case "integer" | "number":
            return Number(**described)
        case _:
            return of_text(place, schema, described)


def of_text(place: Place, schema: Schema, described: Described) -> Control:
    """Gives the control of a text: chosen where there are choices."""
    names = schema.get("x-names")
    if names == "expression":
        return Expression(**described)
    choices = None if "x-at" in schema else place.offers.named(names)
    if "enum" in schema:
        choices = tuple(
            Choice(str(one), value_label(place.keyword, str(one)))
            for one in sequence(schema["enum"])
        )
    if choices is not None:
        return Select(**described, choices=choices)
    if schema.get("type") != "string":
        return Json(**described)
    suggestions = place.offers.suggestions.get(place.keyword, ())
    return Line(**described, suggestions=suggestions)


def of_array(place: Place, schema: Schema, described: Described) -> Control:
    """Gives the control of a list."""
    items = mapping(schema.get("items"))
    choices = place.offers.named(items.get("x-names"))
    if choices is not None:
        return Boxes(**described, choices=choices)
    if items.get("type") == "string":
        suggestions = tuple(one.value for one in place.offers.fields)
        return Words(**described, suggestions=suggestions)
    if items.get("type") == "array":
        return Lines(**described)
    if items.get("type") == "object":
        return Rows(**described, make=row_maker(items, place.offers))
    return Json(**described)


def of_object(place: Place, schema: Schema, described: Described) -> Control:
    """Gives the control of an object: of known keys, of names, or of rows by name."""
    more = mapping(schema.get("additionalProperties"))
    members = mapping(more.get("items"))
    if more.get("type") == "array" and members.get("x-names") == "option":
        if schema.get("x-keys") == "option":
            return Matrix(**described, choices=place.offers.options)
        return Group(**described, parts=tuple(per_field(place)))
    if more.get("type") == "object":
        make = row_maker(more, place.offers)
        return Rows(**described, make=make, is_keyed=True)
    if more.get("type") == "string":
        return Pairs(**described)
    if "properties" in schema and all_described(schema):
        return Group(**described, parts=parts_of(place, schema))
    return Json(**described)


def per_field(place: Place) -> list[tuple[str, Control]]:
    """Gives a choice of options for each field that has some."""
    labels = {one.value: one.label for one in place.offers.fields}
    before = mapping(place.value)
    return [
        (
            name,
            Boxes(
                name=f"{place.name}/{name}",
                label=labels.get(name, name),
                before=before.get(name, MISSING),
                choices=options,
            ),
        )
        for name, options in place.offers.options_of.items()
    ]


def all_described(schema: Schema) -> bool:
    """Says whether every key of an object has a schema that tells its control."""
    return all(
        mapping(one).get("type") != "object" or "properties" not in mapping(one)
        for one in mapping(schema["properties"]).values()
    ) and all("minProperties" not in mapping(v) for v in mapping(schema["properties"]).values())


def parts_of(place: Place, schema: Schema) -> tuple[tuple[str, Control], ...]:
    """Gives the controls of an object's keys."""
    before = mapping(place.value)
    return tuple(
        (
            key,
            make_control(
                Place(place.name, key, before.get(key, MISSING), place.offers), mapping(described)
            ),
        )
        for key, described in mapping(schema["properties"]).items()
        if key != "renamed_from"
    )


def row_maker(schema: Schema, offers: Offers) -> Callable[[str, object], Group]:
    """Gives what makes the group of one row."""
    known = mapping(schema.get("properties"))

    def make(name: str, item: object) -> Group:
        parent, _, number = name.rpartition("/")
        place = Place(parent, number, item, offers)
        others = {k: v for k, v in mapping(item).items() if k not in known}
        extra = Pairs(
            name=f"{name}/{EXTRA}",
            label=label_of(EXTRA),
            help=help_of(EXTRA, {}),
            before=others or MISSING,
        )
        takes = isinstance(schema.get("additionalProperties"), Mapping)
        parts = parts_of(place, schema)
        return Entry(name=name, label="", before=item, parts=parts, extra=extra if takes else None)

    return make
