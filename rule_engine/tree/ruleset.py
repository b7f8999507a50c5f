"""A whole text as written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from rule_engine.tree.actions import Assign, Rule
from rule_engine.tree.cases import Test
from rule_engine.tree.processes import Approval, Sla
from rule_engine.tree.statements import Calendar, Define, Score, Table, Validate

Statement = Calendar | Define | Table | Score | Validate | Rule | Assign | Approval | Sla | Test


@dataclass(frozen=True, slots=True)
class Ruleset:
    """A parsed text. `name` and `version` are empty without a `ruleset` line.

    It applies from the day `effective` to the day `until`, both included; None is no limit.
    `package` is whose names it shares; what other packages define is `package.name` here.
    """

    name: str
    label: str
    version: str
    effective: date | None
    statements: tuple[Statement, ...]
    source: str
    text: str
    package: str = ""
    until: date | None = None
