"""What a function reads more than once: such fields are loaded, followed and folded once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from rule_engine import core
from rule_engine.types import Kind


class Place(NamedTuple):
    """What a path means, wherever it is written."""

    scope: core.Scope
    hops: tuple[core.Hop, ...]
    field: str
    is_identity: bool


def place_of(path: core.Path) -> Place:
    """Gives a path without the place where it is written."""
    is_identity = path.type.kind is Kind.REFERENCE and path.field != "id"
    return Place(path.scope, path.hops, path.field, is_identity)


@dataclass(slots=True)
class Repeated:
    """What some expressions of one record read more than once, in the order of reading.

    `records` are the ways over references to it, shorter ones first; `folded` are the texts that
    are searched in more than once.
    """

    records: list[tuple[core.Hop, ...]] = field(default_factory=list)
    fields: list[core.Path] = field(default_factory=list)
    folded: list[core.Path] = field(default_factory=list)


def repeated(nodes: Sequence[core.Node]) -> Repeated:
    """Finds what is read more than once outside of aggregates."""
    paths: dict[Place, core.Path] = {}
    reads: Counter[Place] = Counter()
    searched: Counter[Place] = Counter()
    ways: Counter[tuple[core.Hop, ...]] = Counter()
    for part in outside_aggregates(nodes):
        if isinstance(part, core.Path) and part.scope is core.Scope.RECORD:
            place = place_of(part)
            paths.setdefault(place, part)
            reads[place] += 1
        elif isinstance(part, core.TextTest) and isinstance(part.left, core.Path):
            searched[place_of(part.left)] += 1
        elif isinstance(part, core.Aggregate) and part.scope is core.Scope.RECORD:
            ways.update(_ways(part.hops))
    for place in paths:
        ways.update(_ways(place.hops))
    found = Repeated()
    found.records = sorted((way for way, times in ways.items() if times > 1), key=len)
    found.fields = [path for place, path in paths.items() if reads[place] > 1]
    found.folded = [path for place, path in paths.items() if searched[place] > 1]
    return found


def _ways(hops: tuple[core.Hop, ...]) -> Iterator[tuple[core.Hop, ...]]:
    return (hops[:length] for length in range(1, len(hops) + 1))


def outside_aggregates(nodes: Sequence[core.Node]) -> Iterator[core.Node]:
    """Gives all parts of expressions that speak of the record itself, in written order."""
    pending = [*reversed(nodes)]
    while pending:
        current = pending.pop()
        yield current
        if not isinstance(current, core.Aggregate):
            pending.extend(reversed(core.children(current)))
