"""Conditions that never hold or always do, and what stands behind them in vain.

Nothing is said of what might happen: see `space`. Only conditions of the text at hand are looked
at; those of formulas put in place are told where they are written.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from rule_engine import core
from rule_engine.check.atoms import atom_of, shape
from rule_engine.check.intervals import axis_subject, make_axis
from rule_engine.check.session import Session
from rule_engine.check.space import (
    ANYWHERE,
    MAX_ATOMS,
    Box,
    TooManyError,
    holds_somewhere,
    make_space,
)
from rule_engine.errors import Span
from rule_engine.messages import NOTHING, Phrase

_UNREACHED = "this is never reached"
_TAKEN = "the conditions before it take all that it matches"

#: So many parts of an `and` are tried in pairs for the two that exclude each other.
_TRIED = 30


def outcome_of(condition: core.Node) -> bool | None:
    """Says what a condition comes out as for every record; None when not always the same."""
    try:
        space = make_space([condition])
    except TooManyError:
        return None
    if not space.where(condition):
        return False
    return None if space.where(condition, False) else True


def excludes(one: core.Node | None, other: core.Node | None) -> bool:
    """Says whether two conditions, each of which can hold, are known not to hold together."""
    if one is None or other is None or holds_somewhere([one, other]):
        return False
    return outcome_of(one) is not False and outcome_of(other) is not False


def warn_excluded(session: Session, outer: core.Node | None, inner: core.Node | None) -> None:
    """Warns of a condition that cannot hold where the one around it does."""
    if outer is not None and inner is not None and excludes(outer, inner):
        message, hint = "this is never true here", "the condition on line {line} excludes it"
        session.warn("never_true", message, inner.span, hint, line=outer.span.line)


class _Tests:
    """What is known of the tests that conditions are made of, each looked at once."""

    def __init__(self) -> None:
        self._known: dict[int, Hashable] = {}

    def are_free(self, condition: core.Node) -> bool:
        """Says whether all tests are of different values and can come out either way: then so can
        the condition, and nothing stands in it twice."""
        seen: set[Hashable] = set()
        pending = [condition]
        while pending:
            node = pending.pop()
            if isinstance(node, core.AllOf | core.AnyOf | core.Not | core.If):
                pending += core.children(node)
                continue
            value = self._value(node)
            if value is None or value in seen:
                return False
            seen.add(value)
        return True

    def _value(self, node: core.Node) -> Hashable:
        """Gives what a test looks at; None for one that always comes out the same."""
        if isinstance(node, core.Constant):
            return None
        if id(node) not in self._known:
            atom = atom_of(node)
            subject = axis_subject(atom)
            axis = make_axis(subject, [atom])
            is_free = axis.holding(atom) not in (0, axis.all)
            self._known[id(node)] = shape(subject) if is_free else None
        return self._known[id(node)]


def check_conditions(session: Session, text: str) -> None:
    """Warns of what can be told about the conditions that the session has seen in a text."""
    writing, tests = writing_of(text), _Tests()
    told: set[int] = set()
    spans: set[Span] = set()
    own = {id(node) for node in session.conditions}
    for node in session.conditions:
        if isinstance(node, core.If) or node.span in spans or _is_formula(node, own):
            continue
        spans.add(node.span)
        if not tests.are_free(node):
            if not any(id(inner) in told for inner in _inside(node)):
                told.update({id(node)} if _judge(session, node, writing) else ())
            _warn_of_parts(session, node, writing)
        _warn_of_items(session, node, writing)
    for chain in _chains(session.conditions):
        if not any(id(one.condition) in told for one in chain):
            warn_of_turns(session, [one.condition for one in chain], chain[-1].otherwise.span)


def _is_formula(node: core.Node, own: set[int]) -> bool:
    """Says whether a condition is a formula put in place: its parts stand elsewhere."""
    if not isinstance(node, core.AllOf | core.AnyOf | core.Not):
        return False
    return any(id(part) not in own and part.span != node.span for part in core.children(node))


def _judge(session: Session, node: core.Node, writing: Writing) -> bool:
    """Warns of a condition that is always or never true; says whether it is."""
    if isinstance(node, core.Constant) and node.value is True:
        return False
    outcome = outcome_of(node)
    if outcome is False:
        message = "this condition is never true"
        session.warn("never_true", message, node.span, _pair(node, writing))
    if outcome is True:
        session.warn("always_true", "this condition is always true", node.span)
    return outcome is not None


def _pair(node: core.Node, writing: Writing) -> Phrase:
    """Names two parts of an `and` that exclude each other."""
    if not isinstance(node, core.AllOf):
        return NOTHING
    for one, other in combinations(node.items[:_TRIED], 2):
        if not holds_somewhere([one, other]):
            values = {"first": writing.at(one.span), "second": writing.at(other.span)}
            if values["first"] != values["second"]:
                return Phrase('"{first}" and "{second}" exclude each other', values)
    return NOTHING


def _inside(node: core.Node) -> Iterator[core.Node]:
    """Gives the conditions that a condition is made of, up to a number of them."""
    pending, count = [node], 0
    while pending and count < 2 * MAX_ATOMS:
        inner = pending.pop()
        count += 1
        yield inner
        if isinstance(inner, core.AllOf | core.AnyOf | core.Not | core.If):
            pending.extend(core.children(inner))


def _warn_of_parts(session: Session, node: core.Node, writing: Writing) -> None:
    """Warns of what stands twice among the parts of an `and` or `or`."""
    items = node.items if isinstance(node, core.AllOf | core.AnyOf) else ()
    for item in _repeated(items):
        word = writing.at(item.span)
        session.warn("twice", "this condition stands here twice", item.span, word=word)


def _warn_of_items(session: Session, node: core.Node, writing: Writing) -> None:
    """Warns of what stands twice in a list."""
    inner = node.operand if isinstance(node, core.Not) else node
    items = inner.items if isinstance(inner, core.Member) else ()
    for item in _repeated(items):
        word = writing.at(item.span)
        session.warn("twice", "{word} stands in this list twice", item.span, word=word)


def _repeated(items: Sequence[core.Node]) -> Sequence[core.Node]:
    """Gives the first item that stands among those before it, if there is one."""
    seen: set[Hashable] = set()
    for item in items:
        key = shape(item)
        if key in seen:
            return (item,)
        seen.add(key)
    return ()


def _chains(nodes: Sequence[core.Node]) -> Iterator[list[core.If]]:
    """Gives each `if … else if … else` as the ifs that it is made of, outermost first."""
    ifs = {id(node): node for node in nodes if isinstance(node, core.If)}
    inner = {id(node.otherwise) for node in ifs.values()}
    for key, node in ifs.items():
        if key in inner:
            continue
        chain = [node]
        while (following := ifs.get(id(chain[-1].otherwise))) is not None:
            chain.append(following)
        yield chain


def warn_of_turns(session: Session, conditions: Sequence[core.Node], rest: Span | None) -> None:
    """Warns of conditions asked in turn that those before leave nothing, and of such a rest.

    `rest` is the place of what is for the case that no condition holds; None without it.
    """
    try:
        space = make_space(conditions)
    except TooManyError:
        return
    left: list[Box] = [ANYWHERE]
    whole = False
    for place, condition in enumerate(conditions):
        here = space.where(condition)
        if place and here and not whole and not space.all_of([left, here]):
            session.warn("never_reached", _UNREACHED, condition.span, _TAKEN)
        others = space.where(condition, False)
        whole = whole or not others
        left = space.all_of([left, others])
    if len(conditions) > 1 and rest is not None and not left and not whole:
        session.warn("never_reached", _UNREACHED, rest, _TAKEN)


@dataclass(frozen=True, slots=True)
class Writing:
    """A text with the offsets at which its lines begin."""

    text: str
    lines: tuple[int, ...]

    def at(self, span: Span) -> str:
        """Gives what stands at a place, on one line."""
        start = self.lines[span.line - 1] + span.column - 1
        return " ".join(self.text[start : start + span.width].split())


def writing_of(text: str) -> Writing:
    """Gives a text ready to be quoted."""
    return Writing(text, (0, *(found.end() for found in re.finditer("\n", text))))
