"""Checks of `score`."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal, cast

from rule_engine import core, program, tree
from rule_engine.check.assigning import own_field
from rule_engine.check.choices import fit_option
from rule_engine.check.reachability import warn_excluded
from rule_engine.check.session import Place, is_kind, place_on
from rule_engine.check.statements.context import Context
from rule_engine.check.thresholds import check_thresholds
from rule_engine.core import Scope
from rule_engine.errors import Span
from rule_engine.types import Kind, ObjectType, Type


def check_score(context: Context, written: tree.Score) -> program.Score | None:
    """Gives the checked score; None when its object is unknown."""
    owner = context.object_of(written.head)
    if owner is None:
        return None
    place = place_on(owner)
    into = own_field(context.session, place, written.into[0], Kind.NUMBER)
    grade_into = _grade_field(context, place, written, owner, into)
    base = context.only(written.statements, tree.Base, "base")
    span = context.only(written.statements, tree.Range, "range")
    _refuse_inner(context, written.statements)
    score = program.Score(
        *context.naming(written.head, owner, written.span),
        into=into.field if into is not None else "",
        grade_into=grade_into.field if grade_into is not None else None,
        guard=context.condition(place, written.guard),
        base=context.number(place, base.amount if base else None),
        least=context.number(place, span.least if span else None),
        most=context.number(place, span.most if span else None),
        entries=_entries(context, place, written.statements),
        grades=_grades(context, place, written.statements, grade_into),
    )
    check_thresholds(context.session, score)
    _warn_of_guards(context, score.guard, score.entries)
    return score


def _warn_of_guards(
    context: Context,
    guard: core.Node | None,
    entries: Sequence[program.ScoreItem | program.ScoreGroup],
) -> None:
    """Warns of items that the condition of the whole score excludes."""
    for entry in entries:
        if isinstance(entry, program.ScoreGroup):
            _warn_of_guards(context, guard, entry.entries)
        else:
            warn_excluded(context.session, guard, entry.guard)


def _grade_field(
    context: Context,
    place: Place,
    written: tree.Score,
    owner: ObjectType,
    into: core.Path | None,
) -> core.Path | None:
    """Gives the field of the grade: the one written, else `<points>_grade` if there is one."""
    if len(written.into) > 1:
        return own_field(context.session, place, written.into[1], Kind.TEXT, Kind.CHOICE)
    name = f"{into.field}_grade" if into is not None else ""
    field = owner.fields.get(name)
    if field is None or not any(isinstance(s, tree.GradeLine) for s in written.statements):
        return None
    span = written.into[0].span
    return core.Path(field.type, field.nullable, span, Scope.RECORD, (), owner.name, name)


def _refuse_inner(context: Context, statements: tuple[tree.ScoreStatement, ...]) -> None:
    """Reports base, range and grade inside groups: they belong to the whole score."""
    for group in statements:
        if not isinstance(group, tree.ItemGroup):
            continue
        for inner in group.statements:
            if isinstance(inner, tree.Base | tree.Range | tree.GradeLine):
                context.session.report(
                    "misplaced",
                    "a group holds only add, subtract, multiply and groups",
                    Span(inner.span.line, inner.span.column),
                    "move it out of the group",
                )
        _refuse_inner(context, group.statements)


def _entries(
    context: Context, place: Place, statements: tuple[tree.ScoreStatement, ...]
) -> tuple[program.ScoreItem | program.ScoreGroup, ...]:
    entries: list[program.ScoreItem | program.ScoreGroup] = []
    for statement in statements:
        if isinstance(statement, tree.Item):
            item = _item(context, place, statement)
            if item is not None:
                entries.append(item)
        elif isinstance(statement, tree.ItemGroup):
            at_most = context.number(place, statement.at_most)
            inner = _entries(context, place, statement.statements)
            label = statement.label.value
            entries.append(program.ScoreGroup(label, at_most, inner, statement.span))
    return tuple(entries)


def _item(context: Context, place: Place, written: tree.Item) -> program.ScoreItem | None:
    more = (Kind.PERCENT,) if written.kind == "multiply" else ()
    amount = context.number(place, written.amount, *more)
    guard = context.condition(place, written.guard)
    if amount is None:
        return None
    kind = cast("Literal['add', 'subtract', 'multiply']", written.kind)
    because = written.because or written.text
    return program.ScoreItem(kind, amount, guard, because, written.text, written.span)


def _grades(
    context: Context,
    place: Place,
    statements: tuple[tree.ScoreStatement, ...],
    into: core.Path | None,
) -> tuple[program.Grade, ...]:
    """Gives the grades, highest first; their limits are fixed numbers, each of its own."""
    grades: dict[Decimal, program.Grade] = {}
    for line in statements:
        if not isinstance(line, tree.GradeLine):
            continue
        least = context.number(place, line.least)
        if least is None:
            continue
        limit = least.value if isinstance(least, core.Constant) else None
        if not isinstance(limit, Decimal):
            context.session.report("not_constant", "a grade begins at a fixed number", least.span)
            continue
        if limit in grades:
            template = "two grades begin at {limit}"
            context.session.report("twice", template, least.span, limit=limit)
        if into is not None and is_kind(into, Kind.CHOICE):
            text = core.Constant(Type(Kind.TEXT), False, line.name.span, line.name.value)
            fit_option(context.session, text, into)
        grades[limit] = program.Grade(line.name.value, least, line.span)
    return tuple(grades[limit] for limit in sorted(grades, reverse=True))
