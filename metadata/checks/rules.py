"""What is wrong with rule files, and which of their tests fail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from metadata.catalog import Catalog
from metadata.checks.findings import Found, digest_of, found_once
from metadata.conditions import diagnostic_problem
from metadata.elements import LOCAL, Element, holds_tests
from metadata.json_text import text
from metadata.problems import Problem
from metadata.programs import parse_rules
from rule_engine import compile_program, run_tests, tree
from rule_engine.errors import Diagnostic, RuleCheckError


def rules_problems(catalog: Catalog) -> tuple[Found, ...]:
    """Gives the errors in all rule files, each with the element it stands in."""
    return found_once("errors", catalog, errors_in)


def errors_in(catalog: Catalog) -> Iterator[Found]:
    """Finds the errors in all rule files."""
    rulesets, diagnostics = parse_rules(catalog.texts_with_tests, catalog.rule_packages)
    yield from placed(diagnostics)
    yield from misplaced(rulesets)
    try:
        program = compile_program(rulesets, catalog.schema) if diagnostics else catalog.tested
    except RuleCheckError as error:
        yield from placed(error.diagnostics)
        return
    for one in program.assignments:
        for path in (path for entry in one.entries for path in entry.sticky):
            field = catalog.objects[one.object].fields[path.field]
            if field.virtual or field.type.is_sealed:
                values = {"name": field.name, "assignment": one.name}
                yield ("rules", one.source), Problem("", "sticky_unsearchable", values)


def misplaced(rulesets: Iterable[tree.Ruleset]) -> Iterator[Found]:
    """Finds what stands in files of tests and is none: nothing would ever run it."""
    for ruleset in rulesets:
        for one in ruleset.statements if holds_tests(ruleset.source) else ():
            if not isinstance(one, tree.Test):
                found = Problem("", "tests_only", {}, one.span.line, one.span.column)
                yield ("rules", ruleset.source), found


def unreadable_tests(element: Element) -> list[Problem]:
    """Gives what is wrong with a file of tests, whatever the rules are."""
    name, written = element.name, text(element.body.get("text")) or ""
    rulesets, diagnostics = parse_rules({name: written}, {name: element.package})
    return [problem for _, problem in (*placed(diagnostics), *misplaced(rulesets))]


def placed(diagnostics: Sequence[Diagnostic]) -> Iterator[Found]:
    """Gives errors with the rule files they stand in; warnings stop nobody."""
    for found in diagnostics:
        if found.severity == "error":
            yield ("rules", found.source), diagnostic_problem(found, "")


def failing_tests(catalog: Catalog, known: Catalog | None) -> tuple[Found, ...]:
    """Runs the tests in all rule files and gives those that fail.

    Tests are part of the definitions: what makes one fail is not published. They are run for
    definitions in which nothing else is wrong; nothing is run where objects and rules are those of
    `known`, so that a rule can always be retired.
    """
    if known is not None and digest_of(known) == digest_of(catalog):
        return ()
    return found_once("failing tests", catalog, failures_in)


def failures_in(catalog: Catalog) -> Iterator[Found]:
    """Runs all tests."""
    cases = catalog.tested.tests
    if not cases:
        return
    results = run_tests(catalog.tested, computed=catalog.computed_values)
    for case, result in zip(cases, results, strict=True):
        if not result.passed:
            package = catalog.rule_packages.get(case.source, LOCAL)
            is_shipped = holds_tests(case.source) and package != LOCAL
            code = "package_test_failed" if is_shipped else "rule_test_failed"
            values = {"test": case.name, "reasons": result.failures, "package": package}
            found = Problem("", code, values, case.span.line, case.span.column)
            yield ("rules", case.source), found
