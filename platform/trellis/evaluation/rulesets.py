"""Checking and testing whole rule files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from metadata.catalog import Catalog
from rule_engine import check, compile_program, parse
from rule_engine.errors import Diagnostic, RuleCheckError, RuleSyntaxError
from rule_engine.program import Program
from rule_engine.testing import TestResult, run_tests
from rule_engine.tree import Ruleset


@dataclass(frozen=True, slots=True)
class Text:
    """A rule text and where it comes from."""

    source: str
    text: str


def read_texts(paths: Iterable[Path]) -> list[Text]:
    """Gives the rule files named, and those in the folders named."""
    files = [
        file
        for path in paths
        for file in (sorted(path.rglob("*.rules")) if path.is_dir() else [path])
    ]
    return [Text(str(file), file.read_text("utf-8")) for file in files]


def check_texts(texts: Sequence[Text], catalog: Catalog) -> list[Diagnostic]:
    """Gives everything that is wrong with rule texts, each by itself and all together."""
    rulesets: list[Ruleset] = []
    found: list[Diagnostic] = []
    for text in texts:
        try:
            ruleset = parse(text.text, source=text.source)
        except RuleSyntaxError as error:
            found.extend(error.diagnostics)
        else:
            rulesets.append(ruleset)
            found.extend(check(ruleset, catalog.schema))
    if not any(finding.severity == "error" for finding in found):
        try:
            compile_program(rulesets, catalog.schema)
        except RuleCheckError as error:
            found.extend(error.diagnostics)
    return found


def compile_texts(texts: Sequence[Text], catalog: Catalog) -> Program:
    """Gives the program of rule texts; raises RuleSyntaxError or RuleCheckError."""
    rulesets = [parse(text.text, source=text.source) for text in texts]
    return compile_program(rulesets, catalog.schema)


def run_test_blocks(
    texts: Sequence[Text], catalog: Catalog, now: datetime | None, zone: ZoneInfo
) -> list[TestResult]:
    """Runs the `test` blocks of rule texts; raises like `compile_texts`."""
    return run_tests(compile_texts(texts, catalog), now=now, zone=zone)
