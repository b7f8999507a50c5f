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
    if _parses(text):
        return text
    readable = "".join(_readable_parts(text))
    return readable if _parses(readable) else ""


def cut_statements(text: str) -> list[str]:
    """Cuts a text where lines begin with the word of a statement; the first part may be empty."""
    starts = [found.start() for found in STATEMENT.finditer(text)]
    return [text[a:b] for a, b in zip([0, *starts], [*starts, len(text)], strict=True)]


def _parses(text: str) -> bool:
    try:
        parse(text)
    except RuleSyntaxError:
        return False
    return True


def _readable_parts(text: str) -> list[str]:
    """Gives what parses by itself as it is; `ruleset` only where nothing stands before it."""
    parts: list[str] = []
    for part in cut_statements(text):
        is_late = part.startswith("ruleset") and any(map(str.strip, parts))
        kept = not is_late and _parses(part)
        parts.append(part if kept else re.sub(r"[^\n]", " ", part))
    return parts
