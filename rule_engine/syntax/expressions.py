"""Builds typed expressions from the parser's tree."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import lark
from lark import Token

from rule_engine import tree
from rule_engine.errors import Span, finding
from rule_engine.syntax import literals
from rule_engine.syntax.limits import MAX_LIST_ITEMS, MAX_PATTERN
from rule_engine.syntax.lookalikes import find_stranger

Branch: TypeAlias = "lark.Tree[Token]"
Part: TypeAlias = "Branch | Token | None"

_OPERATORS = {"==": "=", "<>": "!="}


class ExpressionBuilder:
    """Builds expressions of one text; what is wrong with literals goes to `report`."""

    def __init__(self, text: str, report: literals.Report) -> None:
        self.text = text
        self.report = report
        self._builders: dict[str, Callable[[Branch, Span], tree.Expression]] = {
            "number": self._number,
            "money": self._money,
            "percent": self._percent,
            "duration": self._duration,
            "business_duration": self._duration,
            "date": lambda node, span: tree.DateLiteral(
                span, literals.read_date(token_of(node.children[0]), self.report)
            ),
            "datetime": lambda node, span: tree.DateTimeLiteral(
                span, literals.read_datetime(token_of(node.children[0]), self.report)
            ),
            "time": lambda node, span: tree.TimeLiteral(
                span, literals.read_time(token_of(node.children[0]), self.report)
            ),
            "string": lambda node, span: tree.String(span, self.string(node.children[0]).value),
            "boolean": lambda node, span: tree.Boolean(span, node.children[0] == "true"),
            "list": self._list,
            "path": self._path,
            "compare": self._compare,
            "is_empty": self._is_empty,
            "in_": self._in,
            "in_window": self._in_window,
            "between": self._between,
            "contains": self._text_test,
            "starts_with": self._text_test,
            "ends_with": self._text_test,
            "matches": self._matches,
            "older_than": self._older_than,
            "changed": self._changed,
            "any_of": lambda node, span: tree.AnyOf(span, self.all(node.children)),
            "all_of": lambda node, span: tree.AllOf(span, self.all(node.children)),
            "not_": lambda node, span: tree.Not(span, self.build(node.children[1])),
            "arith": self._arithmetic,
            "sign": self._sign,
            "if_": self._if,
            "call_fn": self._call,
        }

    def build(self, part: Part) -> tree.Expression:
        """Gives the expression of a subtree."""
        node = branch_of(part)
        return self._builders[node.data](node, self.span(node))

    def build_optional(self, part: Part) -> tree.Expression | None:
        """Gives the expression of a subtree, None for a placeholder."""
        return None if part is None else self.build(part)

    def all(self, parts: list[Part] | list[Branch | Token]) -> tuple[tree.Expression, ...]:
        """Gives the expressions of the subtrees, placeholders left out."""
        return tuple(self.build(part) for part in parts if part is not None)

    def span(self, node: Branch) -> Span:
        """Gives the place of a subtree; the width counts line ends too."""
        meta = node.meta
        if meta.empty:
            return Span(1, 1)
        return Span(meta.line, meta.column, max(1, meta.end_pos - meta.start_pos))

    def source(self, node: Branch) -> str:
        """Gives what was written."""
        return "" if node.meta.empty else self.text[node.meta.start_pos : node.meta.end_pos]

    def name(self, part: Part) -> tree.Name:
        """Gives a word."""
        if isinstance(part, lark.Tree):
            return self._full_name(part)
        token = token_of(part)
        name = tree.Name(literals.read_name(token), literals.token_span(token))
        found = find_stranger(name)
        if found is not None:
            self.report(found)
        return name

    def _full_name(self, node: Branch) -> tree.Name:
        """Gives `package.name` as one word."""
        names = [self.name(child) for child in node.children if child is not None]
        return tree.Name(".".join(name.text for name in names), self.span(node))

    def string(self, part: Part) -> tree.Text:
        """Gives a text literal."""
        token = token_of(part)
        return tree.Text(literals.read_string(token, self.report), literals.token_span(token))

    def path(self, part: Part) -> tree.Path:
        """Gives a path."""
        node = branch_of(part)
        return self._path(node, self.span(node))

    def duration(self, part: Part) -> tree.Duration:
        """Gives a length of time."""
        node = branch_of(part)
        return self._duration(node, self.span(node))

    def number(self, part: Part) -> tree.Number:
        """Gives a bare number token as a literal."""
        token = token_of(part)
        value = literals.read_number(token, self.report)
        return tree.Number(literals.token_span(token), value, str(token))

    def _number(self, node: Branch, span: Span) -> tree.Expression:
        del span
        return self.number(node.children[0])

    def _money(self, node: Branch, span: Span) -> tree.Expression:
        number, currency = token_of(node.children[0]), token_of(node.children[1])
        self._check_adjacent(number, currency)
        return tree.MoneyLiteral(span, literals.read_number(number, self.report), str(currency))

    def _percent(self, node: Branch, span: Span) -> tree.Expression:
        token = token_of(node.children[0])
        return tree.Percent(span, literals.read_percent(token, self.report), str(token))

    def _duration(self, node: Branch, span: Span) -> tree.Duration:
        number, unit = token_of(node.children[0]), token_of(node.children[1])
        self._check_adjacent(number, unit)
        return tree.Duration(
            span,
            literals.read_number(number, self.report),
            str(unit).removesuffix("s"),
            node.data == "business_duration",
            " ".join(self.source(node).split()),
        )

    def _check_adjacent(self, number: Token, unit: Token) -> None:
        if number.end_pos != unit.start_pos:
            return
        self.report(
            finding(
                "needs_space",
                '"{number}{unit}" needs a space',
                Span(number.line or 1, number.column or 1, len(number) + len(unit)),
                "write {number} {unit}",
                number=str(number),
                unit=str(unit),
            )
        )

    def _list(self, node: Branch, span: Span) -> tree.Expression:
        items = self.all(node.children)
        if len(items) > MAX_LIST_ITEMS:
            self.report(
                finding(
                    "too_many_items",
                    "a list has at most {most} items, this one has {items}",
                    Span(span.line, span.column),
                    most=f"{MAX_LIST_ITEMS:,}",
                    items=f"{len(items):,}",
                )
            )
        return tree.ListLiteral(span, items)

    def _path(self, node: Branch, span: Span) -> tree.Path:
        return tree.Path(span, tuple(self.name(part) for part in node.children))

    def _compare(self, node: Branch, span: Span) -> tree.Expression:
        left, op, right = node.children
        written = str(op)
        return tree.Compare(
            span,
            _OPERATORS.get(written, written),
            self.build(left),
            self.build(right),
            literals.token_span(token_of(op)),
        )

    def _is_empty(self, node: Branch, span: Span) -> tree.Expression:
        return tree.IsEmpty(span, self.build(node.children[0]), node.children[1] is not None)

    def _in(self, node: Branch, span: Span) -> tree.Expression:
        item, negated, collection = node.children
        return tree.In(span, self.build(item), self.build(collection), negated is not None)

    def _in_window(self, node: Branch, span: Span) -> tree.Expression:
        item, negated, window, length = node.children
        return tree.InWindow(
            span, self.build(item), str(window), self.build(length), negated is not None
        )

    def _between(self, node: Branch, span: Span) -> tree.Expression:
        item, negated, low, high = node.children
        return tree.Between(
            span, self.build(item), self.build(low), self.build(high), negated is not None
        )

    def _text_test(self, node: Branch, span: Span) -> tree.Expression:
        left, negated, right = node.children
        kind = str(node.data).removesuffix("_with")
        return tree.TextTest(span, kind, self.build(left), self.build(right), negated is not None)

    def _matches(self, node: Branch, span: Span) -> tree.Expression:
        operand, negated, pattern = node.children
        text = self.string(pattern)
        if len(text.value) > MAX_PATTERN:
            self.report(
                finding(
                    "pattern_too_long",
                    "a pattern has at most {most} characters",
                    text.span,
                    most=MAX_PATTERN,
                )
            )
        return tree.Matches(span, self.build(operand), text, negated is not None)

    def _older_than(self, node: Branch, span: Span) -> tree.Expression:
        operand, negated, length = node.children
        return tree.OlderThan(span, self.build(operand), self.build(length), negated is not None)

    def _changed(self, node: Branch, span: Span) -> tree.Expression:
        path, before, after = node.children
        return tree.Changed(
            span, self.path(path), self.build_optional(before), self.build_optional(after)
        )

    def _arithmetic(self, node: Branch, span: Span) -> tree.Expression:
        left, op, right = node.children
        op_span = literals.token_span(token_of(op))
        return tree.Arithmetic(span, str(op), self.build(left), self.build(right), op_span)

    def _sign(self, node: Branch, span: Span) -> tree.Expression:
        return tree.Sign(span, str(node.children[0]), self.build(node.children[1]))

    def _if(self, node: Branch, span: Span) -> tree.Expression:
        condition, then, otherwise = node.children
        return tree.If(span, self.build(condition), self.build(then), self.build(otherwise))

    def _call(self, node: Branch, span: Span) -> tree.Expression:
        name, *arguments, by, where = node.children
        return tree.Call(
            span,
            self.name(name),
            self.all(arguments),
            self.build_optional(by),
            self.build_optional(where),
        )


def token_of(part: Part) -> Token:
    """Gives a part that the grammar says is a token."""
    if not isinstance(part, Token):
        raise TypeError(f"the grammar puts a token where {part!r} is")
    return part


def branch_of(part: Part) -> Branch:
    """Gives a part that the grammar says is a subtree."""
    if not isinstance(part, lark.Tree):
        raise TypeError(f"the grammar puts a subtree where {part!r} is")
    return part
