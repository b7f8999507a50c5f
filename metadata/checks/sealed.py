"""Conditions and orders that SQL carries out, where they speak of encrypted fields."""

from __future__ import annotations

from collections.abc import Iterator

from metadata.problems import Problem
from metadata.query.sealed import sealed_problems
from metadata.query.tables import parse_condition
from rule_engine.errors import RuleError
from rule_engine.types import Kind, Schema


def sealed_filter_problems(
    text: str, schema: Schema, object_name: str, place: str
) -> Iterator[Problem]:
    """Gives the encrypted fields that a condition wants to read; what else is wrong is not told."""
    try:
        node = parse_condition(text).resolve(schema, object_name, expect=Kind.BOOLEAN)
    except RuleError:
        return
    yield from sealed_problems(node, schema, place)
