"""What the conditions of a definition say about a record that is about to be saved."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from metadata.catalog import Catalog
from metadata.coerce import defaults, missing_value, required_problems, transition_problems
from metadata.conditions import Conditions, demanded_fields, fixed_fields, hidden_fields
from metadata.objects import ObjectDefinition
from metadata.offers import offer_problems
from metadata.problems import Problem
from metadata.stages import exit_problems
from rule_engine.types import Environment
from trellis.records.incoming import pointer

Record = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Saving:
    """A save as conditions see it: the record as it would be, and before (None: a new one).

    `sent` is what a person sent; None when the system saves, whom only the record's own state
    binds. `unshown` are fields that the form did not show, whatever their own conditions say.
    """

    record: Record
    old: Record | None
    environment: Environment
    sent: Record | None = None
    unshown: Collection[str] = field(default=())


def condition_problems(
    catalog: Catalog, definition: ObjectDefinition, saving: Saving
) -> Iterator[Problem]:
    """Gives everything that a definition's conditions and keywords find wrong."""
    conditions = catalog.conditions(definition.name)
    hidden = hidden_fields(conditions.fields, saving.record, saving.environment)
    hidden = hidden.union(saving.unshown)
    yield from lacking(catalog, definition, conditions, saving, hidden)
    yield from offer_problems(conditions, saving.record, saving.environment, saving.old)
    if saving.sent is None:
        return
    yield from fixed_problems(definition, conditions, saving, saving.sent)
    if saving.old is not None:
        new = {name: saving.record[name] for name in saving.sent}
        yield from transition_problems(definition, saving.old, new)
        yield from stage_problems(catalog, definition, conditions, saving, hidden)


def lacking(
    catalog: Catalog,
    definition: ObjectDefinition,
    conditions: Conditions,
    saving: Saving,
    hidden: Collection[str],
) -> Iterator[Problem]:
    """Gives what has to be filled and is empty; what the form does not show is never required."""
    record = saving.record
    demanded = demanded_fields(conditions.fields, record, saving.environment)
    found = required_problems(definition, record)
    named = {problem.path for problem in found}
    empty = (name for name in sorted(demanded) if record.get(name) is None)
    found += [
        missing_value(definition.fields[name]) for name in empty if pointer(name) not in named
    ]
    for problem in (*found, *catalog.keyword_problems(definition.name, record)):
        if problem.code != "required" or problem.path[1:] not in hidden:
            yield problem


def fixed_problems(
    definition: ObjectDefinition, conditions: Conditions, saving: Saving, sent: Record
) -> Iterator[Problem]:
    """Gives the fields that a person changes although they may not be changed now."""
    fixed = fixed_fields(conditions.fields, saving.record, saving.environment, saving.old)
    if not fixed:
        return
    before = saving.old if saving.old is not None else defaults(definition)
    for name in sorted(fixed):
        if name in sent and sent[name] != before.get(name):
            yield Problem(pointer(name), "read_only", {"field": name})


def stage_problems(
    catalog: Catalog,
    definition: ObjectDefinition,
    conditions: Conditions,
    saving: Saving,
    hidden: Collection[str],
) -> Iterator[Problem]:
    """Gives what keeps a person from moving a record on, in the words of who defined it."""
    if saving.old is None or saving.sent is None:
        return
    steps = {name: saving.record[name] for name in saving.sent}
    moved = {**saving.old, **saving.record, **steps}
    own = tuple(one for one in conditions.exits if one.field.name in saving.sent)
    found = exit_problems(
        replace(conditions, exits=own), moved, saving.environment, saving.old, hidden
    )
    for problem, message in found:
        said = {} if message is None else {"message": catalog.rule_text(message)}
        yield replace(problem, values={**problem.values, **said})
