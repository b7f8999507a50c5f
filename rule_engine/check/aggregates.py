"""Aggregates: count, sum, min, max, avg, any, all, none, latest and join over a link."""

from __future__ import annotations

from dataclasses import replace

from rule_engine import core, tree
from rule_engine.check.paths import Way, check_path
from rule_engine.check.session import Origin, Place, Session, is_kind
from rule_engine.check.words import say
from rule_engine.core import Scope
from rule_engine.errors import Span
from rule_engine.messages import Phrase
from rule_engine.ordering import ORDERED
from rule_engine.types import Kind, Link, Type

#: The aggregates with an example of each.
AGGREGATES = {
    "count": "count(lines where quantity > 1)",
    "sum": "sum(lines.total)",
    "min": "min(lines.total)",
    "max": "max(lines.total)",
    "avg": "avg(lines.total)",
    "any": "any(lines where quantity > 1)",
    "all": "all(lines where quantity > 1)",
    "none": "none(lines where quantity > 1)",
    "latest": "latest(lines.total by created_at)",
    "join": 'join(lines.name, ", ")',
}
_TESTS = ("any", "all", "none")
_SUMMABLE = (Kind.NUMBER, Kind.PERCENT, Kind.MONEY, Kind.CLOCK_LENGTH)
_BOOLEAN, _NUMBER = Type(Kind.BOOLEAN), Type(Kind.NUMBER)


def aggregate(
    session: Session, place: Place, call: tree.Call, way: Way, link: Link
) -> core.Node | None:
    """Gives the node of an aggregate over `link`; `way.rest` is what is looked at in each."""
    target = session.schema.object(link.target)
    if target is None:
        template = '"{name}" leads to the unknown object "{object}"'
        session.report("unknown_object", template, call.span, name=link.name, object=link.target)
        return None
    inner = _inside(place, Origin(Scope.RECORD, (), target))
    count = len(session.found)
    argument = _argument(session, inner, call, way.rest)
    where = None if call.where is None else _condition(session, inner, call.where)
    order = None if call.by is None else _order(session, inner, call)
    separator = _separator(session, call)
    result = _result(session, call, argument) if len(session.found) == count else None
    if result is None or len(session.found) > count:
        return None
    kind, nullable = result
    return core.Aggregate(
        kind,
        nullable,
        call.span,
        call.function.text,
        way.origin.scope,
        way.origin.hops,
        way.origin.object.name,
        link.name,
        target.name,
        link.field,
        argument,
        where,
        order,
        separator,
    )


def _inside(place: Place, record: Origin) -> Place:
    """Gives the place between the brackets: `this` is what the record was outside."""
    around = place.record
    outer: Origin | None = around
    if around.scope is Scope.RECORD:
        outer = replace(around, scope=Scope.OUTER)
    elif around.scope is Scope.OUTER:
        outer = None  # two records out: the core language names only one
    return replace(place, record=record, outer=outer, in_aggregate=True, candidate=None)


def _argument(
    session: Session, inner: Place, call: tree.Call, rest: tuple[tree.Name, ...]
) -> core.Node | None:
    name = call.function.text
    if name in _TESTS:
        if rest:
            template, example = '"{name}" needs a condition', AGGREGATES[name]
            session.report(
                "no_condition",
                template,
                rest[0].span,
                "e.g.  {example}",
                name=name,
                example=example,
            )
        return None
    if not rest:
        if name != "count":
            session.report(
                "needs_field",
                '"{name}" needs a field of the records',
                call.arguments[0].span,
                "e.g.  {example}",
                name=name,
                example=AGGREGATES[name],
            )
        return None
    first, last = rest[0].span, rest[-1].span
    span = Span(first.line, first.column, max(1, last.column + last.width - first.column))
    return check_path(session, inner, tree.Path(span, rest))


def _condition(session: Session, inner: Place, written: tree.Expression) -> core.Node | None:
    node = session.check(inner, written)
    if node is not None and not is_kind(node, Kind.BOOLEAN):
        session.report("not_a_condition", "{found} is not a condition", node.span, found=say(node))
        return None
    if node is not None:
        session.conditions.append(node)
    return node


def _order(session: Session, inner: Place, call: tree.Call) -> core.Node | None:
    if call.by is None:
        return None
    if call.function.text not in ("latest", "join"):
        name = call.function.text
        session.report("no_by", '"{name}" has no order', call.by.span, name=name)
        return None
    node = session.check(inner, call.by)
    if node is not None and node.type.kind not in ORDERED:
        session.report("no_order", "{found} has no order", node.span, found=say(node))
        return None
    return node


def _separator(session: Session, call: tree.Call) -> str:
    extra = call.arguments[1:]
    if call.function.text == "join":
        if len(extra) == 1 and isinstance(extra[0], tree.String):
            return extra[0].value
        span = extra[0].span if extra else call.span
        session.report(
            "argument_count",
            "join needs a text to put between",
            span,
            "e.g.  {example}",
            example=AGGREGATES["join"],
        )
    elif extra:
        session.report(
            "argument_count",
            '"{name}" of a link takes one argument',
            extra[0].span,
            "e.g.  {example}",
            name=call.function.text,
            example=AGGREGATES[call.function.text],
        )
    return ""


def _result(
    session: Session, call: tree.Call, argument: core.Node | None
) -> tuple[Type, bool] | None:
    """Gives the type and whether it can be empty: sums of nothing are 0, extremes are not."""
    name = call.function.text
    if name in _TESTS:
        return _BOOLEAN, False
    if name == "count":
        return _NUMBER, False
    if argument is None:
        return None
    allowed = {"sum": _SUMMABLE, "avg": _SUMMABLE, "min": ORDERED, "max": ORDERED}.get(name)
    if allowed is not None and argument.type.kind not in allowed:
        template = '"{name}" does not work on {found}'
        session.report("wrong_type", template, argument.span, name=name, found=_plural(argument))
        return None
    if name == "join":
        if is_kind(argument, Kind.TEXT, Kind.CHOICE):
            return Type(Kind.TEXT), True
        template = "join puts texts together, not {found}"
        session.report("wrong_type", template, argument.span, found=_plural(argument))
        return None
    return argument.type, name != "sum" or is_kind(argument, Kind.MONEY)


_PLURALS = {
    Kind.TEXT: Phrase("texts"),
    Kind.NUMBER: Phrase("numbers"),
    Kind.PERCENT: Phrase("percentages"),
    Kind.MONEY: Phrase("amounts of money"),
    Kind.BOOLEAN: Phrase("true and false"),
    Kind.DATE: Phrase("dates"),
    Kind.INSTANT: Phrase("points in time"),
    Kind.CHOICE: Phrase("choices"),
    Kind.REFERENCE: Phrase("records"),
}


def _plural(node: core.Node) -> Phrase:
    return _PLURALS.get(node.type.kind) or say(node)
