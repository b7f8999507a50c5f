"""Damaged texts give findings with places inside the text, never another exception."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from rule_engine import Diagnostic, RuleCheckError, RuleSyntaxError, compile_program, parse
from tests.rule_engine.schemas import SCHEMA

TEXTS = [path.read_text("utf-8") for path in (Path(__file__).parent / "examples").glob("*.rules")]
TOKENS = [re.findall(r'"[^"\n]*"|\w+|\s+|[^\w\s]', text) for text in TEXTS]
WORDS = sorted({token for tokens in TOKENS for token in tokens} | set("“，‘&|!;%$\\`\"'\n\t{}[]()"))

edits = st.lists(
    st.tuples(
        st.sampled_from(["drop", "insert", "swap", "double", "cut"]),
        st.integers(0, 10_000),
        st.sampled_from(WORDS),
    ),
    min_size=1,
    max_size=4,
)


def damage(tokens: list[str], changes: list[tuple[str, int, str]]) -> str:
    tokens = list(tokens)
    for kind, number, word in changes:
        place = number % max(1, len(tokens))
        match kind:
            case "drop":
                tokens[place : place + 1] = []
            case "insert":
                tokens[place:place] = [word]
            case "swap":
                tokens[place : place + 1] = [word]
            case "double":
                tokens[place:place] = tokens[place : place + 3]
            case _:
                tokens[place + 30 :] = []
    return "".join(tokens)


def find(text: str) -> tuple[Diagnostic, ...]:
    try:
        return compile_program([parse(text)], SCHEMA).warnings
    except (RuleSyntaxError, RuleCheckError) as error:
        return error.diagnostics


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(range(len(TOKENS))), edits)
def test_damaged_texts(number: int, changes: list[tuple[str, int, str]]) -> None:
    text = damage(TOKENS[number], changes)
    lines = text.split("\n")
    for finding in find(text):
        span = finding.span
        assert 1 <= span.line <= len(lines)
        assert 1 <= span.column <= len(lines[span.line - 1]) + 1
        assert span.width >= 1
        assert finding.message
        assert finding.code
    assert [(f.span.line, f.span.column) for f in find(text)] == sorted(
        (f.span.line, f.span.column) for f in find(text)
    )


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=40).map("".join))
def test_nonsense(text: str) -> None:
    find(text)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=60))
def test_noise(text: str) -> None:
    find(text)
