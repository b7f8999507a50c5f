"""The filter of a list: its parts, how it joins the view's own, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from metadata.problems import Problem, sentence
from rule_engine.errors import RuleSyntaxError
from rule_engine.parse import parse_expression
from rule_engine.tree.expressions import AllOf, AnyOf, Expression
from trellis.views.list.chips import Chip, Words
from trellis.web.words import gettext


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with a filter: where, what, and the line with the place marked."""

    place: str
    message: str
    before: str | None = None
    marked: str = ""
    after: str = ""


def both(fixed: str | None, own: str) -> str | None:
    """Gives one condition out of the view's and the reader's, each of which stands by itself.

    The line breaks end a comment at the end of either.
    """
    parts = [part for part in (fixed, own) if part and part.strip()]
    if len(parts) < 2:
        return parts[0] if parts else None
    return " and ".join(f"({part}\n)" for part in parts)


def chips_of(
    text: str, words: Words, without: Callable[[str | None], str] | None
) -> tuple[Chip, ...]:
    """Gives the parts of `text` that `and` joins; none for a text that cannot be read."""
    try:
        parts = conjuncts(text)
    except RuleSyntaxError:
        return ()
    chips = []
    for place, part in enumerate(parts):
        rest = " and ".join(parts[:place] + parts[place + 1 :])
        chips.append(words.chip(part, without(rest or None) if without else None))
    return tuple(chips)


def conjuncts(text: str) -> list[str]:
    """Gives the conditions that `and` joins, each able to stand alone; one text for all else.

    Raises RuleSyntaxError for a text that cannot be read.
    """
    if not text.strip():
        return []
    tree = parse_expression(text)
    if not isinstance(tree, AllOf) or "\n" in text:
        return [text.strip()]
    return [written(text, item) for item in tree.items]


def written(text: str, item: Expression) -> str:
    """Gives a condition as it was written, in parentheses where it needs them."""
    start = item.span.column - 1
    part = text[start : start + item.span.width]
    return f"({part})" if isinstance(item, AnyOf) else part


def findings(problems: Iterable[Problem], text: str, language: str) -> tuple[Finding, ...]:
    """Words what is wrong, with the place in the reader's own text."""
    return tuple(finding(problem, text, language) for problem in problems)


def finding(problem: Problem, text: str, language: str) -> Finding:
    """Words one problem."""
    message = sentence(problem, language)
    lines = text.splitlines()
    if problem.line is None or problem.column is None or not 1 <= problem.line <= len(lines):
        return Finding("", message)
    place = gettext("Line %(line)s, column %(column)s:", line=problem.line, column=problem.column)
    line, start = lines[problem.line - 1], problem.column - 1
    end = start + 1
    while end < len(line) and line[start : end + 1].replace("_", "").isalnum():
        end += 1
    return Finding(place, message, line[:start], line[start:end] or " ", line[end:])
