"""Which computed fields have columns: those whose values stay right until something changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from metadata.computed.definitions import Key, computed_fields, read_computed
from metadata.computed.graph import Graph
from metadata.links import Links
from metadata.objects import ObjectDefinition
from metadata.schema import make_schema
from rule_engine.types import Schema

STORED = "stored"


def settle_storage(
    objects: Mapping[str, ObjectDefinition], links: Links
) -> dict[str, ObjectDefinition]:
    """Gives the objects with `virtual` settled for every computed field.

    A field is virtual when its definition says so, when it depends on time or people, when it
    looks at a virtual field and is not said to be stored, or when it cannot be resolved.
    """
    settled = dict(objects)
    if next(computed_fields(objects), None) is None:
        return settled
    virtual = virtual_fields(objects, make_schema(objects, links))
    for definition, field in computed_fields(objects):
        if field.virtual is not ((definition.name, field.name) in virtual):
            known = settled[definition.name]
            fields = {**known.fields, field.name: replace(field, virtual=not field.virtual)}
            settled[definition.name] = replace(known, fields=fields)
    return settled


def without_values(definition: ObjectDefinition) -> ObjectDefinition:
    """Gives an object out of use: nobody keeps its computed values right."""
    fields = {
        name: replace(field, virtual=True) if field.computed else field
        for name, field in definition.fields.items()
    }
    return replace(definition, fields=fields)


def virtual_fields(objects: Mapping[str, ObjectDefinition], schema: Schema) -> set[Key]:
    """Gives the computed fields without a column."""
    all_fields = {
        (definition.name, field.name): field for definition, field in computed_fields(objects)
    }
    resolved = read_computed(objects, schema)
    graph = Graph(resolved)
    found = {key for key, field in all_fields.items() if field.virtual}
    found |= all_fields.keys() - resolved.keys() | graph.volatile
    free = {key for key in resolved if all_fields[key].parameters.get(STORED) is not True}
    while more := {key for key in free - found if found & {*graph.sources(key)}}:
        found |= more
    return found
