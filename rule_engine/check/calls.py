"""Calls of functions; what goes over a link is an aggregate."""

from __future__ import annotations

from rule_engine import core, tree
from rule_engine.check.aggregates import AGGREGATES, aggregate
from rule_engine.check.agreement import midnight
from rule_engine.check.calendar_names import calendar_argument, lacks_calendar
from rule_engine.check.habits import foreign_function
from rule_engine.check.names import find_field, title_of
from rule_engine.check.paths import find_link
from rule_engine.check.session import Place, Session, is_kind
from rule_engine.check.words import all_of, list_words, one_of, say, say_kind
from rule_engine.functions import Function, Parameter, functions
from rule_engine.messages import Phrase
from rule_engine.spelling import did_you_mean
from rule_engine.types import Kind


def check_call(session: Session, place: Place, expression: tree.Expression) -> core.Node | None:
    """Gives the node of a function or an aggregate."""
    if not isinstance(expression, tree.Call):
        return None
    name = expression.function.text
    session.mention("function", "", name, expression.function.span)
    if name in AGGREGATES and expression.arguments:
        path = expression.arguments[0]
        found = find_link(session, place, path) if isinstance(path, tree.Path) else None
        if found is not None:
            return aggregate(session, place, expression, *found)
    function = functions().get(name)
    is_over_many = function is None or expression.where is not None or expression.by is not None
    if name in AGGREGATES and is_over_many and _report_no_link(session, place, expression):
        return None
    if function is None:
        _report_unknown(session, expression)
        return None
    for extra, word in ((expression.where, "where"), (expression.by, "by")):
        if extra is not None:
            template = '"{word}" needs the records of a link, e.g. count(lines where …)'
            session.report("no_aggregate", template, extra.span, word=word)
            return None
    return _call(session, place, expression, function)


def _report_no_link(session: Session, place: Place, call: tree.Call) -> bool:
    """Reports a way back that the record does not have, with those it has; says whether."""
    path, here = call.arguments[0] if call.arguments else None, place.record.object
    if not isinstance(path, tree.Path):
        return False
    name = path.parts[0]
    formulas = {formula for owner, formula in session.formulas if owner == here.name}
    known = {"this", "old", "user", *session.packages, *here.links, *formulas}
    if find_field(here, name.text) is not None or name.text in known:
        return False
    template, links = 'nothing leads back to {object} as "{name}"', list(here.links)
    hint = did_you_mean(name.text, links)
    if links and not hint:
        hint = Phrase("there are: {names}", {"names": links})
    session.mention("missing", here.name, name.text, name.span)
    session.report(
        "unknown_link",
        template,
        name.span,
        hint,
        object=title_of(here),
        name=name.text,
    )
    return True


def _report_unknown(session: Session, expression: tree.Call) -> None:
    name = expression.function
    if name.text in AGGREGATES:
        where = expression.arguments[0].span if expression.arguments else name.span
        template, example = '"{name}" looks at the records of a link', AGGREGATES[name.text]
        session.report(
            "no_aggregate", template, where, "e.g.  {example}", name=name.text, example=example
        )
        return
    known = [*functions(), *AGGREGATES]
    hint = foreign_function(name.text) or did_you_mean(name.text, known)
    session.report(
        "unknown_function", 'there is no function "{name}"', name.span, hint, name=name.text
    )


def _report_count(session: Session, expression: tree.Call, function: Function) -> None:
    count = len(expression.arguments)
    session.report(
        "argument_count",
        '"{name}" does not take {count} argument'
        if count == 1
        else '"{name}" does not take {count} arguments',
        expression.function.span,
        "write  {signature}",
        name=function.name,
        count=count,
        signature=function.signature,
    )


def _call(
    session: Session, place: Place, expression: tree.Call, function: Function
) -> core.Node | None:
    parameters = _match(function, len(expression.arguments))
    checked = [
        calendar_argument(session, argument)
        if parameters and parameters[position].names_calendar
        else session.check(place, argument)
        for position, argument in enumerate(expression.arguments)
    ]
    if parameters is None:
        _report_count(session, expression, function)
        return None
    arguments = tuple(argument for argument in checked if argument is not None)
    if len(arguments) < len(checked):
        return None
    if lacks_calendar(session, function, expression):
        return None
    fitting = [_fits(session, *pair) for pair in zip(parameters, arguments, strict=True)]
    if not all(fitting):
        return None
    if {argument.type.kind for argument in arguments} == {Kind.DATE, Kind.INSTANT}:
        arguments = tuple(midnight(a) if is_kind(a, Kind.DATE) else a for a in arguments)
    result = function.result([argument.type for argument in arguments])
    if result is None:
        session.report(
            "mismatch",
            '"{name}" needs values of one kind, not {found}',
            expression.span,
            name=function.name,
            found=all_of(say(argument) for argument in arguments),
        )
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
        session.report(
            "wrong_type",
            '"{name}" cannot be told of this',
            expression.arguments[0].span,
            "write  {signature}",
            name=function.name,
            signature=function.signature,
        )
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
        session.report(
            "wrong_type",
            "{found} where {wanted} is needed",
            argument.span,
            found=say(argument),
            wanted=one_of(map(say_kind, parameter.kinds)),
        )
        return False
    if not parameter.words:
        return True
    value = argument.value if isinstance(argument, core.Constant) else None
    if value in parameter.words:
        return True
    template = '"{name}" is one of {known}'
    hint = did_you_mean(str(value), parameter.words) if value is not None else ""
    known = list_words(parameter.words)
    session.report("wrong_word", template, argument.span, hint, name=parameter.name, known=known)
    return False
