"""Who sets off whom: definitions, and what one writes that another listens to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from rule_engine import program
from rule_engine.check.hearing import Ear, Write, ear_of, writes_of

Word = Literal["rule", "score", "assign", "approval", "sla"]
Moment = Literal["before", "after", "score", "time"]


@dataclass(frozen=True, slots=True, eq=False)
class Vertex:
    """A definition. `moment` is when it acts; `time` stands for all that no save sets off."""

    kind: Word
    name: str
    object: str
    moment: Moment
    definition: program.Definition = field(repr=False)
    writes: tuple[Write, ...] = field(repr=False)
    ear: Ear = field(repr=False)


@dataclass(frozen=True, slots=True)
class Edge:
    """`writer` sets `object.field`, which `listener` listens to; `field` "*": it creates one.

    `own` says that both act on the same record.
    """

    writer: Vertex
    listener: Vertex
    object: str
    field: str
    own: bool


@dataclass(frozen=True, slots=True)
class Graph:
    """Definitions and who sets off whom, in written order."""

    vertices: tuple[Vertex, ...]
    edges: tuple[Edge, ...]

    def to_text(self) -> str:
        """Gives one line for each edge, and for each definition without one."""
        lines = [
            f"{_title(e.writer)} --{e.object}.{e.field}--> {_title(e.listener)}" for e in self.edges
        ]
        linked = {vertex for e in self.edges for vertex in (e.writer, e.listener)}
        alone = [_title(vertex) for vertex in self.vertices if vertex not in linked]
        return "\n".join([*lines, *alone])

    def to_mermaid(self) -> str:
        """Gives a flow chart in Mermaid's language."""
        names = {vertex: f"n{number}" for number, vertex in enumerate(self.vertices)}
        lines = ["flowchart LR"]
        lines += [f'    {names[vertex]}["{_title(vertex)}"]' for vertex in self.vertices]
        lines += [
            f"    {names[e.writer]} -->|{e.object}.{e.field}| {names[e.listener]}"
            for e in self.edges
        ]
        return "\n".join(lines)

    def to_json(self) -> str:
        """Gives a JSON object of `nodes` and `edges`; edges name their ends by number."""
        numbers = {vertex: number for number, vertex in enumerate(self.vertices)}
        nodes = [
            {
                "kind": v.kind,
                "name": v.name,
                "object": v.object,
                "moment": v.moment,
                "source": v.definition.source,
                "line": v.definition.span.line,
            }
            for v in self.vertices
        ]
        edges = [
            {
                "from": numbers[e.writer],
                "to": numbers[e.listener],
                "object": e.object,
                "field": e.field,
            }
            for e in self.edges
        ]
        return json.dumps({"nodes": nodes, "edges": edges}, ensure_ascii=False, indent=2)


def graph_of(whole: program.Program) -> Graph:
    """Gives the graph of a program."""
    definitions: tuple[program.Definition, ...] = (
        *(*whole.rules, *whole.scores, *whole.assignments),
        *(*whole.approvals, *whole.service_levels),
    )
    vertices = tuple(map(vertex_of, definitions))
    return Graph(vertices, tuple(edges_among(vertices)))


def vertex_of(definition: program.Definition) -> Vertex:
    """Gives a definition with what it writes and listens to."""
    kind, moment = _kind_and_moment(definition)
    writes, ear = writes_of(definition), ear_of(definition)
    return Vertex(kind, definition.name, definition.object, moment, definition, writes, ear)


def _kind_and_moment(definition: program.Definition) -> tuple[Word, Moment]:
    match definition:
        case program.Rule(trigger=program.OnEvent(timing=timing)):
            return "rule", timing
        case program.Rule():
            return "rule", "time"
        case program.Score():
            return "score", "score"
        case program.Assignment(trigger=program.OnEvent()):
            return "assign", "after"
        case program.Assignment():
            return "assign", "time"
        case program.Approval():
            return "approval", "time"
    return "sla", "time"


