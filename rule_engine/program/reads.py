"""Fetch plans: which records around a record its rules look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rule_engine import core
from rule_engine.core import Scope

Way = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reads:
    """What is looked at from the records of one object.

    `paths` are tuples of field names from the object over references; `links` are tuples whose last
    name is a link (the names before it lead there), each with what is looked at from its records.
    """

    paths: frozenset[Way]
    within: Mapping[Way, Reads] = field(default_factory=dict)

    @property
    def links(self) -> frozenset[Way]:
        """The ways over links."""
        return frozenset(self.within)


class _Plan:
    """A fetch plan in the making."""

    def __init__(self) -> None:
        self.paths: set[Way] = set()
        self.within: dict[Way, _Plan] = {}

    def freeze(self) -> Reads:
        within = {way: plan.freeze() for way, plan in self.within.items()}
        return Reads(frozenset(self.paths), within)


def reads_of(nodes: Iterable[core.Node]) -> Reads:
    """Gives the fetch plan of expressions about the records of one object."""
    root = _Plan()
    for node in nodes:
        _note(node, {Scope.RECORD: root, Scope.OLD: root})
    return root.freeze()


def _note(node: core.Node, plans: Mapping[Scope, _Plan]) -> None:
    """Notes what a node looks at; the acting person's records are nobody's plan."""
    match node:
        case core.Path(scope=scope, hops=hops):
            if scope in plans:
                plans[scope].paths.add((*(hop.field for hop in hops), node.field))
        case core.Aggregate(scope=scope, hops=hops):
            inner = _Plan()
            if scope in plans:
                way = tuple(hop.field for hop in hops)
                inner = plans[scope].within.setdefault((*way, node.link), inner)
                plans[scope].paths.update(way[: length + 1] for length in range(len(way)))
            around = {**plans, Scope.RECORD: inner, Scope.OUTER: plans[Scope.RECORD]}
            for child in core.children(node):
                _note(child, around)
        case _:
            for child in core.children(node):
                _note(child, plans)
