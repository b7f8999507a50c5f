"""The conditions that a text asks, each once where it is written: what tests should make true."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from rule_engine import core, program, tree
from rule_engine.check.reachability import Writing, writing_of
from rule_engine.check.session import Session
from rule_engine.program import Condition, outer_nodes
from rule_engine.types import Kind

#: A condition, and whether tests should make it true (of what is required: false).
_Asked = tuple[core.Node, bool]


#: A formula and its values, one for each output.
Built = tuple[tree.Define | tree.Table, Sequence[core.Node]]


def conditions_in(
    session: Session,
    text: str,
    definitions: Sequence[program.Definition],
    formulas: Sequence[Built],
) -> Iterator[Condition]:
    """Gives the conditions of a text's definitions and formulas, parts of `and` and `or` too.

    Those of formulas put in place are told where the formula is written, those inside aggregates
    belong to other records and are left out; so is what `until` asks of a candidate.
    """
    own = {id(node) for node in session.conditions}
    writing = writing_of(text)
    for definition in definitions:
        asked = _of_definition(definition, own)
        yield from _written(asked, writing, definition.object, session.source)
    for formula, built in formulas:
        owner = session.schema.object(formula.head.object.text)
        if owner is not None and built:
            is_table = isinstance(formula, tree.Table)
            asked = _rows(built[0]) if is_table else _asked(built[0], own, wanted=True)
            yield from _written(asked, writing, owner.name, session.source)


def _of_definition(definition: program.Definition, own: Collection[int]) -> Iterator[_Asked]:
    required = set(_required(definition))
    left_out = {id(node) for node in _untils(definition)}
    for node in outer_nodes(definition):
        if id(node) not in left_out:
            yield from _asked(node, own, wanted=id(node) not in required)


def _written(
    asked: Iterator[_Asked], writing: Writing, owner: str, source: str
) -> Iterator[Condition]:
    seen: set[tuple[int, int, int]] = set()
    for node, wanted in asked:
        place = node.span.line, node.span.column, node.span.width
        if place not in seen and not isinstance(node, core.Constant):
            seen.add(place)
            yield Condition(owner, node, wanted, writing.at(node.span), source)


def _required(definition: program.Definition) -> Iterator[int]:
    if isinstance(definition, program.Validation):
        yield from (id(one.condition) for one in definition.checks if one.kind == "require")


def _untils(definition: program.Definition) -> Iterator[core.Node]:
    if isinstance(definition, program.Approval):
        yield from (step.until for step in definition.steps if step.until is not None)


def _asked(
    node: core.Node,
    own: Collection[int],
    *,
    wanted: bool,
    seen: set[tuple[int, bool]] | None = None,
) -> Iterator[_Asked]:
    """Gives the conditions in an expression; `own` are those that the text itself has written.

    `seen` are the nodes looked at: a formula may stand in many places.
    """
    seen = set() if seen is None else seen
    if (id(node), wanted) in seen:
        return
    seen.add((id(node), wanted))
    match node:
        case core.Aggregate():
            return
        case core.If(condition=condition) if id(condition) not in own:
            return
        case core.Case():
            return
    if id(node) in own and node.type.kind is Kind.BOOLEAN and not isinstance(node, core.If):
        yield node, wanted
    if isinstance(node, core.AllOf | core.AnyOf | core.Not) and _is_put_in_place(node, own):
        return
    same = isinstance(node, core.AllOf | core.AnyOf)
    for child in core.children(node):
        yield from _asked(child, own, wanted=wanted if same else True, seen=seen)


def _is_put_in_place(node: core.Node, own: Collection[int]) -> bool:
    return any(id(part) not in own and part.span != node.span for part in core.children(node))


def _rows(node: core.Node) -> Iterator[_Asked]:
    """Gives the conditions of a table's rows, from the value that it was made into."""
    match node:
        case core.Case(arms=arms):
            yield from ((condition, True) for condition, _ in arms)
        case core.If(condition=condition):
            yield condition, True
        case core.Arithmetic(left=left, right=right):
            yield from _rows(left)
            yield from _rows(right)
