"""Makes a text readable by blanking out what cannot be read; all places stay as they are."""

from __future__ import annotations

import re

from rule_engine.errors import RuleSyntaxError
from rule_engine.parse import parse
from rule_engine.syntax.habits import STATEMENT
from rule_engine.syntax.limits import check_text


def parsable(text: str) -> str:
    """Gives a text with spaces in place of the statements that do not parse."""
    if check_text(text, ""):
        return ""
    try:
        parse(text)
    except RuleSyntaxError:
        return "".join(_readable_parts(text))
    return text


def cut_statements(text: str) -> list[str]:
    """Cuts a text where lines begin with the word of a statement; the first part may be empty."""
    starts = [found.start() for found in STATEMENT.finditer(text)]
    return [text[a:b] for a, b in zip([0, *starts], [*starts, len(text)], strict=True)]


def _readable_parts(text: str) -> list[str]:
    parts = []
    for part in cut_statements(text):
        try:
            parse(part)
        except RuleSyntaxError:
            parts.append(re.sub(r"[^\n]", " ", part))
        else:
            parts.append(part)
    return parts
