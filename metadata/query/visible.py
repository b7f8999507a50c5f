"""The schema as one principal sees it: what she may not read does not exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from metadata.access import Access, Principal
from rule_engine.types import FieldType, Link, ObjectType, Schema


@dataclass(frozen=True, slots=True)
class VisibleObject:
    """An object without the fields and the ways back that are hidden."""

    name: str
    labels: Mapping[str, str]
    fields: Mapping[str, FieldType]
    links: Mapping[str, Link]


class VisibleObjects(Mapping[str, ObjectType]):
    """The objects that exist for a principal, restricted when first asked for."""

    def __init__(self, schema: Schema, principal: Principal) -> None:
        self._schema = schema
        self._principal = principal
        self._made: dict[str, VisibleObject] = {}

    def __getitem__(self, name: str) -> ObjectType:
        made = self._made.get(name)
        if made is None:
            made = self._made[name] = self._restrict(self._schema.objects[name])
        return made

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._schema.objects if self._access(name).exists)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _access(self, name: str) -> Access:
        return self._principal.access(name)

    def _restrict(self, whole: ObjectType) -> VisibleObject:
        access = self._access(whole.name)
        if not access.exists:
            raise KeyError(whole.name)
        fields = {name: field for name, field in whole.fields.items() if access.reads(name)}
        links = {name: link for name, link in whole.links.items() if self._follows(link)}
        return VisibleObject(whole.name, whole.labels, fields, links)

    def _follows(self, link: Link) -> bool:
        access = self._access(link.target)
        return access.exists and access.reads(link.field)


class VisibleSchema:
    """A rule_engine Schema that answers for hidden things exactly as for unknown ones."""

    def __init__(self, schema: Schema, principal: Principal) -> None:
        self._objects = VisibleObjects(schema, principal)

    @property
    def objects(self) -> Mapping[str, ObjectType]:
        """Gives the objects that exist for the principal."""
        return self._objects

    def object(self, name: str) -> ObjectType | None:
        """Gives the object of an API name, else of a label that only one visible object bears."""
        if name in self._objects:
            return self._objects[name]
        labelled = [found for found in self._objects.values() if name in found.labels.values()]
        return labelled[0] if len(labelled) == 1 else None


def visible_schema(schema: Schema, principal: Principal) -> Schema:
    """Gives the part of a schema that exists for a principal."""
    return schema if principal.unrestricted else VisibleSchema(schema, principal)
