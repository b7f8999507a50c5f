"""What a dialect must be able to do with texts and sets of choices."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import reduce

import sqlalchemy as sa
from sqlalchemy.sql.elements import Grouping

from rule_engine.backends.chains import balance
from rule_engine.backends.dialects.values import Element, retype, verbatim
from rule_engine.text import WHITE_SPACE

TEXT = sa.Text()
#: From how many texts on they are put together two by two.
MANY = 16
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
        """Gives the text with all of `old` replaced, NULL when nothing is left, or too much."""
        return self._replaced(text, old, new) if _may_grow(old, new) else replaced(text, old, new)

    @abstractmethod
    def _replaced(self, text: Element, old: Element, new: Element) -> Element:
        """Gives the text with all of `old` replaced, NULL where it would grow too long."""

    def length(self, text: Element) -> Element:
        """Gives the number of code points, 0 for NULL."""
        return sa.func.coalesce(sa.func.length(text), verbatim(0), type_=sa.BigInteger())

    def concat(self, texts: Sequence[Element]) -> Element:
        """Gives the texts after one another, NULL when all are."""
        nothing = sa.literal("")
        full: list[Element] = [sa.func.coalesce(text, nothing, type_=TEXT) for text in texts]
        joined = reduce(concatenate, full) if len(full) < MANY else balance(full, in_brackets)
        return sa.func.nullif(joined, nothing, type_=TEXT)


def concatenate(left: Element, right: Element) -> Element:
    """Gives two texts after one another."""
    return left.concat(right)


def in_brackets(left: Element, right: Element) -> Element:
    """Gives the same in brackets, which SQLAlchemy's own `||` would leave out.

    PostgreSQL keeps what each `||` makes until it has the row: one by one, many texts would take
    the square of their length.
    """
    return Grouping(left.op("||", return_type=TEXT)(right))


def replaced(text: Element, old: Element, new: Element) -> Element:
    """Gives the text with all of `old` replaced, however long it gets."""
    made = sa.func.replace(text, old, new, type_=TEXT)
    return sa.func.nullif(made, sa.literal(""), type_=TEXT)


def _may_grow(old: Element, new: Element) -> bool:
    """Says whether a text may get longer, which known texts that are as short do not make it."""
    sizes = [
        len(one.value) if isinstance(one, sa.BindParameter) and isinstance(one.value, str) else None
        for one in (old, new)
    ]
    return sizes[0] is None or sizes[1] is None or sizes[1] > sizes[0]


def white_space() -> Element:
    """Gives all that trimming removes."""
    return sa.literal(WHITE_SPACE, TEXT)
