"""Tests written in the rule language: run in memory, with people made up on the spot."""

from rule_engine.testing.coverage import Gap
from rule_engine.testing.results import TestResult, TestRun, format_results
from rule_engine.testing.run import examine, run_tests
from rule_engine.testing.world import Computed

__all__ = ["Computed", "Gap", "TestResult", "TestRun", "examine", "format_results", "run_tests"]
