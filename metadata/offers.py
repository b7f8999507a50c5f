"""Which options a record may take: those in use whose condition holds, of its record type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from metadata.catalog import Translated
from metadata.conditions import Conditions
from metadata.fields.option import OptionDefinition
from metadata.json_text import pointer
from metadata.objects import FieldDefinition
from metadata.problems import Problem
from rule_engine.types import Environment

Record = Mapping[str, object]


def fits(
    conditions: Conditions, field: FieldDefinition, value: str, record: Record, world: Environment
) -> bool:
    """Says whether an option goes with the rest of a record: its type, the option's condition."""
    test = conditions.of_option(field.name, value)
    return test is None or test.holds(record, world)


def chosen_options(value: object) -> tuple[str, ...]:
    """Gives the options that a field's value is made of."""
    if isinstance(value, (frozenset, set)):
        return tuple(sorted(map(str, value)))
    return () if value is None else (str(value),)


def kept_options(
    conditions: Conditions, field: FieldDefinition, old: Record | None, world: Environment
) -> frozenset[str]:
    """Gives the options of a record that did not fit it before a save: they may stay."""
    if old is None:
        return frozenset()
    chosen = chosen_options(old.get(field.name))
    return frozenset(one for one in chosen if not fits(conditions, field, one, old, world))


def offer_problems(
    conditions: Conditions,
    record: Record,
    world: Environment,
    old: Record | None,
) -> Iterator[Problem]:
    """Gives what is wrong with the options that a record takes or keeps.

    A value may stay where it did not fit before either, and where it is retired: only what this
    save brings about is refused.
    """
    for field in conditions.limited:
        before = chosen_options(old.get(field.name)) if old is not None else ()
        for value in chosen_options(record.get(field.name)):
            option = field.option(value)
            if option is None:
                continue
            if option.retired and value not in before:
                yield retired_problem(field, option)
            elif not fits(conditions, field, value, record, world) and (
                value not in kept_options(conditions, field, old, world)
            ):
                yield unfitting_problem(conditions, field, option, record, world)


def retired_problem(field: FieldDefinition, option: OptionDefinition) -> Problem:
    """Words an option that is out of use, with what takes its place."""
    other = field.option(option.replaced_by)
    instead = None if other is None else Translated(other.labels)
    values = {"field": field.name, "value": Translated(option.labels), "instead": instead}
    return Problem(pointer([field.name]), "option_retired", values)


def unfitting_problem(
    conditions: Conditions,
    field: FieldDefinition,
    option: OptionDefinition,
    record: Record,
    world: Environment,
) -> Problem:
    """Words an option that does not go with the record, with those that do."""
    allowed = [
        Translated(other.labels)
        for other in field.options
        if not other.retired and fits(conditions, field, other.value, record, world)
    ]
    values = {"field": field.name, "value": Translated(option.labels), "allowed": allowed}
    return Problem(pointer([field.name]), "option_not_offered", values)
