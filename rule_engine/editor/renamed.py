"""A schema in which some things have other names."""

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


def rename_in_schema(schema: Schema, renames: Mapping[Thing, str]) -> Schema:
    """Gives the schema with other names for objects, fields, links and options."""
    objects = [_rename_in_object(one, renames) for one in schema.objects.values()]
    return _Schema(schema, {one.name: one for one in objects})


def _rename_in_object(owner: ObjectType, renames: Mapping[Thing, str]) -> ObjectType:
    fields = [_rename_in_field(owner, one, renames) for one in owner.fields.values()]
    links = [_rename_in_link(owner, one, renames) for one in owner.links.values()]
    return _Object(
        renames.get(Thing("object", "", owner.name), owner.name),
        owner.labels,
        {one.name: one for one in fields},
        {one.name: one for one in links},
    )


def _rename_in_field(
    owner: ObjectType, field: FieldType, renames: Mapping[Thing, str]
) -> FieldType:
    place = f"{owner.name}.{field.name}"

    def rename_option(value: str) -> str:
        return renames.get(Thing("option", place, value), value)

    def rename_target(name: str | None) -> str | None:
        return None if name is None else renames.get(Thing("object", "", name), name)

    kind = replace(field.type, target=rename_target(field.type.target))
    if kind.options is not None:
        kind = replace(kind, options=tuple(map(rename_option, kind.options)))
    options = {
        rename_option(value): _Option(rename_option(value), option.labels, option.attributes)
        for value, option in field.options.items()
    }
    return _Field(
        renames.get(Thing("field", owner.name, field.name), field.name),
        field.labels,
        kind,
        field.nullable,
        field.writable,
        options,
        rename_target(field.target),
        field.currency,
    )


def _rename_in_link(owner: ObjectType, link: Link, renames: Mapping[Thing, str]) -> Link:
    return _Link(
        renames.get(Thing("link", owner.name, link.name), link.name),
        renames.get(Thing("object", "", link.target), link.target),
        renames.get(Thing("field", link.target, link.field), link.field),
        link.many,
    )
