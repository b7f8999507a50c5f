"""A schema in which one thing has another name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from rule_engine.check.mentions import Thing
from rule_engine.types import FieldType, Link, ObjectType, Option, Schema, Type


@dataclass(frozen=True, slots=True)
class _Option:
    value: str
    labels: Mapping[str, str]
    attributes: Mapping[str, tuple[Type, object]]


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    labels: Mapping[str, str]
    type: Type
    nullable: bool
    writable: bool
    options: Mapping[str, Option]
    target: str | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class _Link:
    name: str
    target: str
    field: str
    many: bool


@dataclass(frozen=True, slots=True)
class _Object:
    name: str
    labels: Mapping[str, str]
    fields: Mapping[str, FieldType]
    links: Mapping[str, Link]


@dataclass(frozen=True, slots=True)
class _Schema:
    behind: Schema
    objects: Mapping[str, ObjectType]

    def object(self, name: str) -> ObjectType | None:
        """Gives an object by name, else by an unambiguous label."""
        if (known := self.objects.get(name)) is not None:
            return known
        found = [one for one in self.objects.values() if name in one.labels.values()]
        return found[0] if len(found) == 1 else None


def rename_in_schema(schema: Schema, thing: Thing, new: str) -> Schema:
    """Gives the schema with another name for an object, a field, a link, an option."""
    if thing.sort not in ("object", "field", "link", "option"):
        return schema
    objects = [_rename_in_object(one, thing, new) for one in schema.objects.values()]
    return _Schema(schema, {one.name: one for one in objects})


def _rename_in_object(owner: ObjectType, thing: Thing, new: str) -> ObjectType:
    fields = [_rename_in_field(owner, one, thing, new) for one in owner.fields.values()]
    links = [_rename_in_link(owner, one, thing, new) for one in owner.links.values()]
    return _Object(
        _renamed(owner.name, thing, "object", "", new),
        owner.labels,
        {one.name: one for one in fields},
        {one.name: one for one in links},
    )


def _renamed(name: str, thing: Thing, sort: str, owner: str, new: str) -> str:
    return new if (thing.sort, thing.owner, thing.name) == (sort, owner, name) else name


def _rename_in_field(owner: ObjectType, field: FieldType, thing: Thing, new: str) -> FieldType:
    place = f"{owner.name}.{field.name}"

    def rename_option(value: str) -> str:
        return _renamed(value, thing, "option", place, new)

    def rename_target(name: str | None) -> str | None:
        return None if name is None else _renamed(name, thing, "object", "", new)

    kind = replace(field.type, target=rename_target(field.type.target))
    if kind.options is not None:
        kind = replace(kind, options=tuple(map(rename_option, kind.options)))
    options = {
        rename_option(value): _Option(rename_option(value), option.labels, option.attributes)
        for value, option in field.options.items()
    }
    return _Field(
        _renamed(field.name, thing, "field", owner.name, new),
        field.labels,
        kind,
        field.nullable,
        field.writable,
        options,
        rename_target(field.target),
        field.currency,
    )


def _rename_in_link(owner: ObjectType, link: Link, thing: Thing, new: str) -> Link:
    return _Link(
        _renamed(link.name, thing, "link", owner.name, new),
        _renamed(link.target, thing, "object", "", new),
        _renamed(link.field, thing, "field", link.target, new),
        link.many,
    )
