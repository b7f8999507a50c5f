"""Texts that the grammar allows, made by walking its rules at random."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache

from lark.grammar import NonTerminal, Rule, Symbol

from rule_engine.syntax.tables import parser
from tests.rule_engine.schemas import SCHEMA

NAMES = (
    *sorted({name for one in SCHEMA.objects.values() for name in (*one.fields, *one.links)}),
    *SCHEMA.objects,
    *("count", "sum", "min", "max", "any", "latest", "round", "coalesce", "concat", "role", "team"),
    *("manager", "this", "old", "user", "now", "today", "f", "g", "`a b`", "客户", "submit"),
)
#: Something for each terminal that is no fixed word.
TERMINALS: dict[str, Sequence[str]] = {
    "NAME": NAMES,
    "STRING": ('"x"', '"New"', '"CN"', '""', '"a\\u00e9"', '"软件"', '"Asia/Shanghai"', '"(a+)+$"'),
    "NUMBER": ("0", "1", "2.5", "1_000", "50万", "123456789012345678"),
    "PERCENT": ("0%", "15%", "100%"),
    "DATE": ("2026-02-28", "2026-01-01", "2026-02-30", "9999-12-31"),
    "DATETIME": ("2026-03-02T10:00", "2026-03-02 10:00:00Z", "2026-03-02T25:00+08:00"),
    "TIME": ("09:30", "0:00", "24:00"),
    "CURRENCY": ("CNY", "USD", "ABC"),
    "COMPARE": ("=", "!=", "<", "<=", ">", ">=", "==", "<>"),
    "PLUS": ("+", "-"),
    "TIMES": ("*", "/"),
    "_DASH": ("-",),
    "HIT": ("first", "unique", "collect"),
    "TIMING": ("before", "after"),
    "EVENT": ("create", "update", "save", "delete"),
    "WEEKDAY": ("monday", "sunday"),
    "UNIT": ("minutes", "hour", "days", "week", "months", "year"),
    "SELF": ("forbidden", "allowed", "skipped"),
    "QUORUM": ("anyone", "everyone", "majority"),
    "SWITCH": ("allowed", "forbidden"),
    "VERDICT": ("approve", "reject"),
    "PHASE": ("submit", "approve", "reject", "recall", "overdue"),
    "WINDOW": ("last", "next"),
    "NOT": ("not",),
    "BOOL": ("true", "false"),
}


@cache
def rules() -> dict[str, list[Rule]]:
    found: dict[str, list[Rule]] = {}
    for rule in parser().rules:
        found.setdefault(rule.origin.name, []).append(rule)
    return found


@cache
def words() -> dict[str, str]:
    return {one.name: one.pattern.value for one in parser().terminals}


@cache
def shortest() -> dict[str, int]:
    """Gives how deep the smallest text of each rule is."""
    depths = dict.fromkeys(rules(), 1_000)
    for _ in range(60):
        for name, options in rules().items():
            depths[name] = min(1 + deepest(option.expansion, depths) for option in options)
    return depths


def deepest(symbols: Sequence[Symbol], depths: dict[str, int]) -> int:
    inner = (depths[str(one.name)] for one in symbols if isinstance(one, NonTerminal))
    return max(inner, default=0)


def make_text(seed: int, *, start: str = "file", depth: int = 26) -> str:
    """Gives a text; beyond `depth` the shortest ways are taken."""
    source = random.Random(seed)
    tokens: list[str] = []
    pending: list[tuple[Symbol, int]] = [(NonTerminal(start), depth)]
    while pending and len(tokens) < 600:
        symbol, left = pending.pop()
        if not isinstance(symbol, NonTerminal):
            tokens.append(source.choice(TERMINALS.get(symbol.name) or (words()[symbol.name],)))
            continue
        options = rules()[str(symbol.name)]
        fitting = [o for o in options if deepest(o.expansion, shortest()) < left]
        if not fitting:
            least = min(deepest(o.expansion, shortest()) for o in options)
            fitting = [o for o in options if deepest(o.expansion, shortest()) == least]
        chosen = source.choice(fitting)
        pending += [(inner, left - 1) for inner in reversed(chosen.expansion)]
    return " ".join(tokens)
