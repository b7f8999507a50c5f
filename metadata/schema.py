"""Objects as the rule language sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from metadata.fields.base import FieldDefinition
from metadata.fields.option import OptionDefinition
from metadata.links import Links, find_links
from metadata.objects import LinkDefinition, ObjectDefinition
from metadata.parse import parse_object
from metadata.problems import DefinitionError, Problem
from metadata.relations import complete_objects
from rule_engine.types import Schema, Type


@dataclass(frozen=True, slots=True)
class RuleField:
    """A rule_engine FieldType."""

    name: str
    labels: Mapping[str, str]
    type: Type
    nullable: bool
    writable: bool
    options: Mapping[str, OptionDefinition]
    target: str | None
    currency: str | None
    sealed: bool = False
    """Whether values are stored encrypted: conditions in SQL know only whether they are equal."""
    comparable: bool = True
    """Whether conditions in SQL know even that."""


@dataclass(frozen=True, slots=True)
class RuleObject:
    """A rule_engine ObjectType."""

    name: str
    labels: Mapping[str, str]
    fields: Mapping[str, RuleField]
    links: Mapping[str, LinkDefinition]


@dataclass(frozen=True, slots=True)
class RuleSchema:
    """A rule_engine Schema. `by_label` holds the labels that name one object only."""

    objects: Mapping[str, RuleObject]
    by_label: Mapping[str, str]

    def object(self, name: str) -> RuleObject | None:
        """Gives the object of an API name, else of an unambiguous label."""
        return self.objects.get(name) or self.objects.get(self.by_label.get(name, ""))


def rule_field(field: FieldDefinition) -> RuleField:
    """Gives a field as rules see it.

    Rules may fill read-only fields, which only people may not write. Whatever is required may
    still be empty in rows that are older than the demand.
    """
    return RuleField(
        name=field.name,
        labels=field.labels,
        type=field.type.rule_type(field),
        nullable=field.name not in {"id", "version", "created_at", "updated_at"},
        writable=not (field.computed or (field.system and field.name != "owner")),
        options={option.value: option for option in field.options},
        target=field.target,
        currency=field.text("currency"),
        sealed=field.type.is_sealed,
        comparable=not field.type.is_sealed or bool(field.type.unique_part),
    )


def make_schema(
    objects: Mapping[str, ObjectDefinition],
    links: Links,
    kept: Mapping[str, RuleObject] = MappingProxyType({}),
) -> RuleSchema:
    """Gives the schema of definitions and the ways back between them.

    `kept` are objects of an older schema that are the same in this one.
    """
    made = {
        name: kept.get(name)
        or RuleObject(
            name,
            definition.labels,
            {one.name: rule_field(one) for one in definition.fields.values() if not one.nested},
            links.get(name, {}),
        )
        for name, definition in objects.items()
    }
    return RuleSchema(made, unambiguous(objects))


def unambiguous(objects: Mapping[str, ObjectDefinition]) -> dict[str, str]:
    """Gives the object of each label that only one object has."""
    owners: dict[str, set[str]] = {}
    for name, definition in objects.items():
        for label in {*definition.labels.values(), *definition.plurals.values()}:
            owners.setdefault(label, set()).add(name)
    return {label: min(names) for label, names in owners.items() if len(names) == 1}


def schema_of(definitions: Mapping[str, Mapping[str, object]]) -> Schema:
    """Gives the schema of JSON definitions by object name; no database is needed.

    References may lead to objects that are not among the definitions. Raises DefinitionError.
    """
    objects: dict[str, ObjectDefinition] = {}
    problems: list[Problem] = []
    for name, document in definitions.items():
        definition, found = parse_object(name, document)
        problems.extend(Problem(f"/{name}{p.path}", p.code, p.values) for p in found)
        if definition is not None:
            objects[name] = definition
    objects = complete_objects(objects)
    links, found = find_links(objects)
    problems.extend(problem for problem in found if problem.code != "unknown_object")
    if problems:
        raise DefinitionError(problems)
    return make_schema(objects, links)
