"""Which values compare with which, and how."""

from __future__ import annotations

from dataclasses import replace

from rule_engine import core, tree
from rule_engine.check.agreement import agree
from rule_engine.check.choices import fit_option, option_positions
from rule_engine.check.names import find_field, is_null, title_of
from rule_engine.check.session import Place, Session, is_kind
from rule_engine.check.words import say
from rule_engine.errors import Span
from rule_engine.messages import NOTHING, Phrase
from rule_engine.types import Kind, Type

BOOLEAN = Type(Kind.BOOLEAN)
_UNORDERED = {
    Kind.TEXT: Phrase("texts have no order"),
    Kind.BOOLEAN: Phrase("true and false have no order"),
    Kind.CHOICE: Phrase("these choices have no common order"),
    Kind.CHOICES: Phrase("lists of choices have no order"),
    Kind.LIST: Phrase("lists have no order"),
    Kind.REFERENCE: Phrase("records have no order"),
}


def check_compare(session: Session, place: Place, expression: tree.Expression) -> core.Node | None:
    """Gives the node of `left op right`; `!=` is the exact negation of `=`."""
    if not isinstance(expression, tree.Compare):
        return None
    if (null := _null_in(place, expression)) is not None:
        _report_null(session, expression, null)
        return None
    left = session.check(place, expression.left)
    right = _other_side(session, place, left, expression.right)
    if left is None or right is None:
        return None
    return compare(session, expression.op, left, right, expression.span)


def _other_side(
    session: Session, place: Place, choice: core.Node | None, written: tree.Expression
) -> core.Node | None:
    """Gives the checked value beside a choice; an option without its quotes is told so."""
    options = choice.type.options if choice is not None else None
    word = written.parts[0].text if isinstance(written, tree.Path) else ""
    known = place.record.object
    if word not in (options or ()) or find_field(known, word) is not None:
        return session.check(place, written)
    session.report(
        "unknown_field",
        '{object} has no field "{name}"',
        written.span,
        'write the value in quotes:  "{name}"',
        object=title_of(known),
        name=word,
    )
    return None


def _null_in(place: Place, expression: tree.Compare) -> tree.Path | None:
    for side in (expression.right, expression.left):
        if isinstance(side, tree.Path) and is_null(side):
            return None if side.parts[0].text in place.record.object.fields else side
    return None


def _report_null(session: Session, expression: tree.Compare, null: tree.Path) -> None:
    """Marks `= null`, from the sign to the word."""
    span, op = null.span, expression.op_span
    if null is expression.right and op.line == span.line:
        span = Span(op.line, op.column, span.column + span.width - op.column)
    hint = _NULL_HINTS.get(expression.op, NOTHING)
    session.report("null", '"{name}" is not a value', span, hint, name=null.parts[0].text)


_NULL_HINTS = {
    "=": Phrase('write "is empty" or "is not empty"'),
    "!=": Phrase('write "is not empty"'),
}


def compare(
    session: Session, op: str, left: core.Node, right: core.Node, span: Span
) -> core.Node | None:
    """Gives the comparison of two checked values, None when they do not compare."""
    sides = agree(session, left, right)
    if sides is None:
        return None
    if op == "!=":
        return core.Not(BOOLEAN, False, span, core.Compare(BOOLEAN, False, span, "=", *sides))
    if op != "=":
        sides = _in_order(session, *sides, span)
    return None if sides is None else core.Compare(BOOLEAN, False, span, op, *sides)


def _in_order(
    session: Session, left: core.Node, right: core.Node, span: Span
) -> tuple[core.Node, core.Node] | None:
    """Gives two equal kinds of values in forms that have an order."""
    if is_kind(left, Kind.CHOICE) or is_kind(right, Kind.CHOICE):
        positions = option_positions(session, left, right)
        if positions is not None:
            return positions
    if is_kind(left, Kind.CALENDAR_LENGTH) and (_has_months(left) or _has_months(right)):
        session.report("no_order", "months have no fixed length", span, "say the length in days")
        return None
    reason = _UNORDERED.get(left.type.kind)
    if reason is not None:
        session.report("no_order", reason, span, "compare them with = or !=")
        return None
    return left, right


def _has_months(node: core.Node) -> bool:
    constants = (inner for inner in core.walk(node) if isinstance(inner, core.Constant))
    return any(getattr(constant.value, "months", 0) for constant in constants)


def check_between(session: Session, place: Place, expression: tree.Expression) -> core.Node | None:
    """Gives `x >= low and x <= high`."""
    if not isinstance(expression, tree.Between):
        return None
    operand = session.check(place, expression.operand)
    low, high = session.check(place, expression.low), session.check(place, expression.high)
    if operand is None or low is None or high is None:
        return None
    span = expression.span
    above = compare(session, ">=", operand, low, span)
    below = compare(session, "<=", operand, high, span) if above is not None else None
    if above is None or below is None:
        return None
    return negate_if(expression.negated, core.AllOf(BOOLEAN, False, span, (above, below)))


def negate_if(negated: bool, node: core.Node) -> core.Node:
    """Gives the node, or its exact negation."""
    return core.Not(BOOLEAN, False, node.span, node) if negated else node


def check_is_empty(session: Session, place: Place, expression: tree.Expression) -> core.Node | None:
    """Gives the node of `x is empty`; a link asks for its number of records."""
    if not isinstance(expression, tree.IsEmpty):
        return None
    operand = session.check(place, expression.operand)
    if operand is None:
        return None
    node = core.IsEmpty(BOOLEAN, False, expression.span, operand)
    return negate_if(expression.negated, node)


