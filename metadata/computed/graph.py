"""The dependency graph of computed fields over all objects, and the order they are computed in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import cast

from metadata.computed.definitions import Computed, Key
from metadata.computed.reads import Down, Read, Up, is_volatile, reads_of


@dataclass(frozen=True, slots=True)
class Group:
    """Stored fields of one object that are computed together: none needs another one's value."""

    object: str
    fields: tuple[Computed, ...]


class Graph:
    """Computed fields by object and name, with what each looks at.

    Fields that lead back to themselves (see `cycles`) are looked at no further.
    """

    def __init__(self, fields: Mapping[Key, Computed]) -> None:
        self.fields = fields
        self._direct = {key: reads_of(one.node, one.object) for key, one in fields.items()}
        self._whole: dict[Key, frozenset[Read]] = {}
        self._ranks: dict[Key, int] = {}

    def direct(self, key: Key) -> frozenset[Read]:
        """Gives what a field's own expression looks at."""
        return self._direct[key]

    def reads(self, key: Key) -> frozenset[Read]:
        """Gives what a field looks at, virtual fields replaced by what these look at."""
        if key not in self._whole:
            self._whole[key] = frozenset()  # for a field that leads back to itself
            self._whole[key] = frozenset(self.through(self._direct[key]))
        return self._whole[key]

    def through(self, reads: Iterable[Read]) -> Iterator[Read]:
        """Gives what is looked at, virtual fields replaced by what these look at."""
        for read in reads:
            known = self.fields.get((read.object, read.field))
            if known is None or not known.field.virtual:
                yield read
            else:
                yield from (inner.behind(read.way) for inner in self.reads(known.key))

    def own_inputs(self, key: Key) -> frozenset[str]:
        """Gives the fields of the record itself that its computed field looks at."""
        return frozenset(read.field for read in self._direct[key] if not read.way)

    def sources(self, key: Key) -> list[Key]:
        """Gives the computed fields that a field's own expression looks at, in order."""
        found = {(read.object, read.field) for read in self._direct[key]}
        return sorted(found & self.fields.keys())

    def rank(self, key: Key) -> int:
        """Gives how many computed fields stand in a row before a field."""
        if key not in self._ranks:
            self._ranks[key] = 0  # for a field that leads back to itself
            ranks = [self.rank(source) for source in self.sources(key)]
            self._ranks[key] = 1 + max(ranks, default=-1)
        return self._ranks[key]

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The stored fields in the order they are computed in."""
        ranked: dict[tuple[int, str], list[Computed]] = {}
        for key in sorted(self.fields):
            one = self.fields[key]
            if not one.field.virtual:
                ranked.setdefault((self.rank(key), one.object), []).append(one)
        return tuple(Group(place[1], tuple(ranked[place])) for place in sorted(ranked))

    @cached_property
    def of_object(self) -> Mapping[str, tuple[Computed, ...]]:
        """The fields that are the same for everybody, by object, in the order for one record."""
        found: dict[str, list[Computed]] = {}
        for key in sorted(self.fields, key=lambda key: (self.rank(key), key)):
            if not self.fields[key].as_user:
                found.setdefault(key[0], []).append(self.fields[key])
        return {name: tuple(fields) for name, fields in found.items()}

    @cached_property
    def looked_at(self) -> Mapping[str, frozenset[str]]:
        """The fields by object that stored fields of other records may depend on."""
        found: dict[str, set[str]] = {}
        for group in self.groups:
            for one in group.fields:
                for read in self.reads(one.key):
                    if read.way:
                        found.setdefault(read.object, set()).add(read.field)
        return {name: frozenset(fields) for name, fields in found.items()}

    @cached_property
    def upward(self) -> Mapping[str, frozenset[tuple[Up, ...]]]:
        """The ways over references alone on which stored fields look, by object."""
        found: dict[str, set[tuple[Up, ...]]] = {}
        for group in self.groups:
            for one in group.fields:
                for read in self.reads(one.key):
                    steps = tuple(takewhile(lambda step: isinstance(step, Up), read.way))
                    if steps:
                        found.setdefault(group.object, set()).add(cast(tuple[Up, ...], steps))
        return {name: frozenset(ways) for name, ways in found.items()}

    def rolls_up(self, key: Key) -> bool:
        """Says whether a field looks from its own record straight at what refers to that."""
        reads = self.reads(key) if key in self.fields else ()
        return any(read.way and isinstance(read.way[0], Down) for read in reads)

    @cached_property
    def counted(self) -> frozenset[Down]:
        """The ways back over which stored fields look straight from their own record."""
        return frozenset(
            read.way[0]
            for group in self.groups
            for one in group.fields
            for read in self.reads(one.key)
            if read.way and isinstance(read.way[0], Down)
        )

    def steps_down(self, object_name: str, fields: Iterable[str]) -> Iterator[Down]:
        """Gives the ways back that virtual fields of an object look over, straight from it."""
        for name in fields:
            one = self.fields.get((object_name, name))
            for read in self.reads(one.key) if one is not None and one.field.virtual else ():
                if len(read.way) == 1 and isinstance(read.way[0], Down):
                    yield read.way[0]

    def virtual_levels(self, key: Key) -> int:
        """Gives how many virtual fields look at each other in a row, up to this field."""
        sources = (source for source in self.sources(key) if self.fields[source].field.virtual)
        return 1 + max((self.virtual_levels(source) for source in sources), default=0)

    def dependents(self, causes: Iterable[Key]) -> set[Key]:
        """Gives the stored fields that change when some fields do, whatever lies between."""
        pending, found = set(causes), set[Key]()
        for group in self.groups:
            for one in group.fields:
                read = {(each.object, each.field) for each in self.reads(one.key)}
                if one.key in pending or read & pending:
                    found.add(one.key)
                    pending.add(one.key)
        return found

    @cached_property
    def volatile(self) -> frozenset[Key]:
        """The fields that change with the clock or with who asks, by whatever they look at."""
        found = {key for key, one in self.fields.items() if one.as_user or is_volatile(one.node)}
        return frozenset(self._spread(found))

    def _spread(self, found: set[Key]) -> set[Key]:
        """Gives fields together with all that look at them."""
        while True:
            more = {key for key in self.fields.keys() - found if found & {*self.sources(key)}}
            if not more:
                return found
            found |= more

    def cycles(self) -> Iterator[tuple[Key, ...]]:
        """Gives each circle of fields once: from its first field, in order, back to it."""
        seen: set[frozenset[Key]] = set()
        for start in sorted(self.fields):
            circle = self._circle(start)
            if circle and circle[0] == min(circle) and frozenset(circle) not in seen:
                seen.add(frozenset(circle))
                yield circle

    def _circle(self, start: Key) -> tuple[Key, ...] | None:
        """Gives a shortest way from a field back to itself."""
        ways: list[tuple[Key, ...]] = [(start,)]
        known = {start}
        for way in ways:
            for source in self.sources(way[-1]):
                if source == start:
                    return way
                if source not in known:
                    known.add(source)
                    ways.append((*way, source))
        return None
