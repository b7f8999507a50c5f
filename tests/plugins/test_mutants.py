"""The tests of the base package's rules notice when an operator, a limit or a unit is changed."""

from __future__ import annotations

import pytest

from rule_engine.types import Schema
from tests.plugins.test_crm_rules import CRM, crm_schema
from tests.rule_engine.mutants import judge

FILES = sorted(CRM.glob("rules/*.rules"))


@pytest.fixture(scope="module")
def schema() -> Schema:
    return crm_schema()


@pytest.mark.parametrize("name", [file.name for file in FILES])
def test_rule_tests_notice_changes(name: str, schema: Schema) -> None:
    others = [file.read_text() for file in FILES if file.name != name]
    tests = (CRM / "tests" / name).read_text()
    verdict = judge((CRM / "rules" / name).read_text(), [*others, tests], schema)
    assert verdict.share >= 0.9, verdict.survivors
