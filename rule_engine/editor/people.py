"""The roles that texts name: `role "sales"` and `in_role("sales")`."""

from __future__ import annotations

from collections.abc import Mapping

from lark import Token

from rule_engine.editor.changes import replace_names
from rule_engine.editor.meanings import written_name
from rule_engine.editor.tokens import scan

ROLE, IN_ROLE = "role", "in_role"


def find_roles(text: str, *, source: str = "<text>") -> list[tuple[str, Token]]:
    """Gives the roles that a rule text names, as it names them, with their tokens.

    Raises RuleSyntaxError for a text that does not parse.
    """
    tokens = scan(text, source=source).tokens
    found: list[tuple[str, Token]] = []
    for place, token in enumerate(tokens):
        before = tokens[place - 1] if place else None
        first = tokens[place - 2] if place > 1 else None
        if token.type != "STRING" or before is None:
            continue
        if before == ROLE or (before == "(" and first == IN_ROLE):
            found.append((written_name(token), token))
    return found


def rename_roles(text: str, renames: Mapping[str, str]) -> str:
    """Gives a rule text in which roles have other names."""
    changes = {
        token.start_pos or 0: (token, renames[role])
        for role, token in find_roles(text)
        if role in renames
    }
    return replace_names(text, changes) if changes else text
