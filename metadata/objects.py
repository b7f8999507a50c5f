"""Objects: from a JSON Schema with `crm` keywords to an immutable definition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from metadata.fields.base import (
    ENGLISH,
    FieldDefinition,
    OptionDefinition,
    choose_label,
)
from metadata.json_text import mapping

__all__ = ["FieldDefinition", "LinkDefinition", "ObjectDefinition", "OptionDefinition"]


@dataclass(frozen=True, slots=True)
class LinkDefinition:
    """A way back: the records of `target` whose reference `field` points at the object."""

    name: str
    target: str
    field: str
    labels: Mapping[str, str]
    on_delete: str = "restrict"
    many: bool = True

    def label(self, language: str = ENGLISH) -> str:
        """Gives the title of a related list."""
        return choose_label(self.labels, language) or self.name


@dataclass(frozen=True, slots=True)
class ObjectDefinition:
    """An object with its fields.

    `fields` holds what is in use, in the order of the definition, the system fields last;
    `retired_fields` what was taken out of use and still has its column. `owner` says whether
    records belong to somebody; `unique` lists groups of fields that identify a record; `document`
    is the definition as written.
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
    package: str = "local"
    retired: bool = False

    def label(self, language: str = ENGLISH) -> str:
        """Gives the title of one record's kind."""
        return choose_label(self.labels, language) or self.name

    def plural(self, language: str = ENGLISH) -> str:
        """Gives the title of many records."""
        return choose_label(self.plurals, language) or self.label(language)

    @property
    def own_fields(self) -> Iterator[FieldDefinition]:
        """Gives the fields in use that are not system fields, in the definition's order."""
        return (field for field in self.fields.values() if not field.system)

    @property
    def parameters(self) -> Mapping[str, object]:
        """Gives the object's `crm` part."""
        return mapping(self.document.get("crm"))

    @property
    def references(self) -> Iterator[FieldDefinition]:
        """Gives the fields that lead to another record, system fields included."""
        return (field for field in self.fields.values() if field.target is not None)