def edges_among(vertices: Sequence[Vertex]) -> Iterator[Edge]:
    """Gives who sets off whom, each field once, writers in their order."""
    listeners = _Listeners(vertices)
    for writer in vertices:
        told: set[tuple[Vertex, str, str]] = set()
        for write in writer.writes:
            for listener in listeners.of(write):
                key = listener, write.object, write.field
                if key in told or not listener.ear.hears(write):
                    continue
                if can_follow(writer, listener):
                    told.add(key)
                    yield Edge(writer, listener, write.object, write.field, write.own)


class _Listeners:
    """Finds the definitions that may hear a write, in written order."""

    def __init__(self, vertices: Sequence[Vertex]) -> None:
        self._numbers = {vertex: number for number, vertex in enumerate(vertices)}
        self._by_field: dict[tuple[str, str], list[Vertex]] = {}
        self._of_all: dict[str, list[Vertex]] = {}
        self._of_object: dict[str, list[Vertex]] = {}
        for vertex in vertices:
            self._of_object.setdefault(vertex.object, []).append(vertex)
            if vertex.ear.fields is None:
                self._of_all.setdefault(vertex.object, []).append(vertex)
            for name in vertex.ear.fields or ():
                self._by_field.setdefault((vertex.object, name), []).append(vertex)

    def of(self, write: Write) -> Sequence[Vertex]:
        """Gives those of the field, and those that listen to every field."""
        if write.creates:
            return self._of_object.get(write.object, ())
        found = self._by_field.get((write.object, write.field), [])
        every = self._of_all.get(write.object, [])
        return sorted([*found, *every], key=self._numbers.__getitem__) if every else found


def can_follow(writer: Vertex, listener: Vertex) -> bool:
    """Says whether one can act because of the other: before a save rules make one pass."""
    if writer.moment == listener.moment == "before" and writer.object == listener.object:
        first, second = writer.definition, listener.definition
        if isinstance(first, program.Rule) and isinstance(second, program.Rule):
            return first.running_order < second.running_order
    if writer.moment == "score" and listener.moment == "before":
        return False
    return writer is not listener or writer.moment != "score"


def knots(vertices: Sequence[Vertex]) -> Iterator[list[Vertex]]:
    """Gives the groups of definitions that may set each other off in circles, in written order.

    This is quick and may name too many: conditions are not looked at. See Tarjan, Depth-first
    search and linear graph algorithms (1972).
    """
    listeners = _Listeners(vertices)
    following: dict[object, list[object]] = {}
    for vertex in vertices:
        following[vertex] = [_place(write) for write in vertex.writes]
        for write in vertex.writes:
            if _place(write) not in following:
                following[_place(write)] = list(listeners.of(write))
    order = {vertex: number for number, vertex in enumerate(vertices)}
    for group in _strong_groups(following):
        members = [one for one in group if isinstance(one, Vertex)]
        if members and len(group) > 1:
            yield sorted(members, key=order.__getitem__)


def _place(write: Write) -> tuple[str, str]:
    return write.object, write.field


def _strong_groups(following: Mapping[object, Sequence[object]]) -> Iterator[list[object]]:
    """Gives the strongly connected groups of a graph, without recursion."""
    index: dict[object, int] = {}
    low: dict[object, int] = {}
    stack: list[object] = []
    waiting: set[object] = set()
    for root in following:
        if root in index:
            continue
        work = [(root, iter(following[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        waiting.add(root)
        while work:
            node, rest = work[-1]
            after = next(rest, None)
            if after is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    group = [stack.pop()]
                    while group[-1] is not node:
                        group.append(stack.pop())
                    waiting.difference_update(group)
                    yield group
            elif after not in index:
                index[after] = low[after] = len(index)
                stack.append(after)
                waiting.add(after)
                work.append((after, iter(following.get(after, ()))))
            elif after in waiting:
                low[node] = min(low[node], index[after])


def _title(vertex: Vertex) -> str:
    return f"{vertex.kind} {vertex.name}"
