"""Whatever comes in: declared errors only, and time in proportion to the text.

Mutated examples, texts walked out of the grammar, random characters and bytes go through parsing,
checking, compiling for Python and SQL, running the tests in them, and formatting. `make soak`
(TRELLIS_SOAK=1) takes 120,000 texts instead of some thousand, and others each time.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rule_engine import (
    Diagnostic,
    Expression,
    NotTranslatableError,
    Program,
    RuleCheckError,
    RuleSyntaxError,
    compile_program,
    core,
    parse,
)
from rule_engine.backends.python import compile_node
from rule_engine.backends.sql import compile_parts_sql
from rule_engine.editor import format_text
from rule_engine.messages import PLACES
from rule_engine.testing import run_tests
from tests.rule_engine.grammar_texts import make_text
from tests.rule_engine.law_run import IS_SOAK, law
from tests.rule_engine.law_world import SCHEMA as DEALS
from tests.rule_engine.law_world import Tables, make_tables
from tests.rule_engine.schemas import SCHEMA

FUZZ = law(24_000 if IS_SOAK else 400)

TEXTS = [path.read_text("utf-8") for path in (Path(__file__).parent / "examples").glob("*.rules")]
TOKENS = [re.findall(r'"[^"\n]*"|\w+|\s+|[^\w\s]', text) for text in TEXTS]
WORDS = sorted(
    {token for tokens in TOKENS for token in tokens}
    | set("“，‘&|!;%$\\`\"'\n\t{}[]()\0\ud800е́\u200b")
)
TABLES = Tables("sqlite", make_tables()[1])

#: CPU seconds: for each KB (the issue's promise), and whatever a small text costs at most.
PER_KB, GRACE = 0.1, 1.5


def parts(value: object) -> Iterator[core.Node]:
    """Gives the outermost nodes of a program."""
    if isinstance(value, core.Node):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from parts(item)
    elif isinstance(value, dict):
        yield from parts(tuple(value.values()))
    elif is_dataclass(value):
        for part in fields(value):
            if part.name != "schema":
                yield from parts(getattr(value, part.name))


def find(text: str) -> tuple[Diagnostic, ...]:
    """Takes a text through everything; gives what is said about it."""
    try:
        program = compile_program([parse(text)], SCHEMA)
    except (RuleSyntaxError, RuleCheckError) as error:
        return error.diagnostics
    compile_all(program)
    return program.warnings


def compile_all(program: Program) -> None:
    for node in parts(program):
        with suppress(NotTranslatableError):
            compile_node(node)
    run_tests(program)


def check_text(text: str) -> None:
    start = time.process_time()
    found = find(text)
    with suppress(RuleSyntaxError):
        format_text(text)
    took = time.process_time() - start
    size = len(text.encode("utf-8", "surrogatepass"))
    assert took < GRACE + PER_KB * size / 1024, f"{took:.2f} s for {size} bytes"
    lines = text.split("\n")
    for finding in found:
        span = finding.span
        assert 1 <= span.line <= len(lines)
        assert 1 <= span.column <= len(lines[span.line - 1]) + 1
        assert span.width >= 1
        assert finding.message
        assert finding.code
        for phrase in (finding.said, finding.advice):
            assert set(PLACES.findall(phrase.template)) <= set(phrase.values)
    places = [(one.source, one.span.line, one.span.column) for one in found]
    assert places == sorted(places)


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


@pytest.mark.soak
@FUZZ
@given(st.sampled_from(range(len(TOKENS))), edits)
def test_damaged_texts(number: int, changes: list[tuple[str, int, str]]) -> None:
    check_text(damage(TOKENS[number], changes))


@pytest.mark.soak
@FUZZ
@given(st.integers(0, 2**40), st.integers(8, 30), st.lists(edits, max_size=1))
def test_texts_of_the_grammar(
    seed: int, depth: int, changes: list[list[tuple[str, int, str]]]
) -> None:
    tokens = make_text(seed, depth=depth).split(" ")
    spaced = [part for token in tokens for part in (token, " ")]
    check_text(damage(spaced, changes[0]) if changes else "".join(spaced))


@pytest.mark.soak
@FUZZ
@given(st.integers(0, 2**40), st.integers(6, 20))
def test_expressions_of_the_grammar(seed: int, depth: int) -> None:
    text = make_text(seed, start="expression", depth=depth)
    start = time.process_time()
    with suppress(RuleSyntaxError, RuleCheckError, NotTranslatableError):
        node = Expression.parse(text).resolve(DEALS, "deal")
        compile_node(node)
        compile_parts_sql(node, TABLES, TABLES.tables["deal"])
    assert time.process_time() - start < GRACE + PER_KB * len(text) / 1024


@pytest.mark.soak
@FUZZ
@given(st.lists(st.sampled_from(WORDS), max_size=40).map("".join))
def test_nonsense(text: str) -> None:
    check_text(text)


@pytest.mark.soak
@FUZZ
@given(st.one_of(st.text(max_size=80), st.binary(max_size=80).map(lambda b: b.decode("latin-1"))))
def test_noise(text: str) -> None:
    check_text(text)
