"""Calls of functions; what goes over a link is an aggregate."""

from __future__ import annotations

from rule_engine import core, tree
from rule_engine.check.aggregates import AGGREGATES, aggregate
from rule_engine.check.agreement import midnight
from rule_engine.check.paths import find_link
from rule_engine.check.session import Place, Session, is_kind
from rule_engine.check.words import list_words, say, say_kind
from rule_engine.functions import Function, Parameter, functions
from rule_engine.spelling import did_you_mean
from rule_engine.types import Kind


def check_call(session: Session, place: Place, expression: tree.Expression) -> core.Node | None:
    """Gives the node of a function or an aggregate."""
    if not isinstance(expression, tree.Call):
        return None
    name = expression.function.text
    if name in AGGREGATES and expression.arguments:
        path = expression.arguments[0]
        found = find_link(session, place, path) if isinstance(path, tree.Path) else None
        if found is not None:
            return aggregate(session, place, expression, *found)
    function = functions().get(name)
    if function is None:
        _report_unknown(session, expression)
        return None
    for extra, word in ((expression.where, "where"), (expression.by, "by")):
        if extra is not None:
            message = f'"{word}" needs the records of a link, e.g. count(lines where …)'
            session.report("no_aggregate", message, extra.span)
            return None
    return _call(session, place, expression, function)


def _report_unknown(session: Session, expression: tree.Call) -> None:
    name = expression.function
    if name.text in AGGREGATES:
        where = expression.arguments[0].span if expression.arguments else name.span
        message = f'"{name.text}" looks at the records of a link'
        session.report("no_aggregate", message, where, f"e.g.  {AGGREGATES[name.text]}")
        return
    hint = did_you_mean(name.text, [*functions(), *AGGREGATES])
    message = f'there is no function "{name.text}"'
    session.report("unknown_function", message, name.span, hint, name=name.text)


def _call(
    session: Session, place: Place, expression: tree.Call, function: Function
) -> core.Node | None:
    checked = [session.check(place, argument) for argument in expression.arguments]
    parameters = _match(function, len(checked))
    if parameters is None:
        count = len(checked)
        message = f'"{function.name}" does not take {count} argument{"" if count == 1 else "s"}'
        span = expression.function.span
        session.report("argument_count", message, span, f"write  {function.signature}")
        return None
    arguments = tuple(argument for argument in checked if argument is not None)
    if len(arguments) < len(checked):
        return None
    fitting = [_fits(session, *pair) for pair in zip(parameters, arguments, strict=True)]
    if not all(fitting):
        return None
    if {argument.type.kind for argument in arguments} == {Kind.DATE, Kind.INSTANT}:
        arguments = tuple(midnight(a) if is_kind(a, Kind.DATE) else a for a in arguments)
    result = function.result([argument.type for argument in arguments])
    if result is None:
        kinds = list(dict.fromkeys(say(argument) for argument in arguments))
        message = f'"{function.name}" needs values of one kind, not {" and ".join(kinds)}'
        session.report("mismatch", message, expression.span)
        return None
    if function.expand is not None:
        return _expanded(session, expression, function, arguments)
    nullable = function.nullable(arguments)
    return core.Call(result, nullable, expression.span, function.name, arguments)


def _expanded(
    session: Session,
    expression: tree.Call,
    function: Function,
    arguments: tuple[core.Node, ...],
) -> core.Node | None:
    node = function.expand and function.expand(session.schema, arguments, expression.span)
    if node is None:
        message = f'"{function.name}" cannot be told of this'
        session.report("wrong_type", message, expression.arguments[0].span, function.doc)
    return node


def _match(function: Function, count: int) -> list[Parameter] | None:
    """Gives the parameter of each argument, None when there are too many or too few."""
    parameters = list(function.parameters)
    if parameters and parameters[-1].repeats:
        parameters += [parameters[-1]] * (count - len(parameters))
    least = sum(not parameter.optional for parameter in function.parameters)
    return parameters[:count] if least <= count <= len(parameters) else None


def _fits(session: Session, parameter: Parameter, argument: core.Node) -> bool:
    if argument.type.kind not in parameter.kinds:
        wanted = " or ".join(sorted(map(say_kind, parameter.kinds)))
        message = f"{say(argument)} where {wanted} is needed"
        session.report("wrong_type", message, argument.span)
        return False
    if not parameter.words:
        return True
    value = argument.value if isinstance(argument, core.Constant) else None
    if value in parameter.words:
        return True
    message = f'"{parameter.name}" is one of {list_words(parameter.words)}'
    hint = did_you_mean(str(value), parameter.words) if value is not None else ""
    session.report("wrong_word", message, argument.span, hint)
    return False
