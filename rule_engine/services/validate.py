"""Validation: every broken requirement of a record at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rule_engine.errors import Span
from rule_engine.program import Check, Validation
from rule_engine.services.evaluate import Record, holds
from rule_engine.types import Environment


@dataclass(frozen=True, slots=True)
class Violation:
    """A message of a rule against saving. `rule` names it; `field` is None for the whole record."""

    rule: str
    message: str
    field: str | None
    span: Span


def validate(
    validations: Sequence[Validation],
    record: Record,
    old: Record | None,
    environment: Environment,
) -> tuple[Violation, ...]:
    """Gives all violations in written order; `old` is None when the record is being created."""
    return tuple(
        Violation(validation.name, check.message, check.field, check.span)
        for validation in validations
        if holds(validation.guard, record, environment, old)
        for check in validation.checks
        if _is_broken(check, record, old, environment)
    )


def _is_broken(check: Check, record: Record, old: Record | None, environment: Environment) -> bool:
    if not holds(check.guard, record, environment, old):
        return False
    return holds(check.condition, record, environment, old) is (check.kind == "forbid")
