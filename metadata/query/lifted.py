"""Conditions without their values: those that differ in nothing else share one statement.

Only values that do not decide what a condition becomes in SQL are lifted: what a plain field is
compared with. All others (members of lists, lengths of time, amounts of money, numbers on SQLite,
whose scale is part of the text) stay where they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from metadata.query.sealed import NOWHERE, is_sealed, with_children
from rule_engine.arithmetic import ONE
from rule_engine.core import Compare, Constant, Given, LocalInstant, Node, Path, Scope, TextTest
from rule_engine.text import clean, fold
from rule_engine.types import Kind, Schema

PREFIX: Final = "given_"
PLAIN: Final = frozenset(
    {Kind.TEXT, Kind.CHOICE, Kind.REFERENCE, Kind.DATE, Kind.INSTANT, Kind.TIME}
)
NUMBERS: Final = frozenset({Kind.NUMBER, Kind.PERCENT})


@dataclass(frozen=True, slots=True)
class Lifted:
    """A checked condition with `Given` in the place of its `values`, by their names; or none.

    Conditions with equal `key` are the same but for the values and for where they are written.
    """

    node: Node | None = None
    key: str = ""
    values: Mapping[str, object] = field(default_factory=dict)


NO_CONDITION: Final = Lifted()


def lift(node: Node, schema: Schema, dialect: str) -> Lifted:
    """Lifts the values out of a checked condition."""
    kinds = PLAIN | NUMBERS if dialect == "postgresql" else PLAIN
    values: dict[str, object] = {}

    def given(value: Node, change: Callable[[str], str | None]) -> Node:
        if isinstance(value, LocalInstant):
            return replace(value, date=given(value.date, change))
        if not isinstance(value, Constant) or value.value is None or value.type.kind not in kinds:
            return value
        is_text = value.type.kind is Kind.TEXT
        found = change(str(value.value)) if is_text else value.value
        if found is None:
            return value
        name = f"{PREFIX}{len(values)}"
        values[name] = found
        return Given(value.type, value.nullable, value.span, name)

    def again(one: Node) -> Node:
        match one:
            case Compare() if is_plain(one.left, schema):
                return replace(one, right=given(one.right, clean))
            case Compare() if is_plain(one.right, schema):
                return replace(one, left=given(one.left, clean))
            case TextTest(right=Constant(value=str(text))) if text and is_plain(one.left, schema):
                return replace(one, right=given(one.right, fold))
        return with_children(one, again)

    lifted = again(node)
    return Lifted(lifted, repr(without_places(lifted)), values)


def with_numbers(node: Node) -> Node:
    """Gives a lifted condition as it is on SQLite, where numbers stay: as deep, whichever they
    are."""
    if isinstance(node, Given) and node.type.kind in NUMBERS:
        return Constant(node.type, node.nullable, node.span, ONE)
    return with_children(node, with_numbers)


def is_plain(node: Node, schema: Schema) -> bool:
    """Says whether a node is a field of a record that is stored as it reads."""
    is_field = isinstance(node, Path) and node.scope is not Scope.USER
    return is_field and not is_sealed(node, schema)


def without_places(node: Node) -> Node:
    """Gives a condition that does not say where it is written."""
    return replace(with_children(node, without_places), span=NOWHERE)
