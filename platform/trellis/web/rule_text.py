"""The text of a rule as it was written, to be shown beside what it did."""

from __future__ import annotations

from metadata.catalog import Catalog
from rule_engine.program import Approval, Score


def text_of(catalog: Catalog, rule: Score | Approval) -> str:
    """Gives a statement's lines out of its rule file; nothing when the file is not known."""
    whole = catalog.rules.get(rule.source) or catalog.rules.get(rule.source.rpartition("/")[2])
    if whole is None:
        return ""
    lines = whole.splitlines()[rule.span.line - 1 :]
    return "\n".join(statement(lines)).strip()


def statement(lines: list[str]) -> list[str]:
    """Gives the lines up to the brace that closes the first one; braces in texts do not count."""
    depth, taken = 0, []
    for line in lines:
        taken.append(line)
        bare = without_texts(line)
        depth += bare.count("{") - bare.count("}")
        if depth <= 0 and "}" in bare:
            break
    return taken


def without_texts(line: str) -> str:
    """Gives a line without its comments and what stands between quotes."""
    kept, inside, escaped = [], False, False
    for character in line:
        if inside:
            inside = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            inside = True
        elif character == "#":
            break
        else:
            kept.append(character)
    return "".join(kept)