def check_in(session: Session, place: Place, expression: tree.Expression) -> core.Node | None:
    """Gives the node of `x in [..]` and of `"x" in tags`."""
    if not isinstance(expression, tree.In):
        return None
    item = session.check(place, expression.item)
    if isinstance(expression.collection, tree.ListLiteral):
        node = _member(session, place, expression, item, expression.collection)
    else:
        collection = session.check(place, expression.collection)
        node = _contained(session, item, collection, expression.span)
    return None if node is None else negate_if(expression.negated, node)


def _member(
    session: Session,
    place: Place,
    expression: tree.In,
    item: core.Node | None,
    collection: tree.ListLiteral,
) -> core.Node | None:
    checked = [_other_side(session, place, item, one) for one in collection.items]
    if item is None:
        return None
    if is_kind(item, Kind.CHOICES):
        session.report(
            "list_in_list",
            "a list of choices is not one of a list",
            item.span,
            'ask for each:  tags contains "x" or tags contains "y"',
        )
        return None
    if not checked:
        session.report("empty_list", "this list is empty", collection.span, "nothing is in it")
        return None
    agreed = [None if one is None else agree(session, item, one) for one in checked]
    pairs = [pair for pair in agreed if pair is not None]
    if len(pairs) < len(agreed):
        return None
    if any(pair[0] is not pairs[0][0] for pair in pairs):
        equal = tuple(
            core.Compare(BOOLEAN, False, expression.span, "=", left, right) for left, right in pairs
        )
        return core.AnyOf(BOOLEAN, False, expression.span, equal)
    items = tuple(right for _, right in pairs)
    return core.Member(BOOLEAN, False, expression.span, pairs[0][0], items)


def _contained(
    session: Session, item: core.Node | None, collection: core.Node | None, span: Span
) -> core.Node | None:
    if item is None or collection is None:
        return None
    if not is_kind(collection, Kind.CHOICES):
        session.report(
            "not_a_list",
            '"in" needs a list, not {found}',
            collection.span,
            "write  in [a, b]  or  =",
            found=say(collection),
        )
        return None
    return _contains_option(session, collection, item, span)


def _contains_option(
    session: Session, collection: core.Node, item: core.Node, span: Span
) -> core.Node | None:
    option: core.Node | None = item
    if isinstance(item, core.Constant) and is_kind(item, Kind.TEXT):
        option = fit_option(session, item, collection)
    elif not is_kind(item, Kind.TEXT, Kind.CHOICE):
        template = "a list of choices holds no {found}"
        session.report("wrong_type", template, item.span, found=say(item))
        return None
    if option is None:
        return None
    return core.Contains(BOOLEAN, False, span, collection, option)


def check_text_test(
    session: Session, place: Place, expression: tree.Expression
) -> core.Node | None:
    """Gives the node of contains, starts with and ends with."""
    if not isinstance(expression, tree.TextTest):
        return None
    left = session.check(place, expression.left)
    right = session.check(place, expression.right)
    if left is None or right is None:
        return None
    span = expression.span
    if is_kind(left, Kind.CHOICES) and expression.kind == "contains":
        found = _contains_option(session, left, right, span)
        return None if found is None else negate_if(expression.negated, found)
    for side in (left, right):
        if not is_kind(side, Kind.TEXT):
            session.report(
                "wrong_type",
                '"{doing}" looks into text, not {found}',
                side.span,
                _text_hint(side),
                doing=_said(expression.kind),
                found=_said_kind(side),
            )
            return None
    node = core.TextTest(BOOLEAN, False, span, expression.kind, left, right)
    return negate_if(expression.negated, node)


def _said(kind: str) -> str:
    return kind if kind == "contains" else f"{kind} with"


def _said_kind(node: core.Node) -> Phrase:
    return Phrase("a number") if is_kind(node, Kind.NUMBER) else say(node)


def _text_hint(node: core.Node) -> Phrase:
    if is_kind(node, Kind.CHOICE):
        return Phrase("write  = or in [..]")
    if isinstance(node, core.Constant):
        return Phrase("write it in quotes")
    return Phrase("write  text_of(…)")


def check_changed(session: Session, place: Place, expression: tree.Expression) -> core.Node | None:
    """Gives the node of `stage changed from "A" to "B"`."""
    if not isinstance(expression, tree.Changed):
        return None
    if not place.sees_changes or place.in_aggregate:
        session.report(
            "no_old",
            '"changed" is only known where a record changes',
            expression.span,
            "use it in rules on update, validations and approvals",
        )
        return None
    path = session.check(place, expression.path)
    if path is None:
        return None
    if not isinstance(path, core.Path) or path.hops or path.scope is not core.Scope.RECORD:
        template = "only the record's own fields can be seen changing"
        session.report("not_own_field", template, expression.path.span)
        return None
    before, after = (
        None if side is None else _changed_value(session, place, path, side)
        for side in (expression.before, expression.after)
    )
    if (before is None) != (expression.before is None):
        return None
    if (after is None) != (expression.after is None):
        return None
    return core.Changed(BOOLEAN, False, expression.span, path, before, after)


def _changed_value(
    session: Session, place: Place, path: core.Path, side: tree.Expression
) -> core.Node | None:
    value = session.check(place, side)
    sides = None if value is None else agree(session, path, value)
    if sides is None:
        return None
    if sides[0] is not path:
        session.report("wrong_type", "this field holds days, not points in time", side.span)
        return None
    return replace(sides[1])
