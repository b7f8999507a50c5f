"""What scores look at beyond their own records: which changes make whose points wrong."""

from __future__ import annotations

from collections.abc import Mapping

from metadata.computed.graph import Graph
from metadata.computed.reads import Read, reads_of
from rule_engine import Program
from rule_engine.program.whole import outer_nodes

ScoreKey = tuple[str, str]
"""The object and the name of a score."""
ScoredWays = Mapping[str, Mapping[ScoreKey, frozenset[Read]]]
"""By object what scores look at in its records, from elsewhere."""


def scored_ways(program: Program, computed: Graph) -> ScoredWays:
    """Gives what scores look at in other records; virtual fields are looked through."""
    found: dict[str, dict[ScoreKey, frozenset[Read]]] = {}
    for score in program.scores:
        key = score.object, score.name
        direct = {read for node in outer_nodes(score) for read in reads_of(node, score.object)}
        for read in computed.through(direct):
            if read.way:
                known = found.setdefault(read.object, {})
                known[key] = known.get(key, frozenset()) | {read}
    return found
