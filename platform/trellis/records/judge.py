"""What rules and the definition say about a record that is about to be saved."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from metadata.catalog import Catalog
from metadata.coerce import problem_of
from metadata.dependents import dependent_values
from metadata.fields.base import Refused
from metadata.fields.values import read_value
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from rule_engine.services.automate import SaveEvent, before_save
from rule_engine.services.validate import Violation, validate
from rule_engine.types import Environment
from trellis.records.computed import formula_values
from trellis.records.conditions import Saving, condition_problems
from trellis.records.incoming import Incoming, pointer

Record = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Judgement:
    """The record after its before-save rules, what fired, and everything that is wrong with it.

    `locked` is what rules said of the lock: None for nothing.
    """

    record: dict[str, object]
    problems: tuple[Problem, ...]
    fired: tuple[str, ...]
    locked: bool | None


def run_rules(
    catalog: Catalog,
    definition: ObjectDefinition,
    record: Record,
    old: Record | None,
    environment: Environment,
    *,
    silent: bool = False,
) -> Judgement:
    """Runs the before-save rules, with formulas before and after them, and says which of them
    refuse the save; `silent` runs the formulas alone."""
    rules = () if silent else catalog.rules_of(definition.name).before_save
    event: SaveEvent = "create" if old is None else "update"
    whole, unfit = dependent_values(definition, record, old)
    record = {**record, **whole}
    ready = {**record, **formula_values(catalog, definition, record, old, environment)}
    before = before_save(rules, event, ready, old, environment)
    values, problems = settled(definition, before.values)
    problems += [violation_problem(catalog, failure) for failure in before.failures]
    after = {**ready, **values}
    whole, found = dependent_values(definition, after, old)
    after |= whole
    problems += found or unfit
    after |= formula_values(catalog, definition, after, ready, environment)
    return Judgement(after, tuple(problems), before.fired, before.locked)


def judge(
    catalog: Catalog,
    definition: ObjectDefinition,
    record: Record,
    old: Record | None,
    environment: Environment,
    incoming: Incoming,
    *,
    by_person: bool,
    unshown: Collection[str] = (),
    validates: bool = True,
    silent: bool = False,
) -> Judgement:
    """Runs before-save rules, then collects what is missing, forbidden or refused by rules.

    `incoming` is what was sent, with its own problems. Steps between options and conditions on
    who changes what bind people only (`by_person`); `unshown` are fields that the form left out.
    Validations wait until nothing else is wrong, or are left to the caller (`validates`). With
    `silent` no rule runs.
    """
    after = run_rules(catalog, definition, record, old, environment, silent=silent)
    broken = incoming.broken
    problems = [*incoming.problems, *after.problems]
    sent = incoming.values if by_person else None
    saving = Saving(after.record, old, environment, sent, unshown)
    found = condition_problems(catalog, definition, saving)
    problems += [problem for problem in found if problem.path[1:] not in broken]
    if validates and not silent and not problems:
        problems += validation_problems(catalog, definition, after.record, old, environment)
    return Judgement(after.record, tuple(problems), after.fired, after.locked)


def validation_problems(
    catalog: Catalog,
    definition: ObjectDefinition,
    record: Record,
    old: Record | None,
    environment: Environment,
) -> list[Problem]:
    """Gives what the validations among the rules find."""
    program = catalog.rules_of(definition.name)
    violations = validate(program.validations, record, old, environment)
    return [violation_problem(catalog, violation) for violation in violations]


def settled(
    definition: ObjectDefinition, values: Record
) -> tuple[dict[str, object], list[Problem]]:
    """Gives values of rules as they will be stored, and what the fields' definitions forbid."""
    taken: dict[str, object] = {}
    problems: list[Problem] = []
    for name, value in values.items():
        field = definition.fields[name]
        try:
            taken[name] = read_value(field, value)
        except Refused as refused:
            problems.append(problem_of(field, refused))
    return taken, problems


def violation_problem(catalog: Catalog, violation: Violation) -> Problem:
    """Gives a rule's message as a problem, at its field when it names one.

    What its author wrote is translated by packages, what the engine says by the engine.
    """
    path = "" if violation.field is None else pointer(violation.field)
    text = violation.message
    said = catalog.rule_text(text) if text in catalog.messages else violation.said
    return Problem(path, "rule", {"message": said, "rule": violation.rule})
