"""What a dialect must be able to do with texts and sets of choices."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import sqlalchemy as sa

from rule_engine.backends.dialects.values import Element, retype, verbatim
from rule_engine.text import WHITE_SPACE

TEXT = sa.Text()
Condition = sa.ColumnElement[bool]


class Texts(ABC):
    """Text as `rule_engine.text` has it. NULL gives NULL."""

    @abstractmethod
    def fold(self, text: Element) -> Element:
        """Gives the case-folded NFC text."""

    @abstractmethod
    def clean(self, text: Element) -> Element:
        """Gives the trimmed NFC text, NULL for blank text."""

    @abstractmethod
    def change_case(self, kind: str, text: Element) -> Element:
        """Gives the text in `lower` or `upper` letters."""

    @abstractmethod
    def holds(self, kind: str, left: Element, right: Element) -> Condition:
        """Gives whether folded text contains, starts or ends with folded text, which is not ""."""

    @abstractmethod
    def in_set(self, item: Element, choices: Element) -> Condition:
        """Gives whether a set of choices holds a text."""

    @abstractmethod
    def same_set(self, left: Element, right: Element) -> Condition:
        """Gives whether two sets of choices have the same members."""

    @abstractmethod
    def size_of_set(self, choices: Element) -> Element:
        """Gives the number of members, 0 for NULL."""

    @abstractmethod
    def joined(self, text: Element, separator: str, order: Sequence[Element]) -> Element:
        """Gives the aggregate of texts in an order."""

    def trim(self, text: Element) -> Element:
        """Gives the text without white space around it, NULL for blank text."""
        trimmed = sa.func.nullif(self._strip(text), sa.literal(""))
        return retype(trimmed, TEXT)

    @abstractmethod
    def _strip(self, text: Element) -> Element:
        """Gives the text without white space around it."""

    def replace(self, text: Element, old: Element, new: Element) -> Element:
        """Gives the text with all of `old` replaced, NULL when nothing is left."""
        return sa.func.nullif(
            sa.func.replace(text, old, new, type_=TEXT), sa.literal(""), type_=TEXT
        )

    def length(self, text: Element) -> Element:
        """Gives the number of code points, 0 for NULL."""
        return sa.func.coalesce(sa.func.length(text), verbatim(0), type_=sa.BigInteger())

    def concat(self, texts: Sequence[Element]) -> Element:
        """Gives the texts after one another, NULL when all are."""
        nothing = sa.literal("")
        joined: Element = sa.func.coalesce(texts[0], nothing, type_=TEXT)
        for text in texts[1:]:
            joined = joined.concat(sa.func.coalesce(text, nothing, type_=TEXT))
        return sa.func.nullif(joined, nothing, type_=TEXT)


def white_space() -> Element:
    """Gives all that trimming removes."""
    return sa.literal(WHITE_SPACE, TEXT)
