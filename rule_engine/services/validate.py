"""Validation: every broken requirement of a record at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rule_engine.backends.python.checks import compile_checks
from rule_engine.errors import Span
from rule_engine.messages import Phrase, verbatim
from rule_engine.program import Validation
from rule_engine.services.evaluate import Record
from rule_engine.types import Environment


@dataclass(frozen=True, slots=True)
class Violation:
    """A message of a rule against saving. `rule` names it; `field` is None for the whole record."""

    rule: str
    said: Phrase
    field: str | None
    span: Span

    @property
    def message(self) -> str:
        """The message as its author wrote it; the engine's own are English here."""
        return str(self.said)


def validate(
    validations: Sequence[Validation],
    record: Record,
    old: Record | None,
    environment: Environment,
) -> tuple[Violation, ...]:
    """Gives all violations in written order; `old` is None when the record is being created."""
    return tuple(
        Violation(validation.name, verbatim(check.message), check.field, check.span)
        for validation in validations
        for check in compile_checks(validation)(record, environment, old)
    )
