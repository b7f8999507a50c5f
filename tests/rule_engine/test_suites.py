"""Decisions taken from public suites: enough of them, and every difference is a wanted one."""

from __future__ import annotations

from collections import Counter

import pytest

from rule_engine import Expression
from rule_engine.backends.python import compile_node
from rule_engine.backends.python.trace import text_of
from rule_engine.errors import RuleCheckError, RuleSyntaxError
from tests.rule_engine.cases_world import CASES, DIFFERENCES, Case, read_record
from tests.rule_engine.law_world import SCHEMA


def answer(case: Case) -> str:
    """Gives the value as cases write it, or what is said against the expression."""
    record, _, environment = read_record(case, "deal")
    try:
        node = Expression.parse(case.expression).resolve(SCHEMA, "deal")
    except (RuleSyntaxError, RuleCheckError) as error:
        return "refused: " + "; ".join(map(str, error.diagnostics))
    value = compile_node(node)(record, environment)
    if isinstance(value, bool):
        return str(value).lower()
    return "empty" if value is None else str(text_of(value))


@pytest.mark.parametrize("case", DIFFERENCES, ids=lambda case: case.source)
def test_differences_are_the_wanted_ones(case: Case) -> None:
    assert answer(case) == case.expected
    assert case.elsewhere not in ("", case.expected)


def test_there_are_enough_cases() -> None:
    sources = Counter(bool(case.source) for case in CASES)
    assert sources[True] >= 400
    assert sources[False] >= 200
    assert len({(case.expression, case.record) for case in CASES}) >= 600
