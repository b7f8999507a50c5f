"""Checking and testing whole rule files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from metadata.catalog import Catalog
from metadata.elements import LOCAL
from metadata.programs import make_program, parse_rules
from rule_engine import compile_program
from rule_engine.errors import Diagnostic, RuleCheckError
from rule_engine.program import Program
from rule_engine.testing import TestRun, examine


def read_texts(paths: Iterable[Path]) -> dict[str, str]:
    """Gives the texts of the rule files named, and of those in the folders named, by path."""
    files = [
        file
        for path in paths
        for file in (sorted(path.rglob("*.rules")) if path.is_dir() else [path])
    ]
    return {str(file): file.read_text("utf-8") for file in files}


def beside(texts: Mapping[str, str], catalog: Catalog) -> dict[str, str]:
    """Gives the rule files of the catalog that are not among the texts, by name."""
    given = {Path(source).stem for source in texts}
    return {
        name: text for name, text in catalog.rules.items() if name.rpartition("/")[2] not in given
    }


def packages_of(texts: Iterable[str], catalog: Catalog) -> dict[str, str]:
    """Gives the packages that files belong to. One that the catalog does not know belongs to that
    of the other files; to the designer's where they are none or of several."""
    known = {one: catalog.rule_packages.get(Path(one).stem) for one in texts}
    given = {known[one] for one in known if one not in catalog.rules} - {None}
    usual = next(iter(given)) if len(given) == 1 else None
    return {one: package or usual or LOCAL for one, package in known.items()}


def check_texts(texts: Mapping[str, str], catalog: Catalog) -> list[Diagnostic]:
    """Gives everything that is wrong with rule texts, warnings too, by source and place."""
    rules = {**beside(texts, catalog), **texts}
    rulesets, found = parse_rules(rules, packages_of(rules, catalog))
    try:
        found = [*found, *compile_program(rulesets, catalog.schema).warnings]
    except RuleCheckError as error:
        found = [*found, *error.diagnostics]
    mine = [finding for finding in found if finding.source in texts]
    return sorted(mine, key=lambda one: (one.source, one.span.line, one.span.column))


def program_of(texts: Mapping[str, str], catalog: Catalog) -> Program:
    """Gives the program of rule texts and the catalog's other rules; raises RuleError."""
    rules = {**beside(texts, catalog), **texts}
    return make_program(rules, catalog.schema, packages_of(rules, catalog))


def run_test_blocks(
    texts: Mapping[str, str], catalog: Catalog, now: datetime | None, zone: ZoneInfo
) -> TestRun:
    """Runs the `test` blocks of rule texts; raises RuleError for what cannot be compiled.

    The catalog's other rules are in force, what is said of coverage is of the texts alone.
    """
    program = program_of(texts, catalog)
    run = examine(program, now=now, zone=zone, computed=catalog.computed_values)
    return replace(run, gaps=tuple(gap for gap in run.gaps if gap.source in texts))
