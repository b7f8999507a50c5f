"""Builds calendars, formulas, tables, scores and validations from the parser's tree."""

from __future__ import annotations

import re
from datetime import time

from lark import Token

from rule_engine import tree
from rule_engine.syntax import literals
from rule_engine.syntax.expressions import Branch, ExpressionBuilder, Part, branch_of, token_of


def pick(node: Branch, *kinds: str) -> list[Branch]:
    """Gives the direct subtrees of some grammar rules, in order."""
    return [part for part in node.children if is_branch(part, *kinds)]  # type: ignore[misc]


def pick_one(node: Branch, kind: str) -> Branch | None:
    """Gives the first direct subtree of a grammar rule, None when there is none."""
    return next(iter(pick(node, kind)), None)


def is_branch(part: Part, *kinds: str) -> bool:
    """Says whether a part is a subtree of one of the grammar rules."""
    return part is not None and getattr(part, "data", None) in kinds


def head_of(build: ExpressionBuilder, node: Branch) -> tree.Head:
    """Gives `name "Label" on Object` of a statement."""
    head = branch_of(node.children[0])
    return tree.Head(
        build.name(head.children[0]), label_of(build, head), build.name(head.children[-1])
    )


def label_of(build: ExpressionBuilder, node: Branch) -> str | None:
    """Gives the label among a node's children, None when not written."""
    label = pick_one(node, "label")
    return None if label is None else build.string(label.children[0]).value


def guard_of(build: ExpressionBuilder, node: Branch) -> tree.Expression | None:
    """Gives the `when` condition among a node's children, None when not written."""
    guard = pick_one(node, "guard")
    return None if guard is None else build.build(guard.children[0])


# Calendars


def calendar(build: ExpressionBuilder, node: Branch) -> tree.Calendar:
    """Builds a `calendar` statement."""
    return tree.Calendar(
        name=build.name(node.children[0]),
        label=label_of(build, node),
        zones=tuple(build.string(line.children[0]) for line in pick(node, "cal_zone")),
        hours=tuple(_hours(build, line) for line in pick(node, "cal_hours")),
        holidays=tuple(build.string(line.children[0]) for line in pick(node, "cal_holidays")),
        closed=tuple(_closed(build, line) for line in pick(node, "cal_closed")),
        open=tuple(_open(build, line) for line in pick(node, "cal_open")),
        span=build.span(node),
    )


def _hours(build: ExpressionBuilder, node: Branch) -> tree.Hours:
    *ranges, times = node.children
    return tree.Hours(tuple(map(_day_range, ranges)), _times(build, times), build.span(node))


def _day_range(part: Part) -> tree.DayRange:
    first, last = branch_of(part).children
    return tree.DayRange(str(first), str(first if last is None else last))


def _times(build: ExpressionBuilder, part: Part) -> tuple[tuple[time, time], ...]:
    return tuple(
        (
            literals.read_time(token_of(branch_of(span).children[0]), build.report),
            _closing(build, token_of(branch_of(span).children[1])),
        )
        for span in branch_of(part).children
    )


def _closing(build: ExpressionBuilder, token: Token) -> time:
    """Gives the end of a span; 24:00 is midnight, the end of the day."""
    return time() if str(token) == "24:00" else literals.read_time(token, build.report)


def _closed(build: ExpressionBuilder, node: Branch) -> tree.Closed:
    first = literals.read_date(token_of(node.children[0]), build.report)
    written = node.children[1]
    last = first if written is None else literals.read_date(token_of(written), build.report)
    return tree.Closed(first, last, label_of(build, node), build.span(node))


def _open(build: ExpressionBuilder, node: Branch) -> tree.Open:
    day = literals.read_date(token_of(node.children[0]), build.report)
    times = _times(build, node.children[1])
    return tree.Open(day, times, label_of(build, node), build.span(node))


# Formulas and tables


def define(build: ExpressionBuilder, node: Branch) -> tree.Define:
    """Builds a `define` statement."""
    return tree.Define(head_of(build, node), build.build(node.children[1]), build.span(node))


