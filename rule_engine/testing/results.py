"""Results of rule tests and their printed form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TestResult:
    """What came of one test; `failures` read `line:column: why`. `of` is what was tested."""

    __test__ = False  # for pytest: not a class of tests

    name: str
    of: str
    passed: bool
    failures: tuple[str, ...] = ()


def format_results(results: Sequence[TestResult]) -> str:
    """Gives lines as of the Test Anything Protocol, the failures as comments under each test."""
    lines = [f"1..{len(results)}"]
    for number, result in enumerate(results, 1):
        lines.append(f"{'ok' if result.passed else 'not ok'} {number} - {result.name}")
        lines += [f"  # {failure}" for failure in result.failures]
    return "\n".join(lines)
