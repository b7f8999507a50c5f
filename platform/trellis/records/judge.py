"""What rules and the definition say about a record that is about to be saved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from metadata.catalog import Catalog
from metadata.coerce import problem_of, required_problems, transition_problems
from metadata.conditions import conditional_problems, hidden_fields
from metadata.fields.base import Refused
from metadata.fields.values import read_value
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from rule_engine.services.automate import SaveEvent, before_save
from rule_engine.services.validate import Violation, validate
from rule_engine.types import Environment
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
) -> Judgement:
    """Runs the before-save rules and says which of them refuse the save."""
    program = catalog.program.for_object(definition.name)
    event: SaveEvent = "create" if old is None else "update"
    before = before_save(program.before_save, event, record, old, environment)
    values, problems = settled(definition, before.values)
    problems += [violation_problem(catalog, failure) for failure in before.failures]
    return Judgement({**record, **values}, tuple(problems), before.fired, before.locked)


def judge(
    catalog: Catalog,
    definition: ObjectDefinition,
    record: Record,
    old: Record | None,
    environment: Environment,
    incoming: Incoming,
    *,
    by_person: bool,
) -> Judgement:
    """Runs before-save rules, then collects what is missing, forbidden or refused by rules.

    `incoming` is what was sent, with its own problems. Steps between options and conditions on
    who changes what bind people only (`by_person`). Validations wait until nothing else is wrong.
    """
    after = run_rules(catalog, definition, record, old, environment)
    broken = incoming.broken
    problems = [*incoming.problems, *after.problems]
    found = [
        *lacking(catalog, definition, after.record, environment, old if by_person else None),
        *catalog.keyword_problems(definition.name, after.record),
    ]
    problems += [problem for problem in found if problem.path[1:] not in broken]
    if by_person and old is not None:
        sent = {name: after.record[name] for name in incoming.values}
        problems += transition_problems(definition, old, sent)
    if not problems:
        program = catalog.program.for_object(definition.name)
        violations = validate(program.validations, after.record, old, environment)
        problems += [violation_problem(catalog, violation) for violation in violations]
    return Judgement(after.record, tuple(problems), after.fired, after.locked)


def lacking(
    catalog: Catalog,
    definition: ObjectDefinition,
    record: Record,
    environment: Environment,
    old: Record | None,
) -> Iterator[Problem]:
    """Gives what has to be filled and is empty; what the form does not show is never required."""
    conditions = catalog.conditions(definition.name)
    found = [
        *required_problems(definition, record),
        *conditional_problems(conditions, record, environment, old),
    ]
    if found:
        hidden = hidden_fields(conditions, record, environment)
        yield from (p for p in found if p.code != "required" or p.path[1:] not in hidden)


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
