"""Objects: from a JSON Schema with `crm` keywords to an immutable definition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from metadata.duplicates.definitions import DuplicateRule
from metadata.exclusions import Exclusion
from metadata.fields.base import ENGLISH, FieldDefinition, choose_label
from metadata.json_text import mapping
from metadata.record_types import RecordType

__all__ = ["FieldDefinition", "LinkDefinition", "ObjectDefinition"]


@dataclass(frozen=True, slots=True)
class LinkDefinition:
    """A way back: the records of `target` whose reference `field` points at the object.

    `nested` names the field of the object whose value these records are; `beyond`, when they are
    links, their reference to the record that is linked.
    """

    name: str
    target: str
    field: str
    labels: Mapping[str, str]
    on_delete: str = "restrict"
    many: bool = True
    nested: str | None = None
    beyond: str | None = None

    def label(self, language: str = ENGLISH) -> str:
        """Gives the title of a related list."""
        return choose_label(self.labels, language) or self.name


@dataclass(frozen=True, slots=True)
class LinkSides:
    """What the records of a link object stand between.

    `here` is their reference to the record of `object`, whose field `field` lists them; `there`
    the one to the record of `target` that it is linked with, `reverse` the way back from it.
    `titles` are those of the field, `plurals` those of the way back.
    """

    object: str
    field: str
    here: str
    target: str
    there: str
    reverse: str
    titles: Mapping[str, str]
    plurals: Mapping[str, str]


@dataclass(frozen=True)  # without slots: what follows from it is made when first asked for
class ObjectDefinition:
    """An object with its fields.

    `fields` holds what is in use, in the order of the definition, the system fields last;
    `retired_fields` what was taken out of use and still has its column. `owner` says whether
    records belong to somebody; `unique` lists groups of fields that identify a record;
    `exclusions` what no two records may share; `duplicates` when two may be one and the same;
    records of an append-only object are never changed or deleted. `link_of` is there for what a
    many_to_many field makes. `document` is the definition as written.
    """

    id: str
    name: str
    labels: Mapping[str, str]
    plurals: Mapping[str, str]
    fields: Mapping[str, FieldDefinition]
    name_field: str
    retired_fields: Mapping[str, FieldDefinition] = field(default_factory=dict)
    document: Mapping[str, object] = field(default_factory=dict)
    icon: str = "box"
    hue: str | None = None
    owner: bool = True
    activities: bool = False
    search: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    record_types: tuple[RecordType, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    duplicates: tuple[DuplicateRule, ...] = ()
    append_only: bool = False
    link_of: LinkSides | None = None
    package: str = "local"
    retired: bool = False

    def label(self, language: str = ENGLISH) -> str:
        """Gives the title of one record's kind."""
        return choose_label(self.labels, language) or self.name

    def plural(self, language: str = ENGLISH) -> str:
        """Gives the title of many records."""
        return choose_label(self.plurals, language) or self.label(language)

    @cached_property
    def own_fields(self) -> tuple[FieldDefinition, ...]:
        """Gives the fields in use that are not system fields, in the definition's order."""
        return tuple(field for field in self.fields.values() if not field.system)

    @cached_property
    def nested_fields(self) -> tuple[FieldDefinition, ...]:
        """Gives the fields whose values stand in records of other objects."""
        return tuple(field for field in self.own_fields if field.nested)

    @cached_property
    def tree_fields(self) -> tuple[FieldDefinition, ...]:
        """Gives the fields by which records stand below one another."""
        return tuple(field for field in self.own_fields if field.type.is_tree)

    @cached_property
    def file_fields(self) -> tuple[FieldDefinition, ...]:
        """Gives the fields that hold files."""
        return tuple(field for field in self.own_fields if field.type.holds_files)

    @cached_property
    def automatic_fields(self) -> tuple[FieldDefinition, ...]:
        """Gives the fields whose values the product draws, in the order of their ids."""
        found = (field for field in self.own_fields if field.type.is_automatic)
        return tuple(sorted(found, key=lambda field: field.id))

    @cached_property
    def pointing_fields(self) -> tuple[FieldDefinition, ...]:
        """Gives the fields that lead to a record of an object, or of one among several."""
        return tuple(field for field in self.fields.values() if field.type.targets(field))

    @cached_property
    def dependent_fields(self) -> tuple[FieldDefinition, ...]:
        """Gives the fields whose values depend on other fields of the record."""
        own = (field for field in self.own_fields if not field.computed)
        return tuple(field for field in own if field.type.neighbours(field))

    @cached_property
    def tracked_fields(self) -> frozenset[str]:
        """Gives the names of the fields whose changes history keeps: owner and deletion always."""
        keeps = self.parameters.get("track") != "none"
        known = self.fields.values()
        return frozenset(one.name for one in known if one.system or (one.track and keeps))

    def origins(self, field: FieldDefinition) -> set[str]:
        """Gives the ids under which values of a field were kept: conversions gave it new ones."""
        found, pending = {field.id}, [field]
        while pending:
            one = pending.pop()
            related = [
                other
                for other in self.retired_fields.values()
                if other.id not in found
                if other.id == one.text("converted_from") or other.text("converted_from") == one.id
            ]
            found.update(other.id for other in related)
            pending.extend(related)
        return found

    @cached_property
    def parameters(self) -> Mapping[str, object]:
        """Gives the object's `crm` part."""
        return mapping(self.document.get("crm"))

    @cached_property
    def references(self) -> tuple[FieldDefinition, ...]:
        """Gives the fields that lead to another record, system fields included."""
        return tuple(field for field in self.fields.values() if field.target is not None)
