"""The parser, fed token by token."""

from __future__ import annotations

from typing import Any, TypeVar

import lark
from lark import Token
from lark.parsers.lalr_interactive_parser import InteractiveParser

from rule_engine.syntax.tables import parser

_State = TypeVar("_State", bound="Reading")


class Reading:
    """How far a text has been read; lark's own interactive parser carries no types."""

    def __init__(self, state: InteractiveParser) -> None:
        self._state: Any = state

    @classmethod
    def begin(cls: type[_State], text: str) -> _State:
        """Begins to read a rule text."""
        return cls(parser().parse_interactive(text, start="file"))

    def read_all(self) -> list[Token]:
        """Reads to the end and gives the tokens; raises UnexpectedInput."""
        return list(self._state.iter_parse())

    def finish(self, last: Token | None) -> lark.Tree[Token]:
        """Gives the tree when the text may end here; raises UnexpectedInput."""
        tree: lark.Tree[Token] = self._state.feed_eof(last)
        return tree

    def take(self, kind: str, written: str) -> Reading:
        """Gives what was read and one more token; raises UnexpectedToken."""
        following = Reading(self._state.copy())
        following._state.feed_token(Token(kind, written))
        return following

    @property
    def place(self) -> tuple[int, ...]:
        """Gives the parser's stack: what can follow depends on nothing else."""
        return tuple(self._state.parser_state.state_stack)

    def accepted(self) -> frozenset[str]:
        """Gives the terminals that can follow."""
        return frozenset(self._state.accepts())

    def possible(self) -> list[str]:
        """Gives the terminals that may follow, quicker, with some that cannot."""
        return sorted(name for name in self._state.choices() if name.isupper() or name == "$END")
