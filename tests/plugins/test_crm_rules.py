"""The rules of the base package hold together and do what their own tests say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from metadata.catalog import build_catalog
from metadata.elements import Element
from rule_engine import Program, compile_program, parse
from rule_engine.testing import format_results, run_tests
from rule_engine.types import Schema

ROOT = Path(__file__).parents[2]
CRM = ROOT / "plugins" / "crm"
SYSTEM = ROOT / "platform" / "trellis" / "system"


def crm_schema() -> Schema:
    """Gives the objects of the base package and of the system as rules see them."""
    elements = [
        Element(file.stem, "object", file.stem, folder.name, json.loads(file.read_text()))
        for folder in (SYSTEM, CRM)
        for file in sorted(folder.glob("objects/*.json"))
    ]
    return build_catalog(1, elements).schema


@pytest.fixture(scope="module")
def program() -> Program:
    texts = [*sorted(CRM.glob("rules/*.rules")), *sorted(CRM.glob("tests/*.rules"))]
    return compile_program(
        [parse(file.read_text(), source=file.name) for file in texts], crm_schema()
    )


def test_all_rule_tests_pass(program: Program) -> None:
    results = run_tests(program)
    assert len(results) > 30
    assert all(result.passed for result in results), format_results(results)


def test_everything_is_tested_and_runs(program: Program) -> None:
    definitions = (*program.scores, *program.validations, *program.rules, *program.approvals)
    tested = {case.of for case in program.tests}
    assert [d.name for d in definitions if d.name not in tested] == []
    assert list(map(str, program.warnings)) == []
