"""Why an expression has its value: the tree of its parts with their values on one record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from rule_engine import core
from rule_engine.backends.python.compiler import compile_node
from rule_engine.backends.python.reasons import Evaluate, reason_of
from rule_engine.backends.reading import read
from rule_engine.errors import Span
from rule_engine.messages import NOTHING, Phrase
from rule_engine.types import Environment, Kind
from rule_engine.wording import text_of_value

Record = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Trace:
    """One part of an expression: its text, its value and its own parts.

    The value of a condition is True or False, that of any other part a text, None when empty.
    `reason` says why a part is empty or false when nothing was compared (`employees is empty`),
    else it says nothing.
    """

    text: str
    value: str | bool | None
    span: Span
    children: tuple[Trace, ...] = ()
    reason: Phrase = NOTHING

    def to_json(self) -> dict[str, object]:
        """Gives a form to store; the reason is English there."""
        return {
            "text": self.text,
            "value": self.value,
            "line": self.span.line,
            "column": self.span.column,
            "reason": str(self.reason),
            "children": [child.to_json() for child in self.children],
        }

    def leaves(self) -> Iterator[Trace]:
        """Gives the innermost parts whose values decide: fields, aggregates, calls."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()

    def sentence(self) -> Phrase:
        """Gives one line: the text and what its fields hold."""
        held = {str(leaf.fact()): leaf.fact() for leaf in self.leaves() if leaf is not self}
        if not held:
            return self.fact()
        values = {"fact": self.fact(), "facts": list(held.values())}
        return Phrase("{fact} because {facts}", values)

    def fact(self) -> Phrase:
        """Gives the text and its value: `employees is empty`."""
        values = {"field": self.text, "value": self.value}
        match self.value:
            case None:
                return Phrase("{field} is empty", values)
            case True:
                return Phrase("{field} is true", values)
            case False:
                return Phrase("{field} is false", values)
        return Phrase("{field} is {value}", values)


def trace_node(
    node: core.Node, record: Record, environment: Environment, old: Record | None = None
) -> Trace:
    """Evaluates an expression and all its parts. Literals are part of the text, not of the tree."""

    def evaluate(part: core.Node) -> object:
        return compile_node(part)(record, environment, old, None)

    def trace(part: core.Node) -> Trace:
        value = evaluate(part)
        return Trace(
            text=read(part),
            value=bool(value) if part.type.kind is Kind.BOOLEAN else text_of(value),
            span=part.span,
            children=tuple(map(trace, parts_of(part, evaluate))),
            reason=reason_of(part, value, evaluate, environment),
        )

    return trace(node)


def text_of(value: object) -> str | None:
    """Gives a value as text."""
    if isinstance(value, (tuple, frozenset)):
        return ", ".join(sorted(map(str, value))) or None
    if isinstance(value, Mapping):
        return str(value.get("name") or value.get("id") or "")
    return None if value is None else text_of_value(value) or str(value)


def parts_of(node: core.Node, evaluate: Evaluate) -> tuple[core.Node, ...]:
    """Gives the parts that a reader wants to see; an aggregate is seen as a whole.

    Of a choice between cases these are the conditions that decided and what they led to.
    """
    match node:
        case core.AllOf() | core.AnyOf():
            parts: tuple[core.Node, ...] = node.items
        case core.Not() | core.IsEmpty() | core.Negate() | core.Matches():
            parts = (node.operand,)
        case core.Compare() | core.Arithmetic() | core.TextTest():
            parts = (node.left, node.right)
        case core.Member():
            parts = (node.item, *node.items)
        case core.Contains():
            parts = (node.collection, node.item)
        case core.OptionAttribute():
            parts = (node.path,)
        case core.LocalInstant():
            parts = (node.date,)
        case core.If():
            chosen = node.then if evaluate(node.condition) is True else node.otherwise
            parts = (node.condition, chosen)
        case core.Case():
            parts = tuple(_deciding(node, evaluate))
        case core.Changed():
            parts = (replace(node.path, scope=core.Scope.OLD), node.path)
        case core.Call():
            parts = node.arguments
        case _:
            parts = ()
    return tuple(part for part in parts if not is_literal(part))


def _deciding(node: core.Case, evaluate: Evaluate) -> Iterator[core.Node]:
    """Gives why earlier arms failed, then the arm that holds and its value.

    Of a failed arm it is the first of its tests that failed; nothing where one rests on facts
    that are cited already: what they hold is seen there.
    """
    failed: list[core.Node] = []
    chosen: tuple[core.Node, ...] = (node.otherwise,)
    for condition, value in node.arms:
        if evaluate(condition) is True:
            chosen = (condition, value)
            break
        failed.append(condition)
    cited = {fact for part in chosen for fact in _facts(part, evaluate)}
    for condition in failed:
        tests = [(test, set(_facts(test, evaluate))) for test in _tests(condition)]
        if all(facts <= cited for _, facts in tests):
            continue  # one of them failed, whichever: no need to evaluate them
        failing = [(test, facts) for test, facts in tests if evaluate(test) is not True]
        if not any(facts <= cited for _, facts in failing):
            first, facts = failing[0]
            cited |= facts
            yield first
    yield from chosen


def _tests(condition: core.Node) -> Iterator[core.Node]:
    """Gives what has to hold all together for a condition to hold."""
    if not isinstance(condition, core.AllOf):
        yield condition
        return
    for item in condition.items:
        yield from _tests(item)


def _facts(node: core.Node, evaluate: Evaluate) -> Iterator[str]:
    """Gives the texts of the innermost parts that a trace shows of a node."""
    parts = parts_of(node, evaluate)
    if not parts and not isinstance(node, core.Case) and not is_literal(node):
        yield read(node)
    for part in parts:
        yield from _facts(part, evaluate)


def is_literal(node: core.Node) -> bool:
    """Says whether a part says nothing about the record."""
    return isinstance(node, (core.Constant, core.Parameter))
