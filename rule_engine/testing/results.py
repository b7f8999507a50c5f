"""Results of rule tests and their printed form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rule_engine.testing.coverage import Gap


@dataclass(frozen=True, slots=True)
class TestResult:
    """What came of one test; `failures` read `line:column: why`. `of` is what was tested."""

    __test__ = False  # for pytest: not a class of tests

    name: str
    of: str
    passed: bool
    failures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TestRun:
    """The results of all tests, and what they have left untried."""

    __test__ = False  # for pytest: not a class of tests

    results: tuple[TestResult, ...]
    gaps: tuple[Gap, ...]


def format_results(results: Sequence[TestResult], gaps: Sequence[Gap] = ()) -> str:
    """Gives lines as of the Test Anything Protocol, the failures as comments under each test.

    Behind them stand the gaps, a comment each.
    """
    lines = [f"1..{len(results)}"]
    for number, result in enumerate(results, 1):
        lines.append(f"{'ok' if result.passed else 'not ok'} {number} - {result.name}")
        lines += [f"  # {failure}" for failure in result.failures]
    return "\n".join([*lines, *(f"# {gap}" for gap in gaps)])
