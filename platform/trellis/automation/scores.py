"""Scores: into their fields on each save, and with their reasons when somebody asks why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from metadata.catalog import Catalog
from metadata.fields.values import read_value
from metadata.objects import ObjectDefinition
from rule_engine.arithmetic import round_places
from rule_engine.columns import Scaled
from rule_engine.program import Score, ScoreGroup, ScoreItem
from rule_engine.services.score import ScoredItem, ScoreResult, score
from rule_engine.types import Environment
from trellis.automation.environment import environment_of
from trellis.automation.readable import Reader
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
    """Gives points as the field keeps them, rounded half up to its places."""
    field = definition.fields[name]
    column = field.type.storage(field)
    places = column.scale if isinstance(column, Scaled) else 0
    return read_value(field, round_places(points, places))


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
    reader = Reader(unit)
    seen = {item.span for item in items_in(rules.entries) if reader.may_see_item(rules, item)}
    return tuple(item for item in result.items if item.span in seen)


def items_in(entries: Sequence[ScoreItem | ScoreGroup]) -> Iterator[ScoreItem]:
    """Gives all items, those of groups too."""
    for entry in entries:
        if isinstance(entry, ScoreGroup):
            yield from items_in(entry.entries)
        else:
            yield entry
