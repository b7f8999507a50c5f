"""What the rule sets define together: formulas, calendars, processes, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from rule_engine import tree
from rule_engine.check.session import Formula
from rule_engine.errors import Diagnostic, finding
from rule_engine.messages import Phrase
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
    """Everything that can be named across rule sets.

    `packages` holds the formulas of each package, `formulas` those of all, by (object, name);
    `calendars` has each by its name and as `package.name`.
    """

    packages: Mapping[str, Mapping[tuple[str, str], Formula]]
    formulas: Mapping[tuple[str, str], Formula]
    calendars: Mapping[str, tree.Calendar]
    processes: Mapping[str, Process]
    found: Sequence[Diagnostic] = field(default=())


def collect(rulesets: Sequence[tree.Ruleset], schema: Schema) -> Registry:
    """Gives what the rule sets define; names used twice are found.

    Defines, tables and calendars of a package share one set of names; those of packages do not
    meet, but for calendars and processes, which all packages know.
    """
    packages: dict[str, dict[tuple[str, str], Formula]] = {}
    calendars: dict[str, tree.Calendar] = {}
    processes: dict[str, Process] = {}
    names = _Names()
    for ruleset in rulesets:
        formulas = packages.setdefault(ruleset.package, {})
        for statement in ruleset.statements:
            if isinstance(statement, tree.Test):
                continue
            name = _name(statement)
            names.take(statement, name, ruleset)
            if isinstance(statement, tree.Calendar):
                calendars.setdefault(name.text, statement)
                if ruleset.package:
                    calendars.setdefault(f"{ruleset.package}.{name.text}", statement)
            elif isinstance(statement, Formula):
                owner = schema.object(statement.head.object.text)
                key = statement.head.object.text if owner is None else owner.name
                formulas.setdefault((key, name.text), statement)
            else:
                processes.setdefault(name.text, statement)
    every = {key: one for formulas in packages.values() for key, one in formulas.items()}
    return Registry(packages, every, calendars, processes, tuple(names.found))


class _Names:
    """The names that are taken, and what takes one again."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []
        self._taken: dict[tuple[str, str, str], tuple[str, str]] = {}

    def take(
        self, statement: tree.Calendar | Formula | Process, name: tree.Name, ruleset: tree.Ruleset
    ) -> None:
        """Notes a name; one that is taken is found."""
        word = _WORDS[type(statement)]
        shared = isinstance(statement, Formula | tree.Calendar)
        keys = [(ruleset.package, "", name.text)] if shared else []
        if not isinstance(statement, Formula):
            keys.append(("", word, name.text))
        first = next((self._taken[key] for key in keys if key in self._taken), None)
        if first is not None:
            self.found.append(_twice(name, *first, ruleset))
        for key in keys:
            self._taken.setdefault(key, (word, f"{ruleset.source}:{name.span.line}"))


def _name(statement: tree.Calendar | Formula | Process) -> tree.Name:
    return statement.name if isinstance(statement, tree.Calendar) else statement.head.name


def _twice(name: tree.Name, word: str, first: str, ruleset: tree.Ruleset) -> Diagnostic:
    found = finding(
        "name_taken",
        'there is a {kind} "{name}" already',
        name.span,
        "it is at {first}",
        kind=Phrase(word),
        name=name.text,
        first=first,
    )
    return replace(found, source=ruleset.source)
