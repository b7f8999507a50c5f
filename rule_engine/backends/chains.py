"""Long chains: sums and conditions become balanced trees, so that no depth limit is met."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from rule_engine import core
from rule_engine.types import Kind

NUMBERS = frozenset({Kind.NUMBER, Kind.PERCENT})
Item = TypeVar("Item")


def is_plain(node: core.Arithmetic) -> bool:
    """Says whether both sides are numbers or percents."""
    return {node.left.type.kind, node.right.type.kind} <= NUMBERS


def split_sum(node: core.Node) -> tuple[list[core.Node], list[core.Node]]:
    """Gives the terms of a sum of numbers: those added and those taken away."""
    added: list[core.Node] = []
    taken: list[core.Node] = []
    while isinstance(node, core.Arithmetic) and node.op in "+-" and is_plain(node):
        (added if node.op == "+" else taken).append(node.right)
        node = node.left
    return [node, *reversed(added)], taken[::-1]


def balance(items: Sequence[Item], join: Callable[[Item, Item], Item]) -> Item:
    """Joins one item or more, two by two."""
    if len(items) == 1:
        return items[0]
    half = len(items) // 2
    return join(balance(items[:half], join), balance(items[half:], join))
