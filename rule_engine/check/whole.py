"""Checks whole rule sets and makes the program of a schema."""

from __future__ import annotations

from collections.abc import Sequence

from rule_engine import program, tree
from rule_engine.check.expressions import new_session
from rule_engine.check.formulas import check_formula
from rule_engine.check.registry import collect
from rule_engine.check.statements.approvals import check_approval
from rule_engine.check.statements.cases import check_test
from rule_engine.check.statements.context import Context
from rule_engine.check.statements.rules import check_assign, check_rule
from rule_engine.check.statements.scores import check_score
from rule_engine.check.statements.service import check_calendar, check_sla
from rule_engine.check.statements.validations import check_validate
from rule_engine.errors import Diagnostic, RuleCheckError
from rule_engine.types import Schema

_Checked = (
    program.Score
    | program.Validation
    | program.Rule
    | program.Assignment
    | program.Approval
    | program.ServiceLevel
    | program.WorkingCalendar
    | program.TestCase
)


def check(
    ruleset: tree.Ruleset, schema: Schema, *, beside: Sequence[tree.Ruleset] = ()
) -> list[Diagnostic]:
    """Gives everything that does not fit, warnings too, by place.

    `beside` are other rule sets whose formulas, calendars and processes may be named.
    """
    _, found = _check_all([ruleset, *beside], schema)
    return [one for one in found if one.source == ruleset.source]


def compile_program(rulesets: Sequence[tree.Ruleset], schema: Schema) -> program.Program:
    """Gives the program of rule sets; raises RuleCheckError with all that does not fit."""
    checked, found = _check_all(rulesets, schema)
    if any(one.severity == "error" for one in found):
        raise RuleCheckError(found)
    return program.Program(
        schema=schema,
        scores=tuple(one for one in checked if isinstance(one, program.Score)),
        validations=tuple(one for one in checked if isinstance(one, program.Validation)),
        rules=tuple(one for one in checked if isinstance(one, program.Rule)),
        approvals=tuple(one for one in checked if isinstance(one, program.Approval)),
        tests=tuple(one for one in checked if isinstance(one, program.TestCase)),
        assignments=tuple(one for one in checked if isinstance(one, program.Assignment)),
        service_levels=tuple(one for one in checked if isinstance(one, program.ServiceLevel)),
        calendars={one.name: one for one in checked if isinstance(one, program.WorkingCalendar)},
        warnings=tuple(found),
    )


def _check_all(
    rulesets: Sequence[tree.Ruleset], schema: Schema
) -> tuple[list[_Checked], list[Diagnostic]]:
    registry = collect(rulesets, schema)
    found = list(registry.found)
    checked: list[_Checked] = []
    for ruleset in rulesets:
        session = new_session(schema, ruleset.source, registry.formulas)
        context = Context(session, registry, ruleset)
        results = [_check_statement(context, statement) for statement in ruleset.statements]
        checked += [one for one in results if one is not None]
        found += session.found
    return checked, sorted(found, key=lambda one: (one.source, one.span.line, one.span.column))


def _check_statement(context: Context, statement: tree.Statement) -> _Checked | None:
    match statement:
        case tree.Define() | tree.Table():
            check_formula(context.session, statement)
            return None
        case tree.Calendar():
            return check_calendar(context, statement)
        case tree.Score():
            return check_score(context, statement)
        case tree.Validate():
            return check_validate(context, statement)
        case tree.Rule():
            return check_rule(context, statement)
        case tree.Assign():
            return check_assign(context, statement)
        case tree.Approval():
            return check_approval(context, statement)
        case tree.Sla():
            return check_sla(context, statement)
        case tree.Test():
            return check_test(context, statement)
