"""Texts on SQLite: case and normal forms by registered functions, the rest by its own."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from rule_engine.backends.dialects.sqlite_scales import function
from rule_engine.backends.dialects.texts import TEXT, Condition, Texts, white_space
from rule_engine.backends.dialects.values import Element, retype, verbatim


class SqliteTexts(Texts):
    """Sets of choices are JSON lists."""

    def fold(self, text: Element) -> Element:
        """Gives rule_fold()."""
        return function("fold", text)

    def clean(self, text: Element) -> Element:
        """Gives rule_clean()."""
        return function("clean", text)

    def change_case(self, kind: str, text: Element) -> Element:
        """Gives rule_lower() or rule_upper()."""
        return function(kind, text)

    def holds(self, kind: str, left: Element, right: Element) -> Condition:
        """Gives a test by instr() or substr()."""
        if kind == "contains":
            return sa.func.instr(left, right, type_=sa.BigInteger()) > verbatim(0)
        size = sa.func.length(right, type_=sa.BigInteger())
        if kind == "starts":
            return sa.func.substr(left, verbatim(1), size, type_=TEXT) == right
        return sa.func.substr(left, -size, type_=TEXT) == right

    def in_set(self, item: Element, choices: Element) -> Condition:
        """Looks into the list, which is never NULL: an empty one has no rows."""
        members = sa.func.json_each(choices).table_valued("value")
        return sa.exists().where(members.c.value == item).select_from(members)

    def same_set(self, left: Element, right: Element) -> Condition:
        """Compares the lists, which are stored sorted, as texts."""
        return retype(sa.func.json(left), TEXT) == retype(sa.func.json(right), TEXT)

    def size_of_set(self, choices: Element) -> Element:
        """Gives json_array_length()."""
        # Not by `sa.func`: SQLAlchemy-Utils registers a class of this name that is never cached.
        size = sa.Function("json_array_length", choices, type_=sa.BigInteger())
        return sa.func.coalesce(size, verbatim(0), type_=sa.BigInteger())

    def joined(self, text: Element, separator: str, order: Sequence[Element]) -> Element:
        """Gives group_concat() in the order that the rows come in."""
        return sa.func.group_concat(text, sa.literal(separator), type_=TEXT)

    def _replaced(self, text: Element, old: Element, new: Element) -> Element:
        return function("replace", text, old, new)

    def _strip(self, text: Element) -> Element:
        return sa.func.trim(text, white_space(), type_=TEXT)
