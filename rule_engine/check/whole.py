"""Checks whole rule sets and makes the program of a schema."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rule_engine import program, tree
from rule_engine.calendars import business_calendars
from rule_engine.check.expressions import new_session
from rule_engine.check.formulas import check_formula
from rule_engine.check.loops import loops_in
from rule_engine.check.mentions import Mention
from rule_engine.check.reachability import check_conditions
from rule_engine.check.registry import Registry, collect
from rule_engine.check.session import Session
from rule_engine.check.statements.approvals import check_approval
from rule_engine.check.statements.assignments import check_assign
from rule_engine.check.statements.calendars import check_calendar
from rule_engine.check.statements.cases import check_test
from rule_engine.check.statements.context import Context
from rule_engine.check.statements.rules import check_rule
from rule_engine.check.statements.scores import check_score
from rule_engine.check.statements.service import check_sla
from rule_engine.check.statements.validations import check_validate
from rule_engine.check.written import conditions_in
from rule_engine.collecting import uncollected
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
    *_, found = _check_all([ruleset, *beside], schema)
    return [one for one in found if one.source == ruleset.source]


def compile_program(rulesets: Sequence[tree.Ruleset], schema: Schema) -> program.Program:
    """Gives the program of rule sets; raises RuleCheckError with all that does not fit."""
    with uncollected():
        checked, conditions, found = _check_all(rulesets, schema)
    if any(one.severity == "error" for one in found):
        raise RuleCheckError(found)
    calendars = {one.name: one for one in checked if isinstance(one, program.WorkingCalendar)}
    return program.Program(
        schema=schema,
        scores=tuple(one for one in checked if isinstance(one, program.Score)),
        validations=tuple(one for one in checked if isinstance(one, program.Validation)),
        rules=tuple(one for one in checked if isinstance(one, program.Rule)),
        approvals=tuple(one for one in checked if isinstance(one, program.Approval)),
        tests=tuple(one for one in checked if isinstance(one, program.TestCase)),
        assignments=tuple(one for one in checked if isinstance(one, program.Assignment)),
        service_levels=tuple(one for one in checked if isinstance(one, program.ServiceLevel)),
        calendars=calendars,
        business_time=business_calendars(calendars),
        warnings=tuple(found),
        conditions=tuple(conditions),
        periods={
            one.source: program.Period(one.effective, one.until)
            for one in rulesets
            if one.effective or one.until
        },
    )


def find_mentions(rulesets: Sequence[tree.Ruleset], schema: Schema) -> list[Mention]:
    """Gives what the names in rule sets mean, as far as it can be told; some come twice."""
    registry = collect(rulesets, schema)
    found: list[Mention] = []
    for ruleset in rulesets:
        session = _session(ruleset, registry, schema)
        for statement in ruleset.statements:
            _check_statement(Context(session, registry, ruleset), statement)
        found += session.mentions
    return found


def _check_all(
    rulesets: Sequence[tree.Ruleset], schema: Schema
) -> tuple[list[_Checked], list[program.Condition], list[Diagnostic]]:
    registry = collect(rulesets, schema)
    found = list(registry.found)
    checked: list[_Checked] = []
    conditions: list[program.Condition] = []
    for ruleset in rulesets:
        session = _session(ruleset, registry, schema)
        context = Context(session, registry, ruleset)
        formulas = [
            (statement, check_formula(session, statement))
            for statement in ruleset.statements
            if isinstance(statement, tree.Define | tree.Table)
        ]
        others = (
            one for one in ruleset.statements if not isinstance(one, tree.Define | tree.Table)
        )
        results = [_check_statement(context, statement) for statement in others]
        checked += [one for one in results if one is not None]
        definitions = [one for one in results if isinstance(one, program.Definition)]
        conditions += conditions_in(session, ruleset.text, definitions, formulas)
        check_conditions(session, ruleset.text)
        found += session.found
    found += loops_in([one for one in checked if isinstance(one, program.Definition)])
    found.sort(key=lambda one: (one.source, one.span.line, one.span.column))
    return checked, conditions, found


def _session(ruleset: tree.Ruleset, registry: Registry, schema: Schema) -> Session:
    """Gives a session that knows the names that a rule set may use."""
    session = new_session(schema, ruleset.source, calendars=registry.calendars)
    return replace(session, packages=registry.packages).inside(ruleset.package)


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