def table(build: ExpressionBuilder, node: Branch) -> tree.Table:
    """Builds a `table` statement."""
    header = branch_of(node.children[2])
    return tree.Table(
        head=head_of(build, node),
        hit=str(node.children[1]),
        columns=tuple(build.path(part) for part in pick(header, "path")),
        outputs=tuple(
            build.name(part) for part in header.children if part and not is_branch(part, "path")
        ),
        rows=tuple(_row(build, row) for row in pick(node, "table_row")),
        span=build.span(node),
    )


_CELLS = {
    "cell_any": "any",
    "cell_test": "test",
    "cell_in": "in",
    "cell_between": "between",
    "cell_eq": "equal",
}


def _row(build: ExpressionBuilder, node: Branch) -> tree.Row:
    cells = pick(node, *_CELLS)
    outputs = [part for part in node.children if part and not is_branch(part, "label", *_CELLS)]
    return tree.Row(
        tuple(_cell(build, cell) for cell in cells),
        build.all(outputs),
        label_of(build, node),
        build.span(node),
    )


def _cell(build: ExpressionBuilder, node: Branch) -> tree.Cell:
    kind = _CELLS[node.data]
    parts = list(node.children)
    op, negated = "", False
    if kind == "test":
        op = {"==": "=", "<>": "!="}.get(str(parts[0]), str(parts[0]))
        parts = parts[1:]
    elif kind == "in":
        negated, parts = parts[0] is not None, parts[1:]
    return tree.Cell(kind, op, build.all(parts), negated, build.span(node))


# Scores


def score(build: ExpressionBuilder, node: Branch) -> tree.Score:
    """Builds a `score` statement."""
    return tree.Score(
        head=head_of(build, node),
        into=tuple(build.path(part) for part in pick(node, "path")),
        guard=guard_of(build, node),
        statements=_score_statements(build, node),
        span=build.span(node),
    )


_ITEMS = {"score_add": "add", "score_subtract": "subtract", "score_multiply": "multiply"}


def _score_statements(build: ExpressionBuilder, node: Branch) -> tuple[tree.ScoreStatement, ...]:
    lines = pick(node, "score_base", "score_range", "score_group", "score_grade", *_ITEMS)
    return tuple(_score_statement(build, line) for line in lines)


def _score_statement(build: ExpressionBuilder, node: Branch) -> tree.ScoreStatement:
    span = build.span(node)
    match node.data:
        case "score_base":
            return tree.Base(build.build(node.children[0]), span)
        case "score_range":
            return tree.Range(build.build(node.children[0]), build.build(node.children[1]), span)
        case "score_group":
            label, at_most = node.children[:2]
            return tree.ItemGroup(
                build.string(label),
                build.build_optional(at_most),
                _score_statements(build, node),
                span,
            )
        case "score_grade":
            name, least = node.children
            return tree.GradeLine(build.string(name), build.build(least), span)
    return _item(build, node)


_KEYWORDS = re.compile(r"^(add|subtract|multiply\s+by)\b")


def _item(build: ExpressionBuilder, node: Branch) -> tree.Item:
    because = pick_one(node, "because")
    end = node.meta.end_pos if because is None else because.meta.start_pos
    written = build.text[node.meta.start_pos : end]
    return tree.Item(
        kind=_ITEMS[node.data],
        amount=build.build(node.children[0]),
        guard=guard_of(build, node),
        because=because_of(build, node),
        text=_KEYWORDS.sub("", written, count=1).strip(),
        span=build.span(node),
    )


def because_of(build: ExpressionBuilder, node: Branch) -> str | None:
    """Gives the reason among a node's children, None when not written."""
    because = pick_one(node, "because")
    return None if because is None else build.string(because.children[0]).value


# Validation


def validate(build: ExpressionBuilder, node: Branch) -> tree.Validate:
    """Builds a `validate` statement."""
    return tree.Validate(
        head=head_of(build, node),
        guard=guard_of(build, node),
        requirements=tuple(_requirement(build, line) for line in pick(node, "require", "forbid")),
        span=build.span(node),
    )


def _requirement(build: ExpressionBuilder, node: Branch) -> tree.Requirement:
    text, at = branch_of(node.children[-1]).children
    return tree.Requirement(
        kind=str(node.data),
        condition=build.build(node.children[0]),
        guard=guard_of(build, node),
        message=build.string(text),
        at=None if at is None else build.path(at),
        span=build.span(node),
    )
