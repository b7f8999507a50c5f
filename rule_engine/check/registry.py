"""What the rule sets define together: formulas, calendars, processes, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rule_engine import tree
from rule_engine.check.session import Formula
from rule_engine.errors import Diagnostic
from rule_engine.types import Schema

Process = tree.Score | tree.Validate | tree.Rule | tree.Assign | tree.Approval | tree.Sla

_WORDS: Mapping[type, str] = {
    tree.Calendar: "calendar",
    tree.Define: "define",
    tree.Table: "table",
    tree.Score: "score",
    tree.Validate: "validate",
    tree.Rule: "rule",
    tree.Assign: "assign",
    tree.Approval: "approval",
    tree.Sla: "sla",
}


@dataclass(frozen=True, slots=True)
class Registry:
    """Everything that can be named across rule sets."""

    formulas: Mapping[tuple[str, str], Formula]
    calendars: Mapping[str, tree.Calendar]
    processes: Mapping[str, Process]
    found: Sequence[Diagnostic] = field(default=())


def collect(rulesets: Sequence[tree.Ruleset], schema: Schema) -> Registry:
    """Gives what the rule sets define; names used twice for one kind of thing are found."""
    formulas: dict[tuple[str, str], Formula] = {}
    calendars: dict[str, tree.Calendar] = {}
    processes: dict[str, Process] = {}
    found: list[Diagnostic] = []
    taken: dict[tuple[str, str], str] = {}
    for ruleset in rulesets:
        for statement in ruleset.statements:
            if isinstance(statement, tree.Test):
                continue
            name = _name(statement)
            word = _WORDS[type(statement)]
            family = "formula" if isinstance(statement, Formula) else word
            if (family, name.text) in taken:
                found.append(_twice(name, word, taken[family, name.text], ruleset))
            taken.setdefault((family, name.text), f"{ruleset.source}:{name.span.line}")
            if isinstance(statement, tree.Calendar):
                calendars.setdefault(name.text, statement)
            elif isinstance(statement, Formula):
                owner = schema.object(statement.head.object.text)
                key = statement.head.object.text if owner is None else owner.name
                formulas.setdefault((key, name.text), statement)
            else:
                processes.setdefault(name.text, statement)
    return Registry(formulas, calendars, processes, tuple(found))


def _name(statement: tree.Calendar | Formula | Process) -> tree.Name:
    return statement.name if isinstance(statement, tree.Calendar) else statement.head.name


def _twice(name: tree.Name, word: str, first: str, ruleset: tree.Ruleset) -> Diagnostic:
    return Diagnostic(
        f'there is a {word} "{name.text}" already',
        name.span,
        "name_taken",
        hint=f"it is at {first}",
        values={"name": name.text},
        source=ruleset.source,
    )
