"""Which rules are in force: those nobody has retired, on the days on which their texts apply."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date
from typing import Final, TypeVar

from rule_engine.program.definition import Definition
from rule_engine.program.judgements import Score, Validation
from rule_engine.program.processes import Approval, ServiceLevel
from rule_engine.program.rules import Assignment, Rule
from rule_engine.program.whole import Program

Key = tuple[str, str]
"""The keyword of a statement and its name: no two have the same."""

WORDS: Final[Mapping[type[Definition], str]] = {
    Rule: "rule",
    Validation: "validate",
    Score: "score",
    Assignment: "assign",
    Approval: "approval",
    ServiceLevel: "sla",
}
"""The keywords of statements that do something by themselves."""

Kind = TypeVar("Kind", bound=Definition)


def key_of(definition: Definition) -> Key:
    """Gives what nothing else that does something by itself is called."""
    return WORDS[type(definition)], definition.name


def definitions_of(program: Program) -> tuple[Definition, ...]:
    """Gives all that does something by itself, kind by kind."""
    return (
        *(*program.rules, *program.validations, *program.scores),
        *(*program.assignments, *program.approvals, *program.service_levels),
    )


def in_force(program: Program, day: date | None, retired: Collection[Key]) -> Program:
    """Gives a program with nothing but what is in force on a day; None is whatever day.

    Formulas, tables and calendars are names for others to use: they are always there.
    """
    periods = program.periods.items() if day is not None else ()
    asleep = {name for name, period in periods if day is not None and not period.holds(day)}
    if not asleep and not retired:
        return program

    def left(definitions: tuple[Kind, ...]) -> tuple[Kind, ...]:
        return tuple(
            one for one in definitions if one.source not in asleep and key_of(one) not in retired
        )

    return replace(
        program,
        rules=left(program.rules),
        validations=left(program.validations),
        scores=left(program.scores),
        assignments=left(program.assignments),
        approvals=left(program.approvals),
        service_levels=left(program.service_levels),
    )


def next_turn(program: Program, day: date) -> date | None:
    """Gives the next day on which other rules are in force; None when they stay the same."""
    turns = (turn for period in program.periods.values() for turn in period.turns())
    return min((turn for turn in turns if turn > day), default=None)
