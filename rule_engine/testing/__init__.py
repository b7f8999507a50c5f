"""Tests written in the rule language: run in memory, with people made up on the spot."""

from rule_engine.testing.coverage import Gap
from rule_engine.testing.results import TestResult, TestRun, format_results
from rule_engine.testing.run import examine, run_tests

__all__ = ["Gap", "TestResult", "TestRun", "examine", "format_results", "run_tests"]
