"""Formulas in place of the fields that hold them, where a record is not saved yet: an open form."""

from __future__ import annotations

from decimal import Decimal

from metadata.computed.definitions import Computed
from metadata.computed.graph import Graph
from metadata.query.sealed import with_children
from rule_engine import core
from rule_engine.columns import Scaled
from rule_engine.core import Scope
from rule_engine.types import Kind, Type

FORMULA = "formula"


def written_out(node: core.Node, graph: Graph, object_name: str) -> core.Node:
    """Gives an expression that needs no formula of the record's own fields to be computed before.

    The same node when there is none. Formulas that look at other records stay as they are.
    """
    if not any(formula_of(one, graph, object_name) for one in core.walk(node)):
        return node

    def again(one: core.Node) -> core.Node:
        found = formula_of(one, graph, object_name)
        if found is not None:
            return rounded(again(found.node), found)
        if isinstance(one, (core.Aggregate, core.OptionAttribute, core.Changed)):
            return one
        return with_children(one, again)

    return again(node)


def formula_of(node: core.Node, graph: Graph, object_name: str) -> Computed | None:
    """Gives the formula behind a path to one of the record's own fields."""
    if not isinstance(node, core.Path) or node.hops or node.scope is not Scope.RECORD:
        return None
    found = graph.fields.get((object_name, node.field))
    if found is None or found.keyword != FORMULA or node.object != object_name:
        return None
    return None if any(read.way for read in graph.reads(found.key)) else found


def rounded(node: core.Node, one: Computed) -> core.Node:
    """Gives a number with the places that the field keeps."""
    kept = one.field.type.kept_form(one.field)
    if not isinstance(kept.column, Scaled) or node.type.kind is Kind.CLOCK_LENGTH:
        return node
    places = kept.column.scale if kept.places is None else kept.places.usual
    count = core.Constant(Type(Kind.NUMBER), False, node.span, Decimal(places))
    return core.Call(node.type, node.nullable, node.span, "round", (node, count))
