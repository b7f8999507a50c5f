"""Regular expressions of `matches`: RE2's, which take linear time."""

from __future__ import annotations

import re2

from rule_engine import core, tree
from rule_engine.check.session import Place, Session, is_kind
from rule_engine.check.words import say
from rule_engine.types import Kind, Type


def check_matches(session: Session, place: Place, expression: tree.Expression) -> core.Node | None:
    """Gives the node of `x matches "pattern"`; what RE2 cannot read is reported."""
    if not isinstance(expression, tree.Matches):
        return None
    operand = session.check(place, expression.operand)
    problem = _problem(expression.pattern.value)
    if problem is not None:
        session.report(
            "bad_pattern",
            "this pattern cannot be read: {problem}",
            expression.pattern.span,
            "patterns are RE2's: no look-around, no back-references",
            problem=problem,
        )
        return None
    if operand is None:
        return None
    if not is_kind(operand, Kind.TEXT, Kind.CHOICE):
        template = '"matches" looks into text, not {found}'
        session.report("wrong_type", template, operand.span, found=say(operand))
        return None
    boolean, pattern = Type(Kind.BOOLEAN), expression.pattern.value
    node: core.Node = core.Matches(boolean, False, expression.span, operand, pattern)
    return core.Not(boolean, False, expression.span, node) if expression.negated else node


def _problem(pattern: str) -> str | None:
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options=options)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        return reason.decode() if isinstance(reason, bytes) else str(reason)
    return None
