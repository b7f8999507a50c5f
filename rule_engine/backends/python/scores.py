"""The compiler of scores: guard, base, items, groups, factors, range and grade in one function.

Points that are whole constants are summed as Python's integers, which is exact and quick; all
others are summed as exact decimals beside them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple, cast

from rule_engine import core
from rule_engine.arithmetic import ONE, ZERO, negate
from rule_engine.backends.python import syntax
from rule_engine.backends.python.compiler import Compiler, Record
from rule_engine.backends.python.kept import Kept
from rule_engine.backends.python.syntax import Syntax
from rule_engine.program import Score, ScoreGroup, ScoreItem
from rule_engine.types import Environment

#: Larger constants are left to decimals: sums of smaller ones stay small integers.
MOST_WHOLE = 10**9

Amount = Decimal | int


class Fired(NamedTuple):
    """An item that counted: its amount with its sign, for `multiply` its factor."""

    item: ScoreItem
    amount: Amount
    group: str | None


class Capped(NamedTuple):
    """What a group came to before and after its cap."""

    group: ScoreGroup
    total: Amount
    at_most: Amount | None
    points: Amount


#: Points and grade; None where the score's guard is false.
Judge = Callable[[Record, Environment], "tuple[Decimal, str | None] | None"]
#: Points, grade, base, total, least, most, all Fired, all Capped, the score and the moment.
Tell = Callable[[Record, Environment], "tuple[object, ...] | None"]


class _Total(NamedTuple):
    """The variable of a sum; `is_whole` says that it surely holds a Python integer."""

    name: str
    is_whole: bool


class _ScoreCompiler(Compiler):
    def __init__(self, score: Score, *, tells: bool) -> None:
        super().__init__()
        self.score = score
        self.tells = tells
        self.names["decimal"] = Decimal
        self.body: list[ast.stmt] = []

    def function(self) -> Callable[..., object]:
        """Gives the function of a record and an environment."""
        score = self.score
        if score.guard is not None:
            self.body += self.load([score.guard])
            failed = syntax.negation(self.condition(score.guard))
            self.body.append(syntax.when(failed, [syntax.give(syntax.literal(None))]))
        self.body += self.load(_nodes(score))
        if self.tells:
            for name in ("fired", "capped"):
                self._assign(name, syntax.new_list())
        base = self._bound(score.base)
        total = self._tally(score.entries, None, base)
        least, most = self._bound(score.least), self._bound(score.most)
        points = self._limited(self._limited(total.name, ast.Gt(), most), ast.Lt(), least)
        result = [syntax.call("decimal", syntax.name(points)), self._grade(points)]
        if self.tells:
            result += [base, syntax.name(total.name), least, most]
            result += [syntax.name("fired"), syntax.name("capped")]
            result += [self.keep(score), syntax.member(syntax.name("environment"), "now")]
        self.body.append(syntax.give(syntax.items(*result)))
        return self.build(self.body)

    def _assign(self, name: str, value: Syntax) -> None:
        self.body.append(syntax.assign(name, value))

    def _bound(self, node: core.Node | None) -> Syntax:
        """Gives code for a number that is read twice: a constant or a variable."""
        if node is None or isinstance(node, core.Constant):
            return self._constant(None if node is None else node.value)
        name = self.new_name("bound")
        self._assign(name, self.value(node))
        return syntax.name(name)

    def _constant(self, value: object) -> Syntax:
        whole = _whole(value)
        return self.keep(value) if whole is None else syntax.literal(whole)

    def _tally(
        self, entries: Sequence[ScoreItem | ScoreGroup], group: str | None, start: Syntax
    ) -> _Total:
        """Adds items and groups to `start`, then applies the factors, both in written order."""
        total, rest = self.new_name("total"), self.new_name("rest")
        place = len(self.body)
        added = [entry for entry in entries if not _is_factor(entry)]
        factors = [entry for entry in entries if _is_factor(entry)]
        is_whole = all([self._add(entry, total, rest, group) for entry in added])
        starts_whole = isinstance(start, ast.Constant)
        given = start.value if isinstance(start, ast.Constant) else None
        whole = given if isinstance(given, int) else 0
        opening = [syntax.assign(total, syntax.literal(whole))]
        if not (is_whole and starts_whole):
            is_whole = False
            zero = self.keep(ZERO)
            full = zero if starts_whole else syntax.choose(syntax.is_full(start), start, zero)
            opening.append(syntax.assign(rest, full))
            self._assign(total, syntax.call("add", syntax.name(rest), syntax.name(total)))
        self.body[place:place] = opening
        for entry in factors:
            is_whole = self._add(entry, total, total, group) and is_whole
        return _Total(total, is_whole)

    def _add(self, entry: ScoreItem | ScoreGroup, total: str, rest: str, group: str | None) -> bool:
        """Adds an entry to `total` if it is whole, else to `rest`; says whether it was whole."""
        if isinstance(entry, ScoreGroup):
            return self._add_group(entry, total, rest)
        if isinstance(entry.amount, core.Constant):
            return self._add_constant(entry, entry.amount.value, total, rest, group)
        name = self.new_name("amount")
        amount = syntax.name(name)
        neutral = self.keep(ONE if entry.kind == "multiply" else ZERO)
        counts = [
            syntax.is_full(syntax.walrus(name, self.value(entry.amount))),
            syntax.compare(amount, ast.NotEq(), neutral),
        ]
        signed = syntax.call("negate", amount) if entry.kind == "subtract" else amount
        self._when(
            [entry.guard, syntax.all_of(counts)],
            [
                syntax.assign(name, signed),
                self._apply(entry, rest, amount),
                *self._note(syntax.items(self.keep(entry), amount, syntax.literal(group))),
            ],
        )
        return False

    def _add_constant(
        self, item: ScoreItem, value: object, total: str, rest: str, group: str | None
    ) -> bool:
        if not isinstance(value, Decimal) or value == (1 if item.kind == "multiply" else 0):
            return True
        amount = negate(value) if item.kind == "subtract" else value
        whole = None if item.kind == "multiply" else _whole(amount)
        if whole is None:
            applied = self._apply(item, rest, self.keep(amount))
        else:
            applied = syntax.increase(total, syntax.literal(whole))
        note = self._note(self.keep(Fired(item, amount, group)))
        self._when([item.guard], [applied, *note])
        return whole is not None

    def _apply(self, item: ScoreItem, name: str, amount: Syntax) -> ast.stmt:
        function = "multiply" if item.kind == "multiply" else "add"
        return syntax.assign(name, syntax.call(function, syntax.name(name), amount))

    def _when(self, tests: Sequence[core.Node | Syntax | None], then: list[ast.stmt]) -> None:
        """Puts statements under conditions; without any they stand for themselves."""
        codes = [
            self.condition(test) if isinstance(test, core.Node) else test
            for test in tests
            if test is not None
        ]
        self.body += [syntax.when(syntax.all_of(codes), then)] if codes else then

    def _note(self, fired: Syntax) -> list[ast.stmt]:
        append = syntax.method(syntax.name("fired"), "append", fired)
        return [syntax.run(append)] if self.tells else []

    def _add_group(self, group: ScoreGroup, total: str, rest: str) -> bool:
        sum_ = self._tally(group.entries, group.label, syntax.literal(0))
        at_most = self._bound(group.at_most)
        points = self._limited(sum_.name, ast.Gt(), at_most)
        if self.tells:
            told = [self.keep(group), syntax.name(sum_.name), at_most, syntax.name(points)]
            capped = syntax.method(syntax.name("capped"), "append", syntax.items(*told))
            self.body.append(syntax.run(capped))
        is_whole = sum_.is_whole and isinstance(at_most, ast.Constant)
        if is_whole:
            self.body.append(syntax.increase(total, syntax.name(points)))
        else:
            self._assign(rest, syntax.call("add", syntax.name(rest), syntax.name(points)))
        return is_whole

    def _limited(self, name: str, beyond: ast.cmpop, limit: Syntax) -> str:
        """Gives the variable of a sum that is `limit` where it would be beyond that."""
        if isinstance(limit, ast.Constant) and limit.value is None:
            return name
        limited = self.new_name("limited")
        is_beyond = [syntax.compare(syntax.name(name), beyond, limit)]
        if not isinstance(limit, ast.Constant):
            is_beyond.insert(0, syntax.is_full(limit))
        value = syntax.choose(syntax.all_of(is_beyond), limit, syntax.name(name))
        self._assign(limited, value)
        return limited

    def _grade(self, points: str) -> Syntax:
        code: Syntax = syntax.literal(None)
        for grade in reversed(self.score.grades):
            least = self._bound(grade.least)
            reached = syntax.compare(syntax.name(points), ast.GtE(), least)
            code = syntax.choose(reached, syntax.literal(grade.name), code)
        return code


def _is_factor(entry: ScoreItem | ScoreGroup) -> bool:
    return isinstance(entry, ScoreItem) and entry.kind == "multiply"


def _whole(value: object) -> int | None:
    """Gives a constant as an integer where it is one of a handy size."""
    if not isinstance(value, Decimal) or abs(value) > MOST_WHOLE or value != int(value):
        return None
    return int(value)


def _nodes(score: Score) -> list[core.Node]:
    """Gives a score's expressions that are evaluated once its guard holds."""
    nodes = [score.base, score.least, score.most, *_entry_nodes(score.entries)]
    return [node for node in nodes if node is not None]


def _entry_nodes(entries: Sequence[ScoreItem | ScoreGroup]) -> Iterator[core.Node | None]:
    for entry in entries:
        if isinstance(entry, ScoreGroup):
            yield entry.at_most
            yield from _entry_nodes(entry.entries)
        else:
            yield from (entry.guard, entry.amount)


#: Gives a function for points and grade.
compile_points: Callable[[Score], Judge] = Kept[Score, Judge](
    lambda score: cast("Judge", _ScoreCompiler(score, tells=False).function())
).get

#: Gives a function that also tells how the points came about.
compile_reasons: Callable[[Score], Tell] = Kept[Score, Tell](
    lambda score: cast("Tell", _ScoreCompiler(score, tells=True).function())
).get
