"""Rules that would set each other off in a circle, and rules that read what is set too late."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from rule_engine import program
from rule_engine.check.graph import Edge, Vertex, edges_among, knots, vertex_of
from rule_engine.errors import Diagnostic, Span, finding


def loops_in(definitions: Sequence[program.Definition]) -> list[Diagnostic]:
    """Gives an error for each circle, and a warning for each rule that comes too early."""
    vertices = [vertex_of(definition) for definition in definitions]
    return [*map(_report, circles(vertices)), *_too_early(vertices)]


def circles(vertices: Sequence[Vertex]) -> Iterator[tuple[Vertex, ...]]:
    """Gives the circles of rules that set each other off without end in sight.

    A rule with a `max depth` breaks its circles; what runs before saving or by the clock starts
    none. Nor does a circle on one record through a rule without a condition: such a rule runs once
    for each record. Of each knot the shortest circle through its first rule is given.
    """
    free = [vertex for vertex in vertices if vertex.moment != "time" and not _is_bounded(vertex)]
    for knot in knots(free):
        following: dict[Vertex, list[Edge]] = {}
        for edge in edges_among(knot):
            following.setdefault(edge.writer, []).append(edge)
        told: set[Vertex] = set()
        for vertex in knot:
            if vertex.moment == "after" and vertex not in told:
                circle = _way_back(vertex, following)
                told.update(circle)
                if circle:
                    yield circle


def _is_bounded(vertex: Vertex) -> bool:
    definition = vertex.definition
    return isinstance(definition, program.Rule) and definition.max_depth is not None


def _way_back(start: Vertex, following: Mapping[Vertex, Sequence[Edge]]) -> tuple[Vertex, ...]:
    """Gives the shortest circle through a definition; nothing when there is none.

    On the way is noted whether it left the record, and whether it came to a rule that runs only
    once for each record.
    """
    ways: deque[tuple[tuple[Vertex, ...], bool, bool]] = deque([((start,), False, False)])
    seen: set[tuple[Vertex, bool, bool]] = set()
    while ways:
        way, left, once = ways.popleft()
        for edge in following.get(way[-1], ()):
            now_left = left or not edge.own
            now_once = once or _runs_once(edge.listener)
            if edge.listener is start and (now_left or not now_once):
                return way
            state = edge.listener, now_left, now_once
            if state not in seen:
                seen.add(state)
                ways.append(((*way, edge.listener), now_left, now_once))
    return ()


def _runs_once(vertex: Vertex) -> bool:
    """Says whether a rule runs at most once for each record in a chain, whatever has changed."""
    return vertex.kind == "rule" and vertex.moment == "after" and vertex.ear.fields is None


def _report(vertices: tuple[Vertex, ...]) -> Diagnostic:
    found = finding(
        "rule_circle",
        "these rules set each other off in a circle: {names}",
        _word_of(vertices[0]),
        "let a condition end it, or say how deep it may go: write  max depth 3",
        names=" → ".join(vertex.name for vertex in (*vertices, vertices[0])),
    )
    return replace(found, source=vertices[0].definition.source)


def _word_of(vertex: Vertex) -> Span:
    """Gives the place of the word that a definition begins with."""
    return replace(vertex.definition.span, width=len(vertex.kind))


def _too_early(vertices: Sequence[Vertex]) -> Iterator[Diagnostic]:
    """Gives before-save rules whose condition reads what only a later one sets."""
    before = [v for v in vertices if v.kind == "rule" and v.moment == "before"]
    last: dict[tuple[str, str, str, bool], Vertex] = {}
    for vertex in sorted(before, key=_order):
        for write in vertex.writes:
            for event in _events(vertex):
                last[write.object, write.field, event, False] = vertex
                if _rule(vertex).order is None:
                    last[write.object, write.field, event, True] = vertex
    for reader in before:
        rule = _rule(reader)
        # An order that is written on both sides is meant.
        kinds = [
            (name, event) for name in sorted(reader.ear.fields or ()) for event in _events(reader)
        ]
        for name, event in kinds:
            writer = last.get((reader.object, name, event, rule.order is not None))
            if writer is not None and _order(writer) > _order(reader):
                yield _late(reader, name, writer)
                break


def _late(reader: Vertex, name: str, writer: Vertex) -> Diagnostic:
    found = finding(
        "set_too_late",
        '"{field}" is set by "{writer}", which runs after this rule',
        _word_of(reader),
        "write  order 1  and  order 2  to say which comes first",
        field=name,
        writer=writer.name,
    )
    return replace(found, severity="warning", source=reader.definition.source)


def _rule(vertex: Vertex) -> program.Rule:
    if isinstance(vertex.definition, program.Rule):
        return vertex.definition
    raise TypeError(vertex.kind)


def _order(vertex: Vertex) -> tuple[bool, object, str]:
    return _rule(vertex).running_order


def _events(vertex: Vertex) -> Iterator[str]:
    if vertex.ear.creates:
        yield "create"
    if vertex.ear.updates:
        yield "update"
