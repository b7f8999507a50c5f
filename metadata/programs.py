"""Rule files, parsed together and compiled to one program."""

from __future__ import annotations

from collections.abc import Mapping

from rule_engine import Program, compile_program, parse, tree
from rule_engine.errors import Diagnostic, RuleSyntaxError
from rule_engine.types import Schema


def parse_rules(
    rules: Mapping[str, str],
) -> tuple[list[tree.Ruleset], list[Diagnostic]]:
    """Gives the trees of rule files by name, and what is wrong with those that have none."""
    rulesets: list[tree.Ruleset] = []
    diagnostics: list[Diagnostic] = []
    for name, text in rules.items():
        try:
            rulesets.append(parse(text, source=name))
        except RuleSyntaxError as error:
            diagnostics.extend(error.diagnostics)
    return rulesets, diagnostics


def make_program(rules: Mapping[str, str], schema: Schema) -> Program:
    """Gives the program of rule files. Raises RuleError with every diagnostic."""
    rulesets, diagnostics = parse_rules(rules)
    if diagnostics:
        raise RuleSyntaxError(diagnostics)
    return compile_program(rulesets, schema)
