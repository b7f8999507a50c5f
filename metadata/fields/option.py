"""One option of a choice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from metadata.fields.exits import ExitCriteria
from rule_engine.types import Type


@dataclass(frozen=True, slots=True)
class OptionDefinition:
    """One value of a choice. `category` groups values for reports and boards (won, lost, open).

    `attributes` are typed values by name, as in `{"probability": (PERCENT, Decimal("0.1"))}`.
    `when` is the condition under which the option is offered; a retired one is kept where it is
    and never chosen anew, `replaced_by` names the one that takes its place.
    """

    value: str
    labels: Mapping[str, str]
    hue: str | None = None
    category: str | None = None
    attributes: Mapping[str, tuple[Type, object]] = field(default_factory=dict)
    retired: bool = False
    when: str | None = None
    exit: ExitCriteria | None = None
    replaced_by: str | None = None
