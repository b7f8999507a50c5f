"""Exit criteria: what a record needs before people move it on from an option of a choice."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from metadata.catalog import Translated
from metadata.conditions import Conditions, Exit
from metadata.fields.base import ENGLISH
from metadata.json_text import pointer
from metadata.objects import FieldDefinition
from metadata.problems import Problem
from rule_engine.types import Environment

LOST = "lost"
"""The category of options that end a record's way before its goal."""

Record = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Lacking:
    """What keeps a record from leaving an option: empty fields, and a condition's message.

    `unmet` is None when the condition holds, "" when it has no message of its own.
    """

    fields: tuple[str, ...] = ()
    unmet: str | None = None


def leads_on(field: FieldDefinition, before: object, after: object) -> bool:
    """Says whether a step goes forward: to a later option that is not a lost end."""
    values = [option.value for option in field.options]
    if before not in values or after not in values:
        return False
    target = field.options[values.index(str(after))]
    return values.index(str(before)) < values.index(str(after)) and target.category != LOST


def labels_of(field: FieldDefinition, value: object) -> Mapping[str, str]:
    """Gives the titles of an option."""
    option = field.option(value)
    return option.labels if option is not None else {ENGLISH: str(value)}


def lacking_for(
    exit_: Exit, record: Record, environment: Environment, hidden: Collection[str] = ()
) -> Lacking:
    """Gives what a record still needs; what its form does not show is never asked for."""
    criteria = exit_.option.exit
    if criteria is None:
        return Lacking()
    empty = tuple(
        name for name in criteria.requires if record.get(name) is None and name not in hidden
    )
    holds = exit_.test is None or exit_.test.holds(record, environment)
    return Lacking(empty, None if holds else criteria.message or "")


def exit_problems(
    conditions: Conditions,
    record: Record,
    environment: Environment,
    old: Record,
    hidden: Collection[str],
) -> Iterator[tuple[Problem, str | None]]:
    """Gives what stands in the way of the steps of a save, each with its author's message."""
    for exit_ in conditions.exits:
        name = exit_.field.name
        before, after = old.get(name), record.get(name)
        if before != exit_.option.value or not leads_on(exit_.field, before, after):
            continue
        lacking = lacking_for(exit_, record, environment, hidden)
        values = {
            "field": name,
            "from": Translated(exit_.option.labels),
            "to": Translated(labels_of(exit_.field, after)),
        }
        for needed in lacking.fields:
            yield Problem(pointer([needed]), "exit_requires", {**values, "field": needed}), None
        if lacking.unmet is not None:
            yield Problem(pointer([name]), "exit_unmet", values), lacking.unmet or None
