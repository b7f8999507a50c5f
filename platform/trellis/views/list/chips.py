"""Conditions as chips: title, words, values, as far as a condition can be said that way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from metadata.objects import FieldDefinition
from metadata.problems import Problem
from metadata.query import Records
from rule_engine.errors import RuleSyntaxError
from rule_engine.parse import parse_expression
from rule_engine.tree import expressions as tree
from trellis.web.words import gettext

OPERATORS: dict[str, Callable[[], str]] = {
    "=": lambda: gettext("is"),
    "!=": lambda: gettext("is not"),
    ">": lambda: gettext("above"),
    ">=": lambda: gettext("at least"),
    "<": lambda: gettext("below"),
    "<=": lambda: gettext("at most"),
    "in": lambda: gettext("is one of"),
    "not in": lambda: gettext("is none of"),
    "contains": lambda: gettext("contains"),
    "starts": lambda: gettext("starts with"),
    "ends": lambda: gettext("ends with"),
    "empty": lambda: gettext("is empty"),
    "not empty": lambda: gettext("is not empty"),
}


@dataclass(frozen=True, slots=True)
class Chip:
    """One condition. `label` and `operator` are empty when `value` is the text as written.

    `href` is the list without it, None when it cannot be taken away.
    """

    text: str
    label: str
    operator: str
    value: str
    href: str | None


@dataclass(frozen=True, slots=True)
class Words:
    """Puts conditions on one object into words for one reader."""

    records: Records
    object: str
    language: str

    def chip(self, text: str, href: str | None) -> Chip:
        """Gives one condition as a chip."""
        said = self.said(text)
        label, operator, value = said or ("", "", text)
        return Chip(text, label, operator, value, href)

    def said(self, text: str) -> tuple[str, str, str] | None:
        """Gives title, operator and value of a simple condition."""
        try:
            asked = parse_expression(text)
        except RuleSyntaxError:
            return None
        parts = split(asked)
        if parts is None:
            return None
        path, operator, values = parts
        found = self.records.paths.resolve(self.object, path, "filter", whole=True)
        if isinstance(found, Problem):
            return None
        steps = (*found.hops, found.field)
        label = " · ".join(step.label(self.language) for step in steps)
        shown = [self.value(found.field, text, value) for value in values]
        return label, OPERATORS[operator](), gettext(", ").join(shown)

    def value(self, field: FieldDefinition, text: str, value: tree.Expression) -> str:
        """Gives a value as people know it: an option by its title, all else as written."""
        if isinstance(value, tree.String):
            option = field.option(value.value)
            if option is None:
                return value.value
            return option.labels.get(self.language) or option.labels.get("en") or option.value
        if isinstance(value, tree.Boolean):
            return gettext("Yes") if value.value else gettext("No")
        start = value.span.column - 1
        return text[start : start + value.span.width]


Split = tuple[str, str, Sequence[tree.Expression]]


def split(asked: tree.Expression) -> Split | None:
    """Gives path, operator and values of a condition that has just these."""
    match asked:
        case tree.Compare(op=operator, left=tree.Path() as path, right=right):
            found: Split = (text_of(path), operator, [right])
        case tree.In(item=tree.Path() as path, collection=tree.ListLiteral(items=items)):
            found = (text_of(path), "not in" if asked.negated else "in", items)
        case tree.TextTest(kind=kind, left=tree.Path() as path, right=right, negated=False):
            found = (text_of(path), kind, [right])
        case tree.IsEmpty(operand=tree.Path() as path):
            found = (text_of(path), "not empty" if asked.negated else "empty", [])
        case _:
            return None
    return found if found[1] in OPERATORS else None


def text_of(path: tree.Path) -> str:
    """Gives a path as it is written in queries."""
    return ".".join(part.text for part in path.parts)
