"""What is wrong with rule files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from metadata.catalog import Catalog
from metadata.conditions import diagnostic_problem
from metadata.problems import Problem
from metadata.programs import parse_rules
from rule_engine import compile_program
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
