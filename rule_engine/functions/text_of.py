"""Gives a value as text: its wire form."""

from __future__ import annotations

from rule_engine.backends.dialects.values import Plain, Value
from rule_engine.backends.javascript.calls import JavaScriptCall
from rule_engine.backends.javascript.code import Code, run_time
from rule_engine.functions import Function, Parameter, SqlCall, always
from rule_engine.types import Environment, Kind
from rule_engine.wording import WRITABLE, text_of_value


def _text_of(environment: Environment, value: object) -> str | None:
    del environment
    return text_of_value(value)


def _sql(call: SqlCall) -> Value:
    return Plain(call.dialect.written(call.arguments[0], call.call.arguments[0].type.kind), True)


#: The run-time function that writes a kind's values; texts are themselves.
_WRITERS = {
    Kind.NUMBER: "textOfNumber",
    Kind.PERCENT: "textOfNumber",
    Kind.MONEY: "textOfMoney",
    Kind.BOOLEAN: "textOfTruth",
    Kind.DATE: "textOfDate",
    Kind.INSTANT: "textOfInstant",
    Kind.TIME: "textOfTime",
}


def _javascript(call: JavaScriptCall) -> Code:
    writer = _WRITERS.get(call.kind(0))
    return run_time(writer, *call.arguments) if writer else call.arguments[0]


FUNCTION = Function(
    name="text_of",
    parameters=(Parameter("value", WRITABLE),),
    result=always(Kind.TEXT),
    python=_text_of,
    sql=_sql,
    javascript=_javascript,
    doc="Gives a value as text: its wire form.",
    examples=(('concat("No. ", text_of(12.50))', "No. 12.5"), ("text_of(100 CNY)", "100 CNY")),
)
