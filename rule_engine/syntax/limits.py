"""Limits on texts that are checked before and right after parsing."""

from __future__ import annotations

import re
from dataclasses import replace

import lark

from rule_engine.errors import Diagnostic, Span, finding

MAX_TEXT_BYTES = 1024 * 1024
MAX_NESTING = 60
MAX_DEPTH = 100  # operators inside operators; visitors and Python's compiler recurse
MAX_CONDITIONS = 2_000
MAX_LIST_ITEMS = 1_000
MAX_DIGITS = 18
MAX_STRING = 4_000
MAX_PATTERN = 200

#: Characters that neither files nor databases can hold: NUL, and halves of UTF-16 pairs.
_NO_CHARACTER = re.compile("[\0\ud800-\udfff]")

#: What brackets may hide in: texts, comments, names in backquotes.
BRACKETS = re.compile(r'"(?:\\.|[^"\\\n])*"|#[^\n]*|`[^`\n]+`|[()\[\]{}]')

#: Rules of the grammar that are conditions by themselves.
_CONDITIONS = frozenset(
    (
        *("compare", "is_empty", "in_", "in_window", "between", "contains", "starts_with"),
        *("ends_with", "matches", "older_than", "changed"),
    )
)

#: Rules of the grammar that make an expression deeper.
_OPERATORS = _CONDITIONS | frozenset(
    ("if_", "any_of", "all_of", "not_", "arith", "sign", "list", "call_fn")
)


def check_text(text: str, source: str) -> list[Diagnostic]:
    """Finds what makes a text too big, too deep or too strange to parse."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_TEXT_BYTES:
        found = finding(
            "text_too_long",
            "the text has {size} bytes; at most {most} are allowed",
            Span(1, 1),
            "cut it into several rule sets",
            size=f"{size:,}",
            most=f"{MAX_TEXT_BYTES:,}",
        )
        return [replace(found, source=source)]
    strange = _NO_CHARACTER.search(text)
    if strange is not None:
        found = finding(
            "bad_character",
            "no text can hold the character U+{number}",
            span_at(text, strange.start()),
            "delete it",
            number=f"{ord(strange.group()):04X}",
        )
        return [replace(found, source=source)]
    return _check_nesting(text, source)


def _check_nesting(text: str, source: str) -> list[Diagnostic]:
    depth = 0
    for found in BRACKETS.finditer(text):
        mark = found.group()
        if mark in "([{":
            depth += 1
        elif mark in ")]}":
            depth = max(0, depth - 1)
        if depth > MAX_NESTING:
            too_deep = finding(
                "too_deep",
                "brackets nest more than {most} deep",
                span_at(text, found.start()),
                "give parts a name with define",
                most=MAX_NESTING,
            )
            return [replace(too_deep, source=source)]
    return []


def check_tree(root: lark.Tree[lark.Token], source: str) -> list[Diagnostic]:
    """Finds the first operator too deep inside others, or the first condition too many."""
    pending = [(root, 0)]
    conditions = 0
    while pending:
        node, depth = pending.pop()
        depth += node.data in _OPERATORS
        conditions += node.data in _CONDITIONS
        if depth > MAX_DEPTH or conditions > MAX_CONDITIONS:
            found = _too_deep(node) if depth > MAX_DEPTH else _too_many(node)
            return [replace(found, source=source)]
        inner = [child for child in node.children if isinstance(child, lark.Tree)]
        pending.extend((child, depth) for child in reversed(inner))
    return []


def _too_deep(node: lark.Tree[lark.Token]) -> Diagnostic:
    return finding(
        "too_deep",
        "this expression has more than {most} operators inside each other",
        Span(node.meta.line, node.meta.column),
        "give parts a name with define",
        most=MAX_DEPTH,
    )


def _too_many(node: lark.Tree[lark.Token]) -> Diagnostic:
    return finding(
        "too_many_conditions",
        "a rule set has at most {most} conditions",
        Span(node.meta.line, node.meta.column),
        "cut it into several rule sets",
        most=f"{MAX_CONDITIONS:,}",
    )


def span_at(text: str, offset: int, width: int = 1) -> Span:
    """Gives the place of an offset (from 0) in a text."""
    line_start = text.rfind("\n", 0, offset) + 1
    return Span(text.count("\n", 0, offset) + 1, offset - line_start + 1, max(1, width))
