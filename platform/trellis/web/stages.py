"""The stage path of a record: the options of the field that says how far it has come."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from metadata.conditions import Conditions
from metadata.fields.option import OptionDefinition
from metadata.objects import FieldDefinition, ObjectDefinition
from metadata.stages import LOST, Lacking, lacking_for
from rule_engine.types import Environment


@dataclass(frozen=True, slots=True)
class Stage:
    """One step. `state` is done, now, lost or empty; `note` says how long it took."""

    value: str
    label: str
    state: str
    may_enter: bool
    note: str = ""


def stage_field(definition: ObjectDefinition) -> FieldDefinition | None:
    """Gives the choice that tells a record's progress: the first whose options have categories."""
    found = (
        field
        for field in definition.own_fields
        if len(field.options) > 1 and any(option.category for option in field.options)
    )
    return next(found, None)


def stages_of(
    field: FieldDefinition,
    record: Mapping[str, object],
    language: str,
    *,
    may_edit: bool,
    note: str = "",
) -> tuple[Stage, ...]:
    """Gives the path of a record; `note` stands at the stage it is in.

    Ends that are not the way (lost) show only when they are taken.
    """
    value = record.get(field.name)
    options = [option for option in field.options if not option.retired or option.value == value]
    way = [option for option in options if option.category != LOST or option.value == value]
    here = next((place for place, option in enumerate(way) if option.value == value), -1)
    return tuple(
        Stage(
            value=option.value,
            label=option.labels.get(language) or option.labels.get("en") or option.value,
            state=state_of(option, place, here),
            may_enter=may_edit and option.value != value and may_follow(field, value, option.value),
            note=note if place == here else "",
        )
        for place, option in enumerate(way)
    )


def needs_of(
    conditions: Conditions,
    field: FieldDefinition,
    record: Mapping[str, object],
    environment: Environment,
    hidden: Collection[str],
) -> Lacking:
    """Gives what a record still needs before it may be moved on from the option it has."""
    for exit_ in conditions.exits:
        if exit_.field.name == field.name and exit_.option.value == record.get(field.name):
            return lacking_for(exit_, record, environment, hidden)
    return Lacking()


def state_of(option: OptionDefinition, place: int, here: int) -> str:
    """Gives how an option stands to the one that is taken."""
    if place == here:
        return LOST if option.category == LOST else "now"
    return "done" if place < here else ""


def may_follow(field: FieldDefinition, value: object, wanted: str) -> bool:
    """Says whether the definition lets one value follow another."""
    if field.transitions is None or value is None:
        return True
    allowed = field.transitions.get(str(value))
    return allowed is None or wanted in allowed
