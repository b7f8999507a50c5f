"""Scores: into their fields on each save.

What history tells of a score, here and where scores are brought up to date without a save, is
said in `trellis.scoring.rescoring`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from metadata.catalog import Catalog
from metadata.fields.base import Refused
from metadata.fields.values import read_value
from metadata.objects import ObjectDefinition
from rule_engine.arithmetic import round_places
from rule_engine.columns import Scaled
from rule_engine.program import Score
from rule_engine.services.score import ScoreResult, score
from rule_engine.types import Environment


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
        values |= filled(definition, rules, result)
    return values


def filled(definition: ObjectDefinition, rules: Score, result: ScoreResult) -> dict[str, object]:
    """Gives what one score writes into its fields: nothing for more points than a field takes."""
    points = stored(definition, rules.into, result.points)
    if points is None:
        return {}
    values: dict[str, object] = {rules.into: points}
    if rules.grade_into is not None:
        values[rules.grade_into] = result.grade
    return values


def stored(definition: ObjectDefinition, name: str, points: Decimal) -> object:
    """Gives points as the field keeps them, rounded half up; None for more than it takes."""
    field = definition.fields[name]
    column = field.type.storage(field)
    places = column.scale if isinstance(column, Scaled) else 0
    try:
        return read_value(field, round_places(points, places))
    except Refused:
        return None


def results_of(
    catalog: Catalog,
    definition: ObjectDefinition,
    record: Mapping[str, object],
    environment: Environment,
) -> Iterator[tuple[Score, ScoreResult | None]]:
    """Gives each score of an object with its result; None where its guard is false."""
    for rules in catalog.rules_of(definition.name).scores:
        yield rules, score(rules, record, environment)
