"""What is wrong with an object's rules of duplicates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from metadata.catalog import Catalog
from metadata.checks.conditions import sql_problems, this_problems
from metadata.duplicates.definitions import DuplicateRule
from metadata.duplicates.weights import certainty, most_bits
from metadata.json_text import mapping, sequence, text
from metadata.objects import FieldDefinition, ObjectDefinition
from metadata.parse import unknown_field
from metadata.problems import Problem
from metadata.system_fields import SYSTEM_FIELDS

INCOMPARABLE: Final = frozenset(
    [
        "secret",
        "json",
        "file",
        "files",
        "image",
        "signature",
        "rich_text",
        "markdown",
        "any_reference",
        "geo_point",
        "color",
    ]
)
"""Types whose values tell nothing about what a record stands for."""


def duplicate_problems(definition: ObjectDefinition, catalog: Catalog) -> Iterator[Problem]:
    """Gives everything that is wrong with the rules, in their order."""
    names: set[str] = set()
    for index, rule in enumerate(definition.duplicates):
        if rule.name in names:
            yield Problem(f"{rule.place}/name", "duplicates_twice", {"name": rule.name})
        names.add(rule.name)
        found = [*match_problems(definition, rule, index), *key_problems(definition, rule)]
        yield from found
        if not found:
            yield from reach_problems(rule)
        if rule.when is not None:
            place = f"{rule.place}/when"
            flaws = list(sql_problems(rule.when, definition.name, definition.name, place, catalog))
            yield from flaws or this_problems(rule.when, definition.name, place, catalog)


def match_problems(
    definition: ObjectDefinition, rule: DuplicateRule, index: int
) -> Iterator[Problem]:
    """Finds fields that do not exist, that cannot be compared, or that are compared twice."""
    seen: set[str] = set()
    described = mapping(sequence(definition.parameters.get("duplicates"))[index])
    for number, one in enumerate(sequence(described.get("match"))):
        place, name = f"{rule.place}/match/{number}/field", text(mapping(one).get("field")) or ""
        field = definition.fields.get(name)
        if field is None:
            yield unknown_field(place, name, definition)
        elif not is_comparable(field):
            yield Problem(place, "duplicates_field", {"field": name, "type": field.type.name})
        elif name in seen:
            yield Problem(place, "duplicates_again", {"field": name})
        seen.add(name)


def is_comparable(field: FieldDefinition) -> bool:
    """Says whether a field's values can tell that two records are one."""
    if field.computed or field.nested or field.name in SYSTEM_FIELDS:
        return False
    return field.type.name not in INCOMPARABLE


def key_problems(definition: ObjectDefinition, rule: DuplicateRule) -> Iterator[Problem]:
    """Finds keys made of what the rule does not compare."""
    for row, group in enumerate(rule.keys):
        for column, name in enumerate(group):
            place = f"{rule.place}/keys/{row}/{column}"
            if name not in definition.fields:
                yield unknown_field(place, name, definition)
            elif name not in rule.fields:
                yield Problem(
                    place, "duplicates_key", {"field": name, "known": sorted(rule.fields)}
                )


def reach_problems(rule: DuplicateRule) -> Iterator[Problem]:
    """Finds a threshold that not even two records that agree in everything would reach."""
    most = certainty(sum(most_bits(one.kind) * one.weight for one in rule.comparisons))
    if most < rule.threshold:
        values = {"threshold": f"{rule.threshold:g}", "most": f"{most:.3g}"}
        yield Problem(f"{rule.place}/threshold", "duplicates_unreachable", values)
