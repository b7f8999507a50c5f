"""How long an expression is in SQL, known before it is written.

SQL has no names for parts of an expression: what an amount depends on is written out for its number
and for its currency, and each time that it is compared. An `if` in the condition of an `if` in the
condition of an `if` is so a hundred times as long, and one more five times that.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.sql.visitors import HasTraverseInternals

from rule_engine import core
from rule_engine.backends.sql.frames import not_said

MOST: Final = 25_000
"""As many elements are some 400,000 letters, which take a third of a second to be written."""
FOR_EACH: Final = 100
"""So many more for each node: a long expression may be long in SQL."""


class Sizes:
    """Of how many elements the texts are that are made of some expressions; each element is looked
    at once, however often it is used."""

    def __init__(self) -> None:
        # What is measured is kept: an id may belong to something else once its owner is gone.
        self._known: dict[int, tuple[object, int]] = {}

    def refuse_long(self, node: core.Node, elements: Iterable[Any]) -> None:
        """Raises NotTranslatableError when what stands for a node is too long."""
        size = sum(map(self._size, elements))
        if size > MOST and size > MOST + FOR_EACH * sum(1 for _ in core.walk(node)):
            raise not_said(node, "this is too long for SQL; give parts of it fields of their own")

    def _size(self, whole: Any) -> int:
        parts: dict[int, list[Any]] = {}
        pending = [whole]
        while pending:
            one = pending[-1]
            key = id(one)
            if key in self._known:
                pending.pop()
            elif key not in parts:
                parts[key] = children(one)
                pending.extend(parts[key])
            else:
                size = 1 + sum(self._known[id(part)][1] for part in parts[key])
                self._known[key] = one, size
        return self._known[id(whole)][1]


def children(element: Any) -> list[Any]:
    """Gives what an element is made of."""
    if isinstance(element, sa.Select):
        # Its own way adds the tables that it finds in all that it writes, however long that is.
        return list(HasTraverseInternals.get_children(element))
    return list(element.get_children())
