"""Puts defines and decision tables in place of their names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from rule_engine import core, tree
from rule_engine.check.session import (
    Formula,
    FormulaCycleError,
    Origin,
    Place,
    Session,
    is_kind,
)
from rule_engine.check.words import say, say_kind
from rule_engine.core import Scope
from rule_engine.errors import Span
from rule_engine.types import Kind, ObjectType, Type

MAX_PARTS = 20_000
MAX_DEPTH = 100  # visitors and Python's compiler recurse

_SUMMABLE = (Kind.NUMBER, Kind.PERCENT, Kind.MONEY)


def formula_of(session: Session, owner: ObjectType, name: str) -> Formula | None:
    """Gives the define or table of an object by its name, else by its label."""
    known = session.formulas.get((owner.name, name))
    if known is not None:
        return known
    labelled = [
        formula
        for (object_name, _), formula in session.formulas.items()
        if object_name == owner.name and formula.head.label == name
    ]
    return labelled[0] if len(labelled) == 1 else None


def inline(
    session: Session, origin: Origin, formula: Formula, rest: tuple[tree.Name, ...], span: Span
) -> core.Node | None:
    """Gives a formula's node as seen from an origin, at the place that names it.

    What is wrong inside the formula is reported where it is written, not here; a circle is.
    """
    name = formula.head.name.text
    if name in session.inlining:
        raise FormulaCycleError((*session.inlining, name))
    output = _output(session, formula, rest)
    if output is None:
        return None
    key = (f"{name}/{output}", origin.scope, origin.hops, origin.object.name)
    if key not in session.known:
        try:
            node = _build(session.quiet(name), origin, formula, output)
        except FormulaCycleError as cycle:
            if session.inlining:
                raise
            _report_cycle(session, cycle, span)
            return None
        session.known[key] = node
    node = session.known[key]
    return None if node is None else replace(node, span=span)


def _report_cycle(session: Session, cycle: FormulaCycleError, span: Span) -> None:
    names = " → ".join(cycle.names[cycle.names.index(cycle.names[-1]) :])
    session.report("formula_cycle", f"this formula needs itself: {names}", span, names=names)


def _output(session: Session, formula: Formula, rest: tuple[tree.Name, ...]) -> int | None:
    """Gives which output of a table is named; 0 for a define."""
    if len(rest) == 1:
        return 0
    wanted = rest[1]
    if isinstance(formula, tree.Table) and len(rest) == 2:
        names = [name.text for name in formula.outputs]
        if wanted.text in names:
            return names.index(wanted.text)
        hint = f"it has: {', '.join(names)}"
    else:
        hint = ""
    message = f'"{rest[0].text}" has no "{wanted.text}"'
    session.report("unknown_field", message, wanted.span, hint, name=wanted.text)
    return None


def _build(session: Session, origin: Origin, formula: Formula, output: int) -> core.Node | None:
    place = Place(origin, origin)
    if isinstance(formula, tree.Define):
        node = session.check(place, formula.body)
    else:
        node = table_value(session, place, formula, output)
    if node is not None and is_too_big(node):
        return None
    return node


def is_too_big(node: core.Node) -> bool:
    """Says whether an expression with its formulas is too much to compile."""
    too_many = any(count >= MAX_PARTS for count, _ in enumerate(core.walk(node)))
    return too_many or core.depth(node) > MAX_DEPTH


def report_too_big(session: Session, span: Span) -> None:
    """Says that formulas in formulas have grown beyond measure."""
    message = f"with its formulas this has over {MAX_PARTS:,} parts, or over {MAX_DEPTH} levels"
    session.report("too_big", message, span, "keep a part of it in a field")


def check_formula(session: Session, formula: Formula) -> None:
    """Checks a define or a table where it is written."""
    owner = session.object(formula.head.object)
    if owner is None:
        return
    name = formula.head.name
    if name.text in owner.fields or name.text in owner.links:
        message = f'there is a field "{name.text}" already'
        session.report("name_taken", message, name.span, "take another name", name=name.text)
    place = Place(Origin(Scope.RECORD, (), owner), Origin(Scope.RECORD, (), owner))
    own = replace(session, inlining=(name.text,))
    try:
        if isinstance(formula, tree.Define):
            built = [own.check(place, formula.body)]
        else:
            outputs = range(len(formula.outputs)) if _check_shape(session, formula) else ()
            built = [table_value(own, place, formula, output) for output in outputs]
    except FormulaCycleError as cycle:
        _report_cycle(session, cycle, name.span)
        return
    if any(node is not None and is_too_big(node) for node in built):
        report_too_big(session, name.span)


def _check_shape(session: Session, table: tree.Table) -> bool:
    """Says whether all rows have as many cells and results as the table's head."""
    wrong = list(_misfits(table))
    for row, what, found, wanted in wrong:
        session.report(
            "table_shape",
            f"this row has {found} {what}; the table's head has {wanted}",
            Span(row.span.line, row.span.column),
            found=found,
            wanted=wanted,
        )
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


def table_value(session: Session, place: Place, table: tree.Table, output: int) -> core.Node | None:
    """Gives one result of a decision table: the first row that fits, or the sum of all that do.

    Nothing for a table out of shape: where it is written, that is told.
    """
    if any(_misfits(table)):
        return None
    arms = []
    for row in table.rows:
        condition = _row_condition(session, place, table, row)
        value = session.check(place, row.outputs[output])
        if condition is not None and value is not None:
            arms.append((condition, value))
    if len(arms) < len(table.rows) or not _same_types(session, arms):
        return None
    kind = arms[0][1].type
    if table.hit == "collect":
        return _collect(session, table, output, arms)
    empty = core.Constant(kind, True, table.span, None)
    return core.Case(kind, True, table.span, tuple(arms), empty)


def _same_types(session: Session, arms: list[tuple[core.Node, core.Node]]) -> bool:
    wanted = arms[0][1].type.kind
    for _, value in arms[1:]:
        if value.type.kind is not wanted:
            message = f"{say(value)} where the rows above give {say_kind(wanted)}"
            session.report("different_types", message, value.span)
            return False
    return True


def _row_condition(
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
    boolean = Type(Kind.BOOLEAN)
    if not nodes:
        return core.Constant(boolean, False, row.span, True)
    return nodes[0] if len(nodes) == 1 else core.AllOf(boolean, False, row.span, nodes)


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
    session: Session, table: tree.Table, output: int, arms: list[tuple[core.Node, core.Node]]
) -> core.Node | None:
    """Gives the sum of the fitting rows, as a balanced tree; empty values count nothing."""
    first = arms[0][1]
    if not is_kind(first, *_SUMMABLE):
        message = f"collect adds numbers; {say(first)} cannot be added up"
        session.report("cannot_add", message, table.rows[0].outputs[output].span)
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
