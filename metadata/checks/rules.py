"""What is wrong with rule files, and which of their tests fail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from metadata.catalog import Catalog
from metadata.conditions import diagnostic_problem
from metadata.problems import Problem
from metadata.programs import parse_rules
from rule_engine import compile_program, run_tests
from rule_engine.errors import Diagnostic, RuleCheckError


def rules_problems(catalog: Catalog) -> Iterator[tuple[tuple[str, str], Problem]]:
    """Gives the errors in all rule files, each with the element it stands in."""
    rulesets, diagnostics = parse_rules(catalog.rules, catalog.rule_packages)
    yield from placed(diagnostics)
    try:
        program = compile_program(rulesets, catalog.schema)
    except RuleCheckError as error:
        yield from placed(error.diagnostics)
        return
    for one in program.assignments:
        for path in (path for entry in one.entries for path in entry.sticky):
            field = catalog.objects[one.object].fields[path.field]
            if field.virtual or field.type.is_sealed:
                values = {"name": field.name, "assignment": one.name}
                yield ("rules", one.source), Problem("", "sticky_unsearchable", values)


def placed(diagnostics: Sequence[Diagnostic]) -> Iterator[tuple[tuple[str, str], Problem]]:
    """Gives errors with the rule files they stand in; warnings stop nobody."""
    for found in diagnostics:
        if found.severity == "error":
            yield ("rules", found.source), diagnostic_problem(found, "")


def failing_tests(
    catalog: Catalog, known: Catalog | None
) -> Iterator[tuple[tuple[str, str], Problem]]:
    """Gives the tests in rule files that fail, each with the element it stands in.

    They say what rules do while they are in force: retirements and days are not minded. Only for
    definitions in which nothing else is wrong; nothing is run where objects and rules are those of
    `known`, so that a rule can always be retired.
    """
    cases = catalog.written.tests
    same = known is not None and known.rule_texts == catalog.rule_texts
    if not cases or (same and known is not None and known.objects == catalog.objects):
        return
    results = run_tests(catalog.written, computed=catalog.computed_values)
    for case, result in zip(cases, results, strict=True):
        if not result.passed:
            values = {"test": case.name, "reasons": result.failures}
            found = Problem("", "rule_test_failed", values, case.span.line, case.span.column)
            yield ("rules", case.source), found
