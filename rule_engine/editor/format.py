"""The formatter: works on tokens and comments, never on the tree, so that nothing gets lost."""

from __future__ import annotations

from rule_engine.editor.columns import align
from rule_engine.editor.lines import Line, cut_lines, find_marks, set_levels
from rule_engine.editor.spacing import set_gaps
from rule_engine.editor.spellings import spell_as_named
from rule_engine.editor.tokens import scan
from rule_engine.types import Schema

_SPELLINGS = {"==": "=", "<>": "!="}


def format_text(text: str, schema: Schema | None = None, *, source: str = "<text>") -> str:
    """Gives a rule text with the usual indentation and spacing; raises RuleSyntaxError.

    Line breaks stay the author's, and so do single blank lines and columns of `when`, `because`
    and comments that were lined up; the cells of decision tables are lined up. With a schema,
    fields and objects named by a label are named by their API name, options by their value.
    """
    if schema is not None:
        text = spell_as_named(text, schema, source=source)
    found = scan(text, source=source)
    marks = find_marks(found)
    lines = cut_lines(found)
    for line in lines:
        for place, token in enumerate(line.tokens):
            if token.type == "COMPARE" and token in _SPELLINGS:
                line.tokens[place] = token.update(value=_SPELLINGS[token])
    set_levels(lines, marks)
    for line in lines:
        set_gaps(line, marks)
    align(lines)
    return "".join(map(_write, lines))


def _write(line: Line) -> str:
    parts = ["\n"] if line.has_blank_before else []
    for token, gap in zip(line.tokens, line.gaps, strict=True):
        parts += (" " * gap, token)
    return "".join((*parts, "\n"))
