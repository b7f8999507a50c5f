"""The outline of a text: its statements and their parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rule_engine import tree
from rule_engine.editor.repair import parsable
from rule_engine.errors import Span
from rule_engine.parse import parse


@dataclass(frozen=True, slots=True)
class Symbol:
    """A named part of a text. `kind` is its keyword; `object` as written, empty without one.

    `span` is the place of the name (or of the part, where it has none), `parts` are inside it.
    """

    kind: str
    name: str
    label: str
    object: str
    span: Span
    parts: tuple[Symbol, ...] = ()


def outline(text: str) -> list[Symbol]:
    """Gives the statements of a text that parse, in written order."""
    return [_symbol(statement) for statement in parse(parsable(text)).statements]


def _symbol(statement: tree.Statement) -> Symbol:
    match statement:
        case tree.Test():
            name = statement.name
            return Symbol("test", name.value, f"of {statement.of.text}", "", name.span)
        case tree.Calendar():
            name_of = statement.name
            return Symbol("calendar", name_of.text, statement.label or "", "", name_of.span)
    head = statement.head
    kind = type(statement).__name__.lower()
    parts = tuple(_parts(statement))
    return Symbol(kind, head.name.text, head.label or "", head.object.text, head.name.span, parts)


def _parts(statement: tree.Statement) -> Iterator[Symbol]:
    match statement:
        case tree.Score():
            yield from _groups(statement.statements)
        case tree.Table():
            for output in statement.outputs:
                yield Symbol("output", output.text, "", "", output.span)
        case tree.Approval():
            for stage in statement.statements:
                yield from _stage(stage)
        case tree.Sla():
            for line in statement.statements:
                if isinstance(line, tree.Target):
                    yield Symbol("target", line.name.text, line.label or "", "", line.name.span)


def _groups(statements: tuple[tree.ScoreStatement, ...]) -> Iterator[Symbol]:
    for one in statements:
        if isinstance(one, tree.ItemGroup):
            label = one.label
            yield Symbol("group", "", label.value, "", label.span, tuple(_groups(one.statements)))


def _stage(stage: tree.ApprovalStatement) -> Iterator[Symbol]:
    if isinstance(stage, tree.Step):
        yield Symbol("step", stage.name.text, stage.label or "", "", stage.name.span)
    elif isinstance(stage, tree.ParallelSteps):
        steps = tuple(symbol for step in stage.steps for symbol in _stage(step))
        yield Symbol("parallel", "", stage.label or "", "", stage.span, steps)
