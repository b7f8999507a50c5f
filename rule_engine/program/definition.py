"""What every named thing in a program has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from rule_engine.errors import Span
from rule_engine.values import BusinessLength, CalendarLength

Length = CalendarLength | timedelta | BusinessLength


@dataclass(frozen=True, slots=True)
class Definition:
    """What every named thing has. `label` is the name where none was written.

    `ruleset` and `version` are empty where the text does not say them; `source` names the text.
    """

    name: str
    label: str
    object: str
    span: Span
    ruleset: str
    version: str
    source: str
