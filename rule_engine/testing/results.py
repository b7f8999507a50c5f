"""Results of rule tests and their printed form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rule_engine.messages import Phrase
from rule_engine.testing.coverage import Gap


@dataclass(frozen=True, slots=True)
class TestResult:
    """What came of one test; `failures` say `line:column: why`. `of` is what was tested."""

    __test__ = False  # for pytest: not a class of tests

    name: str
    of: str
    passed: bool
    failures: tuple[Phrase, ...] = ()


@dataclass(frozen=True, slots=True)
class TestRun:
    """The results of all tests, and what they have left untried."""

    __test__ = False  # for pytest: not a class of tests

    results: tuple[TestResult, ...]
    gaps: tuple[Gap, ...]


def format_results(
    results: Sequence[TestResult], gaps: Sequence[Gap] = (), language: str = "en"
) -> str:
    """Gives lines as of the Test Anything Protocol, the failures as comments under each test.

    Behind them stand the gaps, a comment each. The protocol's own words are the same everywhere.
    """
    lines = [f"1..{len(results)}"]
    for number, result in enumerate(results, 1):
        lines.append(f"{'ok' if result.passed else 'not ok'} {number} - {result.name}")
        lines += [f"  # {failure.in_language(language)}" for failure in result.failures]
    return "\n".join([*lines, *(f"# {gap.said.in_language(language)}" for gap in gaps)])
