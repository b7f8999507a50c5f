"""A rule text as its statements, so that two people's changes to different ones can be merged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import lark

from rule_engine import tree
from rule_engine.editor.tokens import scan
from rule_engine.errors import RuleSyntaxError

HEAD = "ruleset"
REST = "rest"


def statements_of(text: str) -> dict[str, str] | None:
    """Gives the lines of each statement by its kind and name, comments before it included.

    `ruleset` holds what stands before the first statement, `rest` what follows the last one: all
    together are the text. None for a text that does not parse, has one name twice, or two
    statements on one line.
    """
    try:
        read = scan(text)
    except RuleSyntaxError:
        return None
    nodes = [child for child in read.root.children if isinstance(child, lark.Tree)]
    ends = [end_of_line(text, node.meta.end_pos) for node in nodes]
    is_headed = bool(nodes) and nodes[0].data == "ruleset"
    names = [*([HEAD] if is_headed else []), *map(name_of, read.ruleset.statements)]
    if len(names) != len(ends) or max(Counter(names).values(), default=1) > 1:
        return None
    starts = [0, *ends]
    if any(start >= end for start, end in zip(starts, ends, strict=False)):
        return None  # two statements on one line
    parts = {
        name: text[starts[i] : end] for i, (name, end) in enumerate(zip(names, ends, strict=True))
    }
    rest = text[starts[-1] :]
    return {**parts, REST: rest} if rest else parts


def end_of_line(text: str, place: int) -> int:
    """Gives the place behind the line that a statement ends in."""
    found = text.find("\n", place)
    return len(text) if found < 0 else found + 1


def name_of(statement: tree.Statement) -> str:
    """Gives what a statement is known by."""
    kind = type(statement).__name__.lower()
    match statement:
        case tree.Test():
            return f"{kind} {statement.name.value}"
        case tree.Calendar():
            return f"{kind} {statement.name.text}"
    return f"{kind} {statement.head.name.text}"


def joined(statements: Mapping[str, object]) -> str:
    """Gives the text of statements, each on lines of its own."""
    return "".join(lines(statements))


def lines(statements: Mapping[str, object]) -> Iterator[str]:
    """Gives the parts of a text; `rest` is always the last."""
    ordered = [*(str(part) for name, part in statements.items() if name != REST)]
    rest = str(statements.get(REST, ""))
    for index, part in enumerate(ordered):
        is_last = index == len(ordered) - 1 and not rest
        yield part if is_last or part.endswith("\n") else f"{part}\n"
    yield rest
