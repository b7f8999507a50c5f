"""What rules look at: which changes make the rules of other records run again."""

from __future__ import annotations

from collections.abc import Iterable

from metadata.computed.graph import Graph
from metadata.links import Links
from rule_engine import Program
from rule_engine.program.reads import reads_of
from rule_engine.program.whole import outer_nodes


def watched_fields(program: Program, objects: Iterable[str]) -> dict[str, frozenset[str]]:
    """Gives the fields by object that its before-save rules and scores look at."""
    found = {}
    for name in objects:
        rules = program.for_object(name)
        nodes = (
            node
            for definition in (*rules.before_save, *rules.scores)
            for node in outer_nodes(definition)
        )
        found[name] = frozenset(way[0] for way in reads_of(nodes).paths)
    return found


def watched_references(
    program: Program, links: Links, computed: Graph
) -> frozenset[tuple[str, str]]:
    """Gives the references (object, field) over which rules of their targets look at the object.

    Virtual fields that rules look at are looked through.
    """
    rules = {
        (ways[way[0]].target, ways[way[0]].field)
        for name, ways in links.items()
        for way in program.reads(name).links
        if len(way) == 1
    }
    virtual = {
        (step.target, step.field)
        for name, fields in watched_fields(program, links).items()
        for step in computed.steps_down(name, fields)
    }
    return frozenset(rules | virtual)
