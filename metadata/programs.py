"""Rule files, parsed together and compiled to one program, and its stored form."""

from __future__ import annotations

import logging
from bisect import bisect
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

from rule_engine import Program, compile_program, parse, tree
from rule_engine.errors import Diagnostic, RuleCheckError, RuleSyntaxError
from rule_engine.storage import StorageError, read_program
from rule_engine.types import Schema

logger = logging.getLogger(__name__)

MAX_TREES = 500
"""A tree of a hundred rules takes about two megabytes."""


@lru_cache(MAX_TREES)
def parse_text(text: str, name: str, package: str) -> tree.Ruleset:
    """Gives the tree of a rule file; those used last are kept. Raises RuleSyntaxError."""
    return parse(text, source=name, package=package)


def parse_rules(
    rules: Mapping[str, str], packages: Mapping[str, str]
) -> tuple[list[tree.Ruleset], list[Diagnostic]]:
    """Gives the trees of rule files by name, and what is wrong with those that have none.

    `packages` maps the files to the packages whose names they share.
    """
    rulesets: list[tree.Ruleset] = []
    diagnostics: list[Diagnostic] = []
    for name, text in rules.items():
        try:
            rulesets.append(parse_text(text, name, packages.get(name, "")))
        except RuleSyntaxError as error:
            diagnostics.extend(error.diagnostics)
    return rulesets, diagnostics


def make_program(rules: Mapping[str, str], schema: Schema, packages: Mapping[str, str]) -> Program:
    """Gives the program of rule files. Raises RuleError with every diagnostic."""
    rulesets, diagnostics = parse_rules(rules, packages)
    if diagnostics:
        raise RuleSyntaxError(diagnostics)
    return compile_program(rulesets, schema)


def make_fitting(rules: Mapping[str, str], schema: Schema, packages: Mapping[str, str]) -> Program:
    """Gives the program of those statements of rule files that fit a schema, without tests.

    What names a statement that does not fit is left out with it.
    """
    parsed, _ = parse_rules(rules, packages)
    rulesets = [without_tests(ruleset) for ruleset in parsed]
    while True:
        try:
            return compile_program(rulesets, schema)
        except RuleCheckError as error:
            before = rulesets
            rulesets = [without_found(ruleset, error.diagnostics) for ruleset in before]
            if rulesets == before:  # found in none of them
                return Program(schema)


def without_tests(ruleset: tree.Ruleset) -> tree.Ruleset:
    """Gives a rule set without its tests."""
    kept = (one for one in ruleset.statements if not isinstance(one, tree.Test))
    return replace(ruleset, statements=tuple(kept))


def without_found(ruleset: tree.Ruleset, found: Iterable[Diagnostic]) -> tree.Ruleset:
    """Gives a rule set without the statements in which there are errors; what is wrong before the
    first concerns all."""
    begins = [(one.span.line, one.span.column) for one in ruleset.statements]
    wrong = {
        bisect(begins, (one.span.line, one.span.column))
        for one in found
        if one.severity == "error" and one.source == ruleset.source
    }
    kept = (one for number, one in enumerate(ruleset.statements, 1) if not wrong & {0, number})
    return replace(ruleset, statements=tuple(kept))


def read_kept(document: str, schema: Schema) -> Program | None:
    """Gives the program of a stored document; None when it cannot be read."""
    try:
        return read_program(document, schema)
    except StorageError as error:
        logger.info("stored rules are parsed again: %s", error)
        return None
