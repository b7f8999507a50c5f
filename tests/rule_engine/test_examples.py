"""The sample rules: they fit their objects, their tests pass, and the tests notice changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from rule_engine import Program, compile_program, parse
from rule_engine.check.whole import check
from rule_engine.testing import format_results, run_tests
from tests.rule_engine.mutants import judge
from tests.rule_engine.schemas import SCHEMA

FOLDER = Path(__file__).parent
EXAMPLES = sorted(FOLDER.glob("examples/*.rules"))
TESTS = {file.name: file for file in FOLDER.glob("example_tests/*.rules")}
#: What examples name of others.
NEEDED = {
    "assignment.rules": ("lead_scoring.rules", "ticket_sla.rules"),
    "discount_approval.rules": ("ticket_sla.rules",),
}
SAMPLES = [file for file in EXAMPLES if file.name != "tests.rules"]


def program(*tests: Path) -> Program:
    files = [*EXAMPLES, *tests]
    return compile_program(
        [parse(f.read_text(), source=f"{f.parent.name}/{f.name}") for f in files], SCHEMA
    )


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_examples_fit_their_objects(file: Path) -> None:
    rulesets = {other: parse(other.read_text(), source=other.name) for other in EXAMPLES}
    beside = [ruleset for other, ruleset in rulesets.items() if other != file]
    found = check(rulesets[file], SCHEMA, beside=beside)
    assert [str(one) for one in found if one.severity == "error"] == []


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: file.name)
def test_tests_of_examples_pass(file: Path) -> None:
    results = run_tests(program(TESTS[file.name]))
    assert all(result.passed for result in results), format_results(results)


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: file.name)
def test_tests_of_examples_notice_changes(file: Path) -> None:
    others = [other.read_text() for other in SAMPLES if other.name in NEEDED.get(file.name, ())]
    verdict = judge(file.read_text(), [*others, TESTS[file.name].read_text()], SCHEMA)
    assert verdict.share >= 0.8, verdict.survivors
