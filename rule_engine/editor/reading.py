"""The parser, fed token by token, and what it takes where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import lark
from lark import Token
from lark.parsers.lalr_analysis import Shift
from lark.parsers.lalr_interactive_parser import InteractiveParser

from rule_engine.syntax.tables import parser

_State = TypeVar("_State", bound="Reading")


@dataclass(frozen=True, slots=True)
class Position:
    """Where the parser stands: its stack, on which alone depends what can follow.

    `table` is the parser's: by state and terminal or rule, what to do.
    """

    table: Mapping[int, Mapping[str, tuple[Any, Any]]]
    end: int
    stack: tuple[int, ...]

    def take(self, kind: str) -> Position | None:
        """Gives the position behind one more terminal; None where it does not fit."""
        stack = list(self.stack)
        while (found := self.table[stack[-1]].get(kind)) is not None:
            action, target = found
            if action is Shift:
                stack.append(target)
                return Position(self.table, self.end, tuple(stack))
            del stack[len(stack) - len(target.expansion) :]
            _, following = self.table[stack[-1]][target.origin.name]
            stack.append(following)
            if following == self.end:
                return Position(self.table, self.end, tuple(stack))
        return None

    def possible(self) -> list[str]:
        """Gives the terminals that may follow, quicker, with some that cannot."""
        return sorted(name for name in self.table[self.stack[-1]] if name.isupper())

    def accepted(self) -> frozenset[str]:
        """Gives the terminals that can follow; `$END` where the text may end."""
        return frozenset(name for name in self.possible() if self.take(name) is not None)


class Reading:
    """How far a text has been read; lark's own interactive parser carries no types."""

    def __init__(self, state: InteractiveParser) -> None:
        self._state: Any = state

    @classmethod
    def begin(cls: type[_State], text: str, start: str = "file") -> _State:
        """Begins to read a rule text, or with `start` "expression" a single expression."""
        return cls(parser().parse_interactive(text, start=start))

    def read_all(self) -> list[Token]:
        """Reads to the end and gives the tokens; raises UnexpectedInput."""
        return list(self._state.iter_parse())

    def finish(self, last: Token | None) -> lark.Tree[Token]:
        """Gives the tree when the text may end here; raises UnexpectedInput."""
        tree: lark.Tree[Token] = self._state.feed_eof(last)
        return tree

    @property
    def position(self) -> Position:
        """Gives where the parser stands now."""
        state = self._state.parser_state
        known = state.parse_conf
        return Position(known.states, known.end_state, tuple(state.state_stack))
