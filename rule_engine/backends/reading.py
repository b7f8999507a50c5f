"""A checked expression as text of the language: what explanations show of a condition."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from rule_engine import core
from rule_engine.core import Scope
from rule_engine.types import Kind
from rule_engine.values import BusinessLength, CalendarLength, Money
from rule_engine.wording import text_of_value

TESTS = {"contains": "contains", "starts": "starts with", "ends": "ends with"}
PREFIXES = {Scope.OUTER: ("this",), Scope.OLD: ("old",), Scope.USER: ("user",), Scope.RECORD: ()}
SECONDS_PER_HOUR = 3600
MONTHS_PER_YEAR = 12


def read(node: core.Node) -> str:
    """Gives an expression's text. What `check` took apart (defines, windows) is shown as taken
    apart: the text says what is evaluated."""
    match node:
        case core.Constant():
            return read_constant(node)
        case core.Parameter():
            return node.name
        case core.Path():
            return read_path(node)
        case core.OptionAttribute():
            return f"{read_path(node.path)}.{node.attribute}"
        case core.Aggregate():
            return read_aggregate(node)
        case core.Case():
            return node.name or "table"
        case core.If():
            branches = (read(node.condition), read(node.then), read(node.otherwise))
            return "if {} then {} else {}".format(*branches)
        case core.Call():
            return f"{node.function}({', '.join(map(read, node.arguments))})"
        case core.Negate():
            return f"-{bracketed(node.operand)}"
        case core.Arithmetic() | core.Compare():
            return f"{bracketed(node.left)} {node.op} {bracketed(node.right)}"
        case core.LocalInstant():
            return read(node.date)
        case _:
            return read_condition(node)


def read_condition(node: core.Node) -> str:
    """Gives the text of what is true or false."""
    match node:
        case core.AllOf():
            return " and ".join(map(bracketed, node.items))
        case core.AnyOf():
            return " or ".join(map(bracketed, node.items))
        case core.Not():
            return read_negation(node.operand)
        case core.IsEmpty():
            return f"{bracketed(node.operand)} is empty"
        case core.Member():
            return f"{bracketed(node.item)} in [{', '.join(map(read, node.items))}]"
        case core.Contains():
            return f"{bracketed(node.collection)} contains {bracketed(node.item)}"
        case core.TextTest():
            return f"{bracketed(node.left)} {TESTS[node.kind]} {bracketed(node.right)}"
        case core.Matches():
            pattern = json.dumps(node.pattern, ensure_ascii=False)
            return f"{bracketed(node.operand)} matches {pattern}"
        case core.Changed():
            before = f" from {read(node.before)}" if node.before else ""
            after = f" to {read(node.after)}" if node.after else ""
            return f"{read_path(node.path)} changed{before}{after}"
    raise TypeError(node)


def read_negation(operand: core.Node) -> str:
    """Gives the text of a negation, in the short forms that people write."""
    match operand:
        case core.IsEmpty():
            return f"{bracketed(operand.operand)} is not empty"
        case core.Member():
            return f"{bracketed(operand.item)} not in [{', '.join(map(read, operand.items))}]"
        case core.Compare(op="="):
            return f"{bracketed(operand.left)} != {bracketed(operand.right)}"
    return f"not {bracketed(operand)}"


def bracketed(node: core.Node) -> str:
    """Gives a part's text, in brackets unless it stands for itself."""
    loose = (core.AllOf, core.AnyOf, core.If)
    return f"({read(node)})" if isinstance(node, loose) else read(node)


def read_path(path: core.Path) -> str:
    """Gives a path's text; the acting person's own id is just `user`."""
    if path.scope is Scope.USER and path.field == "id" and not path.hops:
        return "user"
    return ".".join((*PREFIXES[path.scope], *(hop.field for hop in path.hops), path.field))


def read_aggregate(node: core.Aggregate) -> str:
    """Gives the text of an aggregate over a link."""
    link = ".".join((*PREFIXES[node.scope], *(hop.field for hop in node.hops), node.link))
    argument = f"{link}.{read(node.argument)}" if node.argument else link
    order = f" by {read(node.order)}" if node.order else ""
    where = f" where {read(node.where)}" if node.where else ""
    return f"{node.function}({argument}{order}{where})"


def read_constant(node: core.Constant) -> str:
    """Gives a literal's text."""
    if node.type.kind is Kind.PERCENT and isinstance(node.value, Decimal):
        return f"{read_number(node.value * 100)}%"
    match node.value:
        case bool() | None:
            return {True: "true", False: "false", None: "empty"}[node.value]
        case Decimal():
            return read_number(node.value)
        case Money():
            return f"{read_number(node.value.amount)} {node.value.currency}"
        case CalendarLength() | BusinessLength() | timedelta():
            return read_length(node.value)
        case date() | datetime() | time():
            return str(text_of_value(node.value))
        case tuple() | frozenset():
            return f"[{', '.join(json.dumps(str(v), ensure_ascii=False) for v in node.value)}]"
    return json.dumps(str(node.value), ensure_ascii=False)


def read_number(number: Decimal) -> str:
    """Gives a number without needless zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def read_length(length: CalendarLength | BusinessLength | timedelta) -> str:
    """Gives a length's text in the largest units that fit."""
    match length:
        case CalendarLength():
            years, months = divmod(length.months, MONTHS_PER_YEAR)
            parts = ((years, "year"), (months, "month"), (length.days, "day"))
        case BusinessLength():
            parts = ((length.days, "business day"), (length.minutes, "business minute"), (0, ""))
        case timedelta():
            hours, seconds = divmod(int(length.total_seconds()), SECONDS_PER_HOUR)
            parts = ((hours, "hour"), (seconds // 60, "minute"), (0, ""))
    written = [f"{n} {unit}" if n == 1 else f"{n} {unit}s" for n, unit in parts if n]
    return " + ".join(written) or "0 days"
