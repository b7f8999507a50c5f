"""What a computed field looks at: which fields of which records, and the way there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rule_engine import core
from rule_engine.core import Scope
from rule_engine.functions import functions

PRESENT = "deleted_at"
"""The field that changes when a record comes or goes."""


@dataclass(frozen=True, slots=True)
class Up:
    """A step over a reference, to the record of `target` that it leads to."""

    source: str
    field: str
    target: str


@dataclass(frozen=True, slots=True)
class Down:
    """A step over a way back, to the records of `target` whose reference `field` leads here."""

    target: str
    field: str


Way = tuple[Up | Down, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """A field of `object` that is looked at, at the end of a way from the computed record."""

    way: Way
    object: str
    field: str

    def behind(self, way: Way) -> Read:
        """Gives what is read when the way here starts with another one."""
        return Read(way + self.way, self.object, self.field)


def reads_of(node: core.Node, object_name: str) -> frozenset[Read]:
    """Gives all that an expression about records of an object looks at, people's own fields not.

    The ways themselves are looked at too: each reference, and whether the records are there.
    """
    return frozenset(_reads(node, {Scope.RECORD: ((), object_name)}))


Places = Mapping[Scope, tuple[Way, str]]


def _reads(node: core.Node, places: Places) -> Iterator[Read]:
    match node:
        case core.Path(scope=scope, hops=hops):
            if scope in places:
                way, owner = places[scope]
                yield from _ups(way, hops)
                way, owner = _end(way, owner, hops)
                yield Read(way, owner, node.field)
        case core.Aggregate(scope=scope, hops=hops):
            if scope in places:
                way, owner = places[scope]
                yield from _ups(way, hops)
                inner = (*_end(way, owner, hops)[0], Down(node.target, node.field))
                yield Read(inner, node.target, node.field)
                yield Read(inner, node.target, PRESENT)
                around = {Scope.RECORD: (inner, node.target), Scope.OUTER: places[Scope.RECORD]}
                for child in core.children(node):
                    yield from _reads(child, around)
        case _:
            for child in core.children(node):
                yield from _reads(child, places)


def _end(way: Way, owner: str, hops: tuple[core.Hop, ...]) -> tuple[Way, str]:
    """Gives where references lead."""
    ups = tuple(Up(hop.source, hop.field, hop.target) for hop in hops)
    return way + ups, hops[-1].target if hops else owner


def _ups(way: Way, hops: tuple[core.Hop, ...]) -> Iterator[Read]:
    """Gives the references on a way, and whether there are records behind them."""
    for hop in hops:
        yield Read(way, hop.source, hop.field)
        way = (*way, Up(hop.source, hop.field, hop.target))
        yield Read(way, hop.target, PRESENT)


def is_volatile(node: core.Node) -> bool:
    """Says whether a value changes with the clock or with who asks."""
    return any(
        isinstance(each, core.Parameter)
        or (isinstance(each, core.Path) and each.scope is Scope.USER)
        or (isinstance(each, core.Aggregate) and each.scope is Scope.USER)
        or (isinstance(each, core.Call) and functions()[each.function].asks_user)
        for each in core.walk(node)
    )
