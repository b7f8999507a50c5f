"""Random rule sets of every statement, drawn from the grammar itself, and their layout."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass

from hypothesis import strategies as st

from rule_engine import tree
from rule_engine.editor.grammar_words import words
from rule_engine.editor.reading import Reading
from rule_engine.editor.tokens import Scan
from rule_engine.editor.unfinished import shortest_end
from rule_engine.errors import Span

SAMPLES = {
    "NAME": ("x", "status", "字段", "`two words`", "day"),
    "STRING": ('"a"', '"两个字 # no comment"', '"q\\"|{ "'),
    "NUMBER": ("1", "2_000", "1.5", "3万"),
    "PERCENT": ("5%",),
    "DATE": ("2026-01-31",),
    "DATETIME": ("2026-01-31T09:00",),
    "TIME": ("09:00",),
    "CURRENCY": ("CNY",),
    "COMPARE": ("=", "==", "<>", "<="),
    "PLUS": ("+", "-"),
    "TIMES": ("*",),
}
GAPS = (" ", " ", " ", "   ", "\n", "\n  ", "\n\n\n\t", "  # note\n", "\n# 说明  \n")


@st.composite
def terminals(draw: st.DrawFn) -> list[tuple[str, str]]:
    """Gives the tokens of a text that parses: (terminal, spelling)."""
    position, found = Reading.begin("").position, []
    for _ in range(draw(st.integers(1, 60))):
        kinds = [kind for kind in position.possible() if kind != "$END"]
        kind = draw(st.sampled_from(kinds))
        written = draw(st.sampled_from(SAMPLES.get(kind) or words()[kind]))
        following = position.take(kind)
        if following is not None:
            position = following
            found.append((kind, written))
    rest = shortest_end(position) or []
    return [*found, *((kind, (SAMPLES.get(kind) or words()[kind])[0]) for kind in rest)]


@st.composite
def rule_texts(draw: st.DrawFn) -> str:
    """Gives a text with any layout; not all of them parse: words may be read otherwise."""
    parts: list[str] = []
    for _, written in draw(terminals()):
        parts += (written, draw(st.sampled_from(GAPS)))
    return "".join(parts)


def shape(node: object) -> object:
    """Gives a tree without places and without the texts that were written."""
    if isinstance(node, tuple):
        return tuple(map(shape, node))
    if not is_dataclass(node):
        return node
    own_text = isinstance(node, tree.Item | tree.Expect | tree.Ruleset)
    skipped = {"text", "source"} if own_text else set()
    return type(node).__name__, *(
        (part.name, shape(getattr(node, part.name)))
        for part in fields(node)
        if part.name not in skipped and not isinstance(getattr(node, part.name), Span)
    )


def spelled(found: Scan) -> list[str]:
    """Gives the tokens and comments, old spellings as new ones."""
    return [{"==": "=", "<>": "!="}.get(token, str(token)) for token in found.tokens]


def destroy(text: str) -> str:
    """Takes indentation, columns and blank lines away, but not what is in quotes."""
    lines = (
        re.sub(r'("(?:\\.|[^"\\\n])*"|`[^`\n]*`|#[^\n]*)|[ \t]+', lambda f: f[1] or " ", line)
        for line in text.split("\n")
    )
    return "\n".join(line.strip() for line in lines if line.strip())
