"""Why a record has its scores, as far as the reader may know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rule_engine.errors import Span
from rule_engine.program import Score, ScoreGroup, ScoreItem
from rule_engine.services.score import ScoreResult
from trellis.automation.environment import environment_of
from trellis.automation.readable import Reader
from trellis.automation.scores import results_of
from trellis.records.reach import definition_of
from trellis.records.read import read_record
from trellis.unit import Unit


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
        result.with_items(readable_places(unit, rules))
        for rules, result in found
        if result is not None and access.reads(rules.into)
    )


def readable_places(unit: Unit, rules: Score) -> frozenset[Span]:
    """Gives the places of the items whose facts the principal may read."""
    reader = Reader(unit)
    items = items_in(rules.entries)
    return frozenset(item.span for item in items if reader.may_see_item(rules, item))


def items_in(entries: Sequence[ScoreItem | ScoreGroup]) -> Iterator[ScoreItem]:
    """Gives all items, those of groups too."""
    for entry in entries:
        if isinstance(entry, ScoreGroup):
            yield from items_in(entry.entries)
        else:
            yield entry
