"""The parser's face: from a text to the tree, or to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date

import lark
from lark import Token
from lark.exceptions import UnexpectedInput

from rule_engine import tree
from rule_engine.collecting import uncollected
from rule_engine.errors import Diagnostic, RuleSyntaxError, finding
from rule_engine.syntax import actions, cases, literals, processes, statements
from rule_engine.syntax.expressions import Branch, ExpressionBuilder, token_of
from rule_engine.syntax.limits import check_text, check_tree
from rule_engine.syntax.mistakes import describe
from rule_engine.syntax.reading import read
from rule_engine.syntax.recovery import find_mistakes

_BUILDERS: dict[str, Callable[[ExpressionBuilder, Branch], tree.Statement]] = {
    "calendar": statements.calendar,
    "define": statements.define,
    "table": statements.table,
    "score": statements.score,
    "validate": statements.validate,
    "rule": actions.rule,
    "assign": actions.assign,
    "approval": processes.approval,
    "sla": processes.sla,
    "test": cases.test,
}


def parse(text: str, *, source: str = "<text>", package: str = "") -> tree.Ruleset:
    """Parses a rule text; raises RuleSyntaxError with every mistake that could be found.

    `package` is whose names the text shares: see tree.Ruleset.
    """
    _refuse(check_text(text, source))
    try:
        with uncollected():
            root = read(text, "file")
            ruleset = build_ruleset(root, text, source)
    except UnexpectedInput as error:
        raise RuleSyntaxError(_sorted(find_mistakes(text, error, source))) from None
    return replace(ruleset, package=package)


def parse_expression(text: str, *, source: str = "<text>") -> tree.Expression:
    """Parses a single expression; raises RuleSyntaxError."""
    _refuse(check_text(text, source))
    try:
        node = read(text, "expression")
    except UnexpectedInput as error:
        raise RuleSyntaxError([describe(error, text, source)]) from None
    _refuse(check_tree(node, source))
    found: list[Diagnostic] = []
    expression = ExpressionBuilder(text, found.append).build(node)
    _refuse(_sorted(replace(one, source=source) for one in found))
    return expression


def build_ruleset(root: lark.Tree[Token], text: str, source: str) -> tree.Ruleset:
    """Gives the rule set of a parsed text; raises RuleSyntaxError for literals that are none."""
    _refuse(check_tree(root, source))
    found: list[Diagnostic] = []
    build = ExpressionBuilder(text, found.append)
    heads = statements.pick(root, "ruleset")
    built = tuple(_BUILDERS[node.data](build, node) for node in statements.pick(root, *_BUILDERS))
    ruleset = tree.Ruleset("", "", "", None, built, source, text)
    if heads:
        ruleset = _read_head(build, heads[0], ruleset)
    _refuse(_sorted(replace(one, source=source) for one in found))
    return ruleset


def _read_head(build: ExpressionBuilder, head: Branch, ruleset: tree.Ruleset) -> tree.Ruleset:
    version, effective, until = head.children[-3:]
    name = build.name(head.children[0]).text
    since, last = _read_day(build, effective), _read_day(build, until)
    if since is not None and last is not None and last < since:
        build.report(_backwards(token_of(until), since))
    return replace(
        ruleset,
        name=name,
        label=statements.label_of(build, head) or name,
        version="" if version is None else str(version),
        effective=since,
        until=last,
    )


def _backwards(until: Token, since: date) -> Diagnostic:
    template = "the last day {text} lies before the first ({since})"
    return finding(
        "no_such_time", template, literals.token_span(until), text=str(until), since=str(since)
    )


def _read_day(build: ExpressionBuilder, written: Branch | Token | None) -> date | None:
    return None if written is None else literals.read_date(token_of(written), build.report)


def _sorted(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    return sorted(found, key=lambda one: (one.span.line, one.span.column))


def _refuse(found: list[Diagnostic]) -> None:
    if found:
        raise RuleSyntaxError(found)
