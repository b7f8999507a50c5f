"""Small wrong changes of a rule text, to see whether its tests notice them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rule_engine import Program, compile_program, parse
from rule_engine.errors import RuleCheckError, RuleSyntaxError
from rule_engine.testing import Computed, run_tests
from rule_engine.testing.world import NOTHING_COMPUTED
from rule_engine.types import Schema

#: Skipped are comments, texts, and numbers that say nothing about what happens.
TOKEN = re.compile(
    r"""(?P<skipped>\#[^\n]*|"(?:\\.|[^"\\\n])*"|`[^`\n]+`|\b(?:version|order)\ \d+)
      | (?P<moment>\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)?)?|\d\d?:\d\d)
      | (?P<number>\d[\d_]*(?:\.\d+)?)(?P<scale>[万亿]?)
      | (?P<operator><=|>=|!=|=>|=|<|>|\||\+|-|\*|/)
      | (?P<word>[^\W\d]\w*)""",
    re.VERBOSE,
)

OPERATORS: Mapping[str, Sequence[str]] = {
    **{">=": [">"], ">": [">="], "<=": ["<"], "<": ["<="], "=": ["!="], "!=": ["="]},
    **{"+": ["-"], "*": ["/"], "/": ["*"]},
}
WORDS: Mapping[str, Sequence[str]] = {
    **{"and": ["or"], "or": ["and"], "not": [""], "add": ["subtract"], "subtract": ["add"]},
    **{"minutes": ["hours"], "minute": ["hour"], "hours": ["minutes"], "hour": ["minute"]},
    **{"days": ["weeks"], "day": ["week"], "weeks": ["days"], "months": ["days"], "month": ["day"]},
    **{"business": [""], "last": ["next"], "next": ["last"], "true": ["false"], "false": ["true"]},
    **{"anyone": ["everyone"], "everyone": ["anyone"], "majority": ["everyone"]},
    **{"require": ["forbid"], "forbid": ["require"], "starts": ["ends"], "ends": ["starts"]},
    **{"lock": ["unlock"], "unlock": ["lock"], "skipped": ["allowed"], "forbidden": ["allowed"]},
}
SCALES: Mapping[str, Sequence[str]] = {"万": ["亿"], "亿": ["万"]}


@dataclass(frozen=True)
class Mutant:
    """A changed text; `place` reads `line: what became what`."""

    place: str
    text: str


@dataclass(frozen=True)
class Verdict:
    """What became of all mutants; those that do not fit the schema are not counted."""

    killed: int
    survivors: tuple[str, ...]

    @property
    def share(self) -> float:
        return self.killed / max(1, self.killed + len(self.survivors))


def mutants(text: str) -> Iterator[Mutant]:
    """Gives every text with one operator, threshold, unit or word changed."""
    for token in TOKEN.finditer(text):
        for group, changes in _changes(token):
            start, end = token.span(group)
            line = text.count("\n", 0, start) + 1
            for change in changes:
                place = f"{line}: {token[group]} → {change or 'nothing'}"
                yield Mutant(place, text[:start] + change + text[end:])


def _changes(token: re.Match[str]) -> Iterator[tuple[str, Sequence[str]]]:
    if token["operator"]:
        yield "operator", OPERATORS.get(token["operator"], ())
    if token["word"]:
        yield "word", WORDS.get(token["word"], ())
    if token["number"]:
        yield "number", (_next(token["number"]),)
        yield "scale", SCALES.get(token["scale"], ())


def _next(number: str) -> str:
    """Gives a number that is larger by one in its last place."""
    whole, point, places = number.replace("_", "").partition(".")
    if not point:
        return str(int(whole) + 1)
    return f"{whole}.{int(places) + 1:0{len(places)}}"


def judge(
    text: str,
    others: Sequence[str],
    schema: Schema,
    computed: Computed = NOTHING_COMPUTED,
) -> Verdict:
    """Runs the tests of all texts against each mutant of the first.

    `computed` are the formulas and roll-ups that hold. Raises ValueError when a test fails without
    any change.
    """
    beside = [parse(other, source=f"other {number}") for number, other in enumerate(others)]
    if not _passes(compile_program([parse(text), *beside], schema), computed):
        raise ValueError("the tests fail as it is")
    killed, survivors = 0, []
    for mutant in mutants(text):
        try:
            program = compile_program([parse(mutant.text, source="mutant"), *beside], schema)
        except (RuleSyntaxError, RuleCheckError):
            continue
        if _passes(program, computed):
            survivors.append(mutant.place)
        else:
            killed += 1
    return Verdict(killed, tuple(survivors))


def _passes(program: Program, computed: Computed) -> bool:
    """Says whether all tests pass; runs them up to the first that does not."""
    alone = (replace(program, tests=(case,)) for case in program.tests)
    return all(result.passed for one in alone for result in run_tests(one, computed=computed))
