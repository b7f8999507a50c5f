"""Our reading of texts gives the trees and places that Lark gives, or leaves the text to Lark."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import lark
import pytest
from lark import Token
from lark.exceptions import UnexpectedInput

from rule_engine.syntax.reading import _Reading
from rule_engine.syntax.tables import parser
from tests.rule_engine.grammar_texts import make_text

EXAMPLES = sorted((Path(__file__).parent / "examples").rglob("*.rules"))
TOKEN = ("type", "line", "column", "start_pos", "end_line", "end_column", "end_pos")
PLACE = ("line", "column", "start_pos", "end_pos")


def told(part: lark.Tree[Token] | Token | None) -> object:
    """Gives all that can be seen of a tree."""
    if part is None:
        return None
    if isinstance(part, Token):
        return str(part), *(getattr(part, name) for name in TOKEN)
    place = None if part.meta.empty else [getattr(part.meta, name) for name in PLACE]
    return part.data, place, [told(child) for child in part.children]


def agree(text: str, start: str) -> None:
    found = _Reading(start).read(text)
    try:
        expected = parser().parse(text, start=start)
    except UnexpectedInput:
        assert found is None, text
    else:
        assert found is not None, text
        assert told(found) == told(expected), text


def damaged(text: str, source: random.Random) -> Iterator[str]:
    """Gives a text with something missing, and with something too many."""
    start = source.randrange(len(text) + 1)
    yield text[:start] + text[start + source.randrange(9) :]
    yield text[:start] + source.choice(["\n", "#", "(", ")", '"', "and ", "§"]) + text[start:]


@pytest.mark.parametrize("start", ["file", "expression"])
def test_it_agrees_with_lark(start: str) -> None:
    source = random.Random(3)
    for seed in range(60):
        text = make_text(seed, start=start)
        agree(text, start)
        for other in damaged(text, source):
            agree(other, start)


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_it_agrees_with_lark_about_examples(file: Path) -> None:
    agree(file.read_text("utf-8"), "file")


@pytest.mark.parametrize("text", ["", " \n", "# only\n", "# a\n\n  # b"])
def test_it_agrees_with_lark_about_nothing(text: str) -> None:
    agree(text, "file")
    agree(text, "expression")
