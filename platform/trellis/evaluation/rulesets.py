"""Checking and testing whole rule files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from metadata.catalog import Catalog
from metadata.programs import make_program, parse_rules
from rule_engine import compile_program
from rule_engine.errors import Diagnostic, RuleCheckError
from rule_engine.testing import TestResult, run_tests


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


def check_texts(texts: Mapping[str, str], catalog: Catalog) -> list[Diagnostic]:
    """Gives everything that is wrong with rule texts, warnings too, by source and place."""
    rulesets, found = parse_rules({**beside(texts, catalog), **texts})
    try:
        found = [*found, *compile_program(rulesets, catalog.schema).warnings]
    except RuleCheckError as error:
        found = [*found, *error.diagnostics]
    mine = [finding for finding in found if finding.source in texts]
    return sorted(mine, key=lambda one: (one.source, one.span.line, one.span.column))


def run_test_blocks(
    texts: Mapping[str, str], catalog: Catalog, now: datetime | None, zone: ZoneInfo
) -> Sequence[TestResult]:
    """Runs the `test` blocks of rule texts; raises RuleError for what cannot be compiled.

    The catalog's other rules are in force, their tests are not run.
    """
    program = make_program({**beside(texts, catalog), **texts}, catalog.schema)
    return run_tests(program, now=now, zone=zone)
