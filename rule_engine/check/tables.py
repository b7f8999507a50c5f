"""Decision tables: what their rows ask and give, and whether the rows fit together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from rule_engine import core, tree
from rule_engine.check.cover import check_cover
from rule_engine.check.session import Place, Session, is_kind
from rule_engine.check.words import say, say_kind
from rule_engine.errors import Span
from rule_engine.types import Kind, Type

_SUMMABLE = (Kind.NUMBER, Kind.PERCENT, Kind.MONEY)
_BOOLEAN = Type(Kind.BOOLEAN)

_Arm = tuple[core.Node, core.Node]


def check_table(session: Session, place: Place, table: tree.Table) -> list[core.Node | None]:
    """Gives the results of a table, one for each output; checks it where it is written."""
    if not _check_shape(session, table):
        return []
    columns = [session.check(place, column) for column in table.columns]
    known = [column for column in columns if column is not None]
    if len(known) < len(columns):
        return []
    conditions = row_conditions(session, place, table)
    fitting = [condition for condition in conditions if condition is not None]
    if len(fitting) == len(conditions):
        check_cover(session, table, known, fitting)
    outputs = range(len(table.outputs))
    return [_value(session, place, table, output, conditions) for output in outputs]


def table_value(session: Session, place: Place, table: tree.Table, output: int) -> core.Node | None:
    """Gives one result of a table: that of the first row that fits, for `collect` the sum of all.

    `unique` is read like `first`: rows that are known to fit at the same time are refused.
    Nothing for a table out of shape: where it is written, that is told.
    """
    if any(_misfits(table)):
        return None
    return _value(session, place, table, output, row_conditions(session, place, table))


def _check_shape(session: Session, table: tree.Table) -> bool:
    """Says whether all rows have as many cells and results as the table's head."""
    wrong = list(_misfits(table))
    for row, what, found, wanted in wrong:
        span = Span(row.span.line, row.span.column)
        if what == "cells":
            message = "this row has {found} cells; the table's head has {wanted}"
        else:
            message = "this row has {found} results; the table's head has {wanted}"
        session.report("table_shape", message, span, found=found, wanted=wanted)
    for position, name in enumerate(table.outputs):
        if name.text in {other.text for other in table.outputs[:position]}:
            message = '"{word}" stands here twice'
            session.report("twice", message, name.span, word=name.text)
    return not wrong


def _misfits(table: tree.Table) -> Iterator[tuple[tree.Row, str, int, int]]:
    """Gives the rows that do not fit the table's head, with what they have and should have."""
    for row in table.rows:
        for what, found, wanted in (
            ("cells", len(row.cells), len(table.columns)),
            ("results", len(row.outputs), len(table.outputs)),
        ):
            if found != wanted:
                yield row, what, found, wanted


def _value(
    session: Session,
    place: Place,
    table: tree.Table,
    output: int,
    conditions: Sequence[core.Node | None],
) -> core.Node | None:
    values = [session.check(place, row.outputs[output]) for row in table.rows]
    pairs = zip(conditions, values, strict=True)
    arms = [(asked, given) for asked, given in pairs if asked is not None and given is not None]
    if len(arms) < len(table.rows) or not _same_types(session, arms):
        return None
    kind = arms[0][1].type
    if table.hit == "collect":
        return _collect(session, table, output, arms)
    empty = core.Constant(kind, True, table.span, None)
    return core.Case(kind, True, table.span, tuple(arms), empty, _result_name(table, output))


def _result_name(table: tree.Table, output: int) -> str:
    """Gives what rules call a result of a table."""
    if len(table.outputs) == 1:
        return table.head.name.text
    return f"{table.head.name.text}.{table.outputs[output].text}"


def _same_types(session: Session, arms: Sequence[_Arm]) -> bool:
    wanted = arms[0][1].type.kind
    for _, value in arms[1:]:
        if value.type.kind is not wanted:
            message = "{found} where the rows above give {wanted}"
            found, kind = say(value), say_kind(wanted)
            session.report("different_types", message, value.span, found=found, wanted=kind)
            return False
    return True


def row_conditions(session: Session, place: Place, table: tree.Table) -> list[core.Node | None]:
    """Gives what each row asks; None where something was reported."""
    return [_condition(session, place, table, row) for row in table.rows]


def _condition(
    session: Session, place: Place, table: tree.Table, row: tree.Row
) -> core.Node | None:
    tests = [
        _cell_test(column, cell)
        for column, cell in zip(table.columns, row.cells, strict=True)
        if cell.kind != "any"
    ]
    checked = [session.check(place, test) for test in tests]
    nodes = tuple(node for node in checked if node is not None)
    if len(nodes) < len(checked):
        return None
    if not nodes:
        return core.Constant(_BOOLEAN, False, row.span, True)
    return nodes[0] if len(nodes) == 1 else core.AllOf(_BOOLEAN, False, row.span, nodes)


def _cell_test(column: tree.Path, cell: tree.Cell) -> tree.Expression:
    span = cell.span
    match cell.kind:
        case "test":
            return tree.Compare(span, cell.op, column, cell.values[0], span)
        case "in":
            return tree.In(span, column, cell.values[0], cell.negated)
        case "between":
            return tree.Between(span, column, cell.values[0], cell.values[1], False)
    return tree.Compare(span, "=", column, cell.values[0], span)


def _collect(
    session: Session, table: tree.Table, output: int, arms: Sequence[_Arm]
) -> core.Node | None:
    """Gives the sum of the fitting rows (DMN's "C+") as a balanced tree; empty values count
    nothing, and where no row fits it is 0."""
    first = arms[0][1]
    if not is_kind(first, *_SUMMABLE):
        message = "collect adds numbers; {found} cannot be added up"
        span = table.rows[0].outputs[output].span
        session.report("cannot_add", message, span, found=say(first))
        return None
    items = [_amount_if(condition, value) for condition, value in arms]
    return _balance(items)


def _amount_if(condition: core.Node, value: core.Node) -> core.Node:
    zero = _zero_like(value)
    full = value
    if value.nullable:
        full = core.Call(value.type, zero.nullable, value.span, "coalesce", (value, zero))
    return core.If(value.type, full.nullable, value.span, condition, full, zero)


def _zero_like(value: core.Node) -> core.Node:
    """Gives 0 of a value's type: a money's zero is `value * 0`, in its currency."""
    zero = core.Constant(Type(Kind.NUMBER), False, value.span, Decimal(0))
    if is_kind(value, Kind.MONEY):
        return core.Arithmetic(value.type, value.nullable, value.span, "*", value, zero)
    return replace(zero, type=value.type)


def _balance(items: list[core.Node]) -> core.Node:
    if len(items) == 1:
        return items[0]
    middle = len(items) // 2
    left, right = _balance(items[:middle]), _balance(items[middle:])
    nullable = left.nullable or right.nullable
    return core.Arithmetic(left.type, nullable, left.span, "+", left, right)
