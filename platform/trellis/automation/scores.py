"""Scores: into their fields on each save, and with their reasons when somebody asks why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from metadata.catalog import Catalog
from metadata.fields.values import read_value
from metadata.objects import ObjectDefinition
from metadata.query.visible import visible_schema
from rule_engine.program import Program, Score, ScoreGroup, ScoreItem
from rule_engine.services.score import ScoredItem, ScoreResult, score
from rule_engine.types import Environment, Schema
from trellis.automation.environment import environment_of
from trellis.records.reach import definition_of
from trellis.records.read import read_record
from trellis.records.unit import Unit


def score_values(
    catalog: Catalog,
    definition: ObjectDefinition,
    record: Mapping[str, object],
    environment: Environment,
) -> dict[str, object]:
    """Gives the fields that scores fill; a score whose guard is false keeps its old value."""
    values: dict[str, object] = {}
    for rules, result in results_of(catalog, definition, record, environment):
        if result is None:
            continue
        values[rules.into] = stored(definition, rules.into, result.points)
        if rules.grade_into is not None:
            values[rules.grade_into] = result.grade
    return values


def stored(definition: ObjectDefinition, name: str, points: Decimal) -> object:
    """Gives points as the field keeps them."""
    return read_value(definition.fields[name], points)


def results_of(
    catalog: Catalog,
    definition: ObjectDefinition,
    record: Mapping[str, object],
    environment: Environment,
) -> Iterator[tuple[Score, ScoreResult | None]]:
    """Gives each score of an object with its result; None where its guard is false."""
    for rules in catalog.program.for_object(definition.name).scores:
        yield rules, score(rules, record, environment)


def explain_scores(unit: Unit, object_name: str, record_id: str) -> tuple[ScoreResult, ...]:
    """Gives the scores of a record with their reasons, as they come out now.

    A score whose field the principal may not read is left out, and so are items that look at
    fields she may not read. Raises Missing when the record is not to be seen.
    """
    definition = definition_of(unit, object_name)
    access = unit.principal.access(object_name)
    read_record(unit, object_name, record_id, ["id"])
    record = unit.as_automation().records().get(object_name, record_id) or {}
    found = results_of(unit.catalog, definition, record, environment_of(unit))
    return tuple(
        replace(result, items=readable_items(unit, rules, result))
        for rules, result in found
        if result is not None and access.reads(rules.into)
    )


def readable_items(unit: Unit, rules: Score, result: ScoreResult) -> tuple[ScoredItem, ...]:
    """Gives the items whose facts the principal may read."""
    hidden = {item.span for item in items_in(rules.entries) if looks_at_hidden(unit, rules, item)}
    return tuple(item for item in result.items if item.span not in hidden)


def items_in(entries: Sequence[ScoreItem | ScoreGroup]) -> Iterator[ScoreItem]:
    """Gives all items, those of groups too."""
    for entry in entries:
        if isinstance(entry, ScoreGroup):
            yield from items_in(entry.entries)
        else:
            yield entry


def looks_at_hidden(unit: Unit, rules: Score, item: ScoreItem) -> bool:
    """Says whether an item depends on something that the principal may not read."""
    alone = replace(rules, entries=(item,), guard=None, base=None, least=None, most=None, grades=())
    reads = Program(unit.catalog.schema, scores=(alone,)).reads(rules.object)
    schema = visible_schema(unit.catalog.schema, unit.principal)
    return not all(can_follow(schema, rules.object, way) for way in (*reads.paths, *reads.links))


def can_follow(schema: Schema, object_name: str, way: Sequence[str]) -> bool:
    """Says whether a path of fields and links exists in a schema."""
    here: str | None = object_name
    for name in way:
        known = schema.objects.get(here) if here is not None else None
        if known is None:
            return False
        if name in known.links:
            here = known.links[name].target
        elif name in known.fields:
            here = known.fields[name].target
        else:
            return False
    return True
