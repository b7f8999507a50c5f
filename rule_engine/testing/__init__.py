"""Tests written in the rule language: run in memory, with people made up on the spot."""

from rule_engine.testing.results import TestResult, format_results
from rule_engine.testing.run import run_tests

__all__ = ["TestResult", "format_results", "run_tests"]
