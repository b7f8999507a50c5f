"""Rule files, parsed together and compiled to one program, and its stored form."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import lru_cache

from rule_engine import Program, compile_program, parse, tree
from rule_engine.errors import Diagnostic, RuleSyntaxError
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


def read_kept(document: str, schema: Schema) -> Program | None:
    """Gives the program of a stored document; None when it cannot be read."""
    try:
        return read_program(document, schema)
    except StorageError as error:
        logger.info("stored rules are parsed again: %s", error)
        return None
