"""Reads texts with the tables of Lark's parser, in a third of the time that Lark takes.

The trees and the places of their parts are the same as Lark's. A text that cannot be read is left
to Lark, which says why.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import lark
from lark import Token
from lark.parse_tree_builder import ExpandSingleChild, PropagatePositions
from lark.parsers.lalr_analysis import Shift
from lark.tree import Meta

from rule_engine.collecting import uncollected
from rule_engine.syntax.tables import parser

#: A subtree or a token.
_Value: TypeAlias = Any


class Place(Meta):
    """Where a subtree stands, from the first to the last token or subtree in it.

    Subtrees of the same words share one.
    """

    __slots__ = ("column", "end_pos", "line", "start_pos")

    empty = False

    def __init__(self, first: Any, last: Any) -> None:
        self.line = first.line
        self.column = first.column
        self.start_pos = first.start_pos
        self.end_pos = last.end_pos


@dataclass(frozen=True, slots=True)
class _Reduction:
    """What makes one value of the last `size` ones; `is_same` says that it is the only one."""

    size: int
    rule: str
    build: Callable[[list[_Value]], _Value]
    is_same: bool


#: For each terminal what to do: go to a state, or reduce; for each rule where to go then.
_Actions: TypeAlias = Mapping[str, int | _Reduction]
_Match: TypeAlias = Callable[[str, int], "re.Match[str] | None"]
#: For each terminal that words may belong to the words among them that are terminals of their own.
_Keywords: TypeAlias = Mapping[str, Mapping[str, str]]


class _Tables:
    """The parser's tables in the form in which they are read fastest."""

    def __init__(self, source: lark.Lark) -> None:
        table = source.parser.parser._parse_table
        callbacks = source.parser.parser.parser.callbacks
        reductions = {rule: _reduction(rule, build) for rule, build in callbacks.items()}
        self.starts: Mapping[str, int] = table.start_states
        self.ends: Mapping[str, int] = table.end_states
        self.ignored = frozenset(source.lexer_conf.ignore)
        self.actions: Mapping[int, _Actions] = {
            state: {
                symbol: argument if action is Shift else reductions[argument]
                for symbol, (action, argument) in actions.items()
            }
            for state, actions in table.states.items()
        }
        self._lexers = source.parser.lexer.lexer.lexers
        self._scanners: dict[int, tuple[_Match, _Keywords]] = {}
        self._renamed: dict[tuple[int, int, str], int] = {}

    def scanner(self, state: int) -> tuple[_Match, _Keywords]:
        """Gives what finds the next word in a state, and the keywords among the names there."""
        found = self._scanners.get(state)
        if found is None:
            lexer = self._lexers[state]
            (pattern,) = lexer.scanner._mres
            keywords = {
                kind: {one.pattern.value: one.name for one in unless.scanner.terminals}
                for kind, unless in lexer.callback.items()
            }
            found = self._scanners[state] = pattern.match, keywords
        return found

    def renamed(self, below: int, state: int, kind: str) -> int:
        """Gives the state once rules have taken over a value as it is: an atom is a factor, is a
        product, is a sum. The states before make many such steps one."""
        key = below, state, kind
        found = self._renamed.get(key)
        if found is None:
            found = state
            while isinstance(action := self.actions[found].get(kind), _Reduction):
                if not action.is_same:
                    break
                found = self.actions[below][action.rule]  # type: ignore[assignment]  # a state
            self._renamed[key] = found
        return found


@cache
def _tables() -> _Tables:
    with uncollected():
        return _Tables(parser())


def _reduction(rule: Any, callback: Any) -> _Reduction:
    build = callback.node_builder if isinstance(callback, PropagatePositions) else callback
    size = len(rule.expansion)
    is_same = size == 1 and isinstance(build, ExpandSingleChild)
    return _Reduction(size, rule.origin.name, build, is_same)


def read(text: str, start: str) -> lark.Tree[Token]:
    """Gives the tree of a text; raises UnexpectedInput."""
    root = _Reading(start).read(text)
    return parser().parse(text, start=start) if root is None else root


class _Reading:
    """How far a text has been read: the states gone through, and values with their places."""

    def __init__(self, start: str) -> None:
        self.tables = _tables()
        self.end = self.tables.ends[start]
        self.states = [self.tables.starts[start]]
        self.values: list[_Value] = []
        self.places: list[Token | Place | None] = []

    def read(self, text: str) -> lark.Tree[Token] | None:
        """Gives the tree of a text, None when it cannot be read."""
        tables, states, values, places = self.tables, self.states, self.values, self.places
        actions, ignored = tables.actions, tables.ignored
        position, line, line_start, end = 0, 1, 0, len(text)
        while True:
            match, keywords = tables.scanner(states[-1])
            while position < end:
                found = match(text, position)
                if found is None:
                    return None
                word, begin, position = found.group(), position, found.end()
                kind: Any = found.lastgroup
                column = begin - line_start + 1
                first_line = line
                if "\n" in word:
                    line += word.count("\n")
                    line_start = begin + word.rindex("\n") + 1
                if kind not in ignored:
                    break
            else:
                return self.values[-1] if self.reduce("$END") == self.end else None
            if kind in keywords:
                kind = keywords[kind].get(word, kind)
            state = actions[states[-1]].get(kind)
            if type(state) is not int:
                state = self.reduce(kind)
            if state is None:
                return None
            token = Token(
                kind, word, begin, first_line, column, line, position - line_start + 1, position
            )
            states.append(state)
            values.append(token)
            places.append(token)

    def reduce(self, kind: str) -> int | None:
        """Makes values of what has been read until a terminal can follow; gives the state after it.

        At the end of the text that is the last state; None is for what cannot follow.
        """
        states, values, places = self.states, self.values, self.places
        actions, last_state = self.tables.actions, self.end if kind == "$END" else None
        while states[-1] != last_state:
            action = actions[states[-1]].get(kind)
            if not isinstance(action, _Reduction):
                return action
            if action.is_same:
                states[-1] = self.tables.renamed(states[-2], states[-1], kind)
                continue
            size = action.size
            if size == 1:
                values[-1] = action.build([values[-1]])
                _put(values[-1], places[-1])
                states.pop()
            else:
                value = action.build(values[-size:] if size else [])
                place = _around(places[-size:]) if size else None
                _put(value, place)
                if size:
                    del states[-size:], values[-size:], places[-size:]
                values.append(value)
                places.append(place)
            states.append(actions[states[-1]][action.rule])  # type: ignore[arg-type]  # a state
        return states[-1]


def _put(value: _Value, place: Token | Place | None) -> None:
    """Gives a subtree its place, if it is new."""
    if place is not None and type(value) is lark.Tree and value._meta is None:
        value._meta = place if type(place) is Place else Place(place, place)


def _around(places: list[Token | Place | None]) -> Token | Place | None:
    """Gives the place from the first to the last symbol; some symbols stand for no words."""
    first = next((place for place in places if place is not None), None)
    last = next((place for place in reversed(places) if place is not None), None)
    return None if first is None or last is None else Place(first, last)
