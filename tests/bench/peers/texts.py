"""The score in the words of other engines, written from the checked rules.

Whatever an engine would have to convert is converted beforehand, which favours them: texts are
folded, amounts are plain numbers, moments are seconds and dates are days since 1970.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from rule_engine import core
from rule_engine.backends.chains import balance
from rule_engine.backends.python import compile_node
from rule_engine.backends.python.emitter import is_fixed
from rule_engine.program import Score, ScoreItem
from rule_engine.text import fold
from rule_engine.types import Environment
from rule_engine.values import Money

FIRST_DAY = date(1970, 1, 1)


@dataclass(frozen=True)
class Words:
    """How an engine says things; `contains`, `starts` and `ends` take the two texts' codes."""

    all_of: str
    any_of: str
    negation: str
    equal: str
    contains: str
    starts: str
    ends: str
    unequal: str = "!="


CEL = Words(
    *("&&", "||", "!", "=="),
    *("{0}.contains({1})", "{0}.startsWith({1})", "{0}.endsWith({1})"),
)
ZEN = Words(
    *("and", "or", "not ", "=="),
    *("contains({0}, {1})", "startsWith({0}, {1})", "endsWith({0}, {1})"),
)
RULE_ENGINE = Words(
    *("and", "or", "not ", "=="),
    *("({1} in {0})", "{0}.starts_with({1})", "{0}.ends_with({1})"),
)

#: By the names that the engines have on PyPI.
ENGINES: Mapping[str, Words] = {
    "zen-engine": ZEN,
    "rule-engine": RULE_ENGINE,
    "cel-expr-python": CEL,
    "common-expression-language": CEL,
}


def plain(value: object) -> object:
    """Gives a value as other engines get it: what JSON can say."""
    match value:
        case Money():
            return plain(value.amount)
        case Decimal():
            return int(value) if value == int(value) else float(value)
        case datetime():
            return int(value.astimezone(UTC).timestamp())
        case date():
            return (value - FIRST_DAY).days
        case _:
            return value


class Writer:
    """Writes conditions in an engine's words; an empty field makes a comparison false."""

    def __init__(self, words: Words, environment: Environment) -> None:
        self.words = words
        self.environment = environment

    def total(self, score: Score) -> str:
        """Gives the sum of the base and of all items as one balanced expression."""
        items = [self.item(entry) for entry in score.entries if isinstance(entry, ScoreItem)]
        return balance([self.value(score.base), *items], lambda left, right: f"({left} + {right})")

    def item(self, item: ScoreItem) -> str:
        """Gives an item's points as a choice."""
        sign = "-" if item.kind == "subtract" else ""
        return f"({self.condition(item.guard)} ? {sign}{self.value(item.amount)} : 0)"

    def value(self, node: core.Node | None) -> str:
        """Gives code for a value."""
        match node:
            case core.Path():
                return node.field
            case core.Arithmetic() if not is_fixed(node):
                return f"({self.value(node.left)} {node.op} {self.value(node.right)})"
            case core.Node():
                found = compile_node(node)({}, self.environment)
                return json.dumps(plain(found), ensure_ascii=False)
        raise TypeError(node)

    def condition(self, node: core.Node | None) -> str:
        """Gives code for a condition that is true or false."""
        words = self.words
        match node:
            case core.AllOf():
                return self._joined(words.all_of, map(self.condition, node.items))
            case core.AnyOf():
                return self._joined(words.any_of, map(self.condition, node.items))
            case core.Not():
                return f"{words.negation}({self.condition(node.operand)})"
            case core.IsEmpty():
                return f"({self.value(node.operand)} {words.equal} null)"
            case core.Path():
                return f"({node.field} {words.equal} true)"
            case core.Compare(op="!="):
                equal = self._compared(node, words.equal)
                return f"{words.negation}({equal})"
            case core.Compare():
                return self._compared(node, words.equal if node.op == "=" else node.op)
            case core.Member():
                items = ", ".join(map(self.value, node.items))
                return self._guarded(node, f"{self.value(node.item)} in [{items}]")
            case core.TextTest():
                form: Mapping[str, str] = {
                    "contains": words.contains,
                    "starts": words.starts,
                    "ends": words.ends,
                }
                right = compile_node(node.right)({}, self.environment)
                test = form[node.kind].format(self.value(node.left), json.dumps(fold(str(right))))
                return self._guarded(node, test)
        raise TypeError(node)

    def _compared(self, node: core.Compare, operator: str) -> str:
        return self._guarded(node, f"{self.value(node.left)} {operator} {self.value(node.right)}")

    def _guarded(self, node: core.Node, test: str) -> str:
        paths = (part for part in core.walk(node) if isinstance(part, core.Path))
        fields = dict.fromkeys(path.field for path in paths)
        guards = [f"{field} {self.words.unequal} null" for field in fields]
        return self._joined(self.words.all_of, [*guards, test])

    def _joined(self, word: str, parts: Iterable[str]) -> str:
        return f"({f' {word} '.join(parts)})"


def plain_record(record: Mapping[str, object], score: Score) -> dict[str, object]:
    """Gives a record for other engines; texts that the score searches in are folded."""
    searched = {
        part.left.field
        for item in score.entries
        if isinstance(item, ScoreItem) and item.guard is not None
        for part in core.walk(item.guard)
        if isinstance(part, core.TextTest) and isinstance(part.left, core.Path)
    }
    return {
        name: fold(value) if name in searched and isinstance(value, str) else plain(value)
        for name, value in record.items()
    }
