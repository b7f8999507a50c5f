"""Builds test blocks from the parser's tree."""

from __future__ import annotations

from rule_engine import tree
from rule_engine.syntax import literals
from rule_engine.syntax.actions import principal, record
from rule_engine.syntax.expressions import Branch, ExpressionBuilder, branch_of, token_of


def test(build: ExpressionBuilder, node: Branch) -> tree.Test:
    """Builds a `test` statement."""
    name, of, *lines = node.children
    return tree.Test(
        build.string(name),
        build.name(of),
        tuple(_statement(build, branch_of(line)) for line in lines),
        build.span(node),
    )


def _statement(build: ExpressionBuilder, node: Branch) -> tree.TestStatement:
    span, parts = build.span(node), node.children
    match node.data:
        case "test_now":
            moment = literals.read_datetime(token_of(parts[0]), build.report)
            return tree.NowIs(moment, span)
        case "test_given":
            alias = parts[0] if parts[1] is None else parts[1]
            return tree.Given(
                build.name(parts[0]), build.name(alias), record(build, parts[2]), span
            )
        case "test_do":
            by = principal(build, parts[1]) if len(parts) > 1 and parts[1] is not None else None
            return tree.Do(build.name(parts[0]), by, span)
        case "test_change":
            return tree.Change(record(build, parts[0]), span)
        case "test_wait":
            return tree.Wait(build.duration(parts[0]), span)
        case "expect":
            written = build.source(node).removeprefix("expect").strip()
            return tree.Expect(build.build(parts[0]), written, span)
    kind = str(node.data).removeprefix("expect_")
    return tree.ExpectText(kind, build.string(parts[0]), span)
