"""Rewrites labels to API names, and labels of options to their values."""

from __future__ import annotations

from rule_engine.editor.changes import replace_names
from rule_engine.editor.meanings import Occurrence, find_occurrences
from rule_engine.types import Schema

_SORTS = frozenset({"object", "field", "formula", "option"})


def spell_as_named(text: str, schema: Schema, *, source: str = "<text>") -> str:
    """Gives a text in which everything named by a label is named by its API name or value."""
    _, found = find_occurrences({source: text}, schema)
    meant: dict[int, list[Occurrence]] = {}
    for one in found:
        if one.thing.sort in _SORTS:
            meant.setdefault(one.start, []).append(one)
    changes = {
        start: (group[0].token, group[0].thing.name)
        for start, group in meant.items()
        if _is_label(group)
    }
    return replace_names(text, changes) if changes else text


def _is_label(group: list[Occurrence]) -> bool:
    """Says whether a token is a label, and of things that all have one name."""
    names = {one.thing.name for one in group}
    return len(names) == 1 and group[0].written not in names and not _declares(group)


def _declares(group: list[Occurrence]) -> bool:
    return any(one.declares for one in group)
