"""Texts that mean harm: refused or taken, in time that grows with their size only."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from rule_engine import RuleCheckError, RuleSyntaxError, compile_program, parse
from tests.rule_engine.schemas import SCHEMA

SCORE = "score s on lead into score {\n"


def score(*lines: str) -> str:
    return SCORE + "\n".join(lines) + "\n}"


def chain(count: int) -> str:
    return "".join(f"if employees = {n} then {n} else " for n in range(count)) + "0"


def defines(count: int, body: str) -> str:
    """`{n}` in the body names the next define."""
    lines = [f"define d{n} on lead as " + body.replace("{n}", f"d{n + 1}") for n in range(count)]
    return "\n".join([*lines, f"define d{count} on lead as 1"])


TOO_BIG = "with its formulas this has over 20,000 parts, or over 100 levels"
TOO_MANY_OPERATORS = "this expression has more than 100 operators inside each other"
CLOSED = 'the "{" on line 1 is not closed'

#: A text, and the message or hint of the first finding; nothing for a text that is taken.
HOSTILE: dict[str, tuple[Callable[[], str], str]] = {
    "200 brackets": (
        lambda: score(f"add {'(' * 200}1{')' * 200}"),
        "brackets nest more than 60 deep",
    ),
    "59 brackets": (lambda: score(f"add {'(' * 59}1{')' * 59}"), ""),
    "2 MB": (
        lambda: "#" * 2_000_000,
        "the text has 2,000,000 bytes; at most 1,048,576 are allowed",
    ),
    "10,000 items": (
        lambda: score(f"add 1 when employees in [{', '.join(map(str, range(10_000)))}]"),
        "a list has at most 1,000 items, this one has 10,000",
    ),
    "200 terms": (lambda: score("add " + " + ".join(["employees"] * 200)), TOO_MANY_OPERATORS),
    "90 terms": (lambda: score("add " + " + ".join(["employees"] * 90)), ""),
    "200 alternatives": (
        lambda: score("add 1 when " + " or ".join(f"employees = {n}" for n in range(200))),
        "",
    ),
    "95 turns": (lambda: score(f"add {chain(95)}"), ""),
    "200 turns": (lambda: score(f"add {chain(200)}"), TOO_MANY_OPERATORS),
    "300 negations": (lambda: score(f"add 1 when {'not ' * 300}opted_in"), TOO_MANY_OPERATORS),
    "chained formulas": (lambda: defines(1_000, "employees + {n}"), TOO_BIG),
    "deep formulas": (lambda: defines(60, f"{'(1 + ' * 55}{{n}}{')' * 55}"), TOO_BIG),
    "formulas that double": (lambda: defines(40, "{n} + {n}"), TOO_BIG),
    "tables in tables": (
        lambda: (
            "\n".join(
                f"table d{n} on lead first {{ | employees => p | d{n + 1} => d{n + 1} | - => 1 }}"
                for n in range(100)
            )
            + " define d100 on lead as 1"
        ),
        TOO_BIG,
    ),
    "a large table": (
        lambda: (
            "table t on lead unique {\n| employees | amount => p\n"
            + "".join(f"| {n} | < {n % 7} CNY => {n}\n" for n in range(2_000))
            + "| - | - => 0 }"
        ),
        "",
    ),
    "one item twice": (
        lambda: score(*[f"add 1 when employees in [{'5, ' * 900}]"] * 20),
        "5 stands in this list twice",
    ),
    "never closed": (lambda: SCORE + "add 1\n" * 20_000, CLOSED),
    "many mistakes": (lambda: "score s on lead into score { add 1 wen }\n" * 3_000, ""),
    "one long line": (lambda: score("add 1 " * 20_000 + "wen"), ""),
    "braces": (lambda: "{" * 100_000, "brackets nest more than 60 deep"),
    "quotes": (lambda: '"' * 100_000, ""),
    "dashes": (lambda: "table t on lead first { | a => b | " + "- " * 20_000, ""),
    "dashes and comments": (lambda: "table t on lead first { | a => b | " + "- #\n" * 20_000, ""),
    "unknown names": (lambda: score(*(f"add zqx{n}" for n in range(2_000))), ""),
    "rules that set each other off": (
        lambda: "".join(
            f"rule r{n} on lead after update {{ when status changed set score to {n} }}\n"
            for n in range(400)
        ),
        "",
    ),
    "a regular expression": (
        lambda: 'validate v on lead { require title matches "(a+)+$" message "x" }',
        "",
    ),
}
REFUSED = {
    "many mistakes",
    "quotes",
    "one long line",
    "dashes",
    "dashes and comments",
    "unknown names",
}
#: CPU seconds: for each KB, and whatever a small text costs at most.
PER_KB, GRACE = 0.1, 1.5


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts(name: str) -> None:
    make, expected = HOSTILE[name]
    text = make()
    start = time.process_time()
    try:
        found = compile_program([parse(text)], SCHEMA).warnings
        taken = True
    except (RuleSyntaxError, RuleCheckError) as error:
        found, taken = error.diagnostics, False
    took = time.process_time() - start
    assert took < GRACE + PER_KB * len(text) / 1024, f"{took:.2f} s for {len(text)} characters"
    said = [part for one in found[:1] for part in (one.message, one.hint)]
    if name in REFUSED:
        assert not taken
    elif expected:
        assert expected in said
    else:
        assert (taken, said) == (True, [])


START = """
import time, lark, sqlalchemy, msgspec
start = time.process_time()
from rule_engine.syntax.tables import parser
middle = time.process_time()
parser()
print(time.process_time() - start, time.process_time() - middle)
"""


def test_the_parser_starts_from_its_tables() -> None:
    """From the cache it starts in about a tenth of what building it from the grammar takes."""
    runs = [
        subprocess.run([sys.executable, "-c", START], capture_output=True, check=True, text=True)
        for _ in range(3)
    ]
    loading = min(float(run.stdout.split()[1]) for run in runs)
    build = "from rule_engine.syntax.tables import build_parser as parser"
    built = subprocess.run(
        [
            sys.executable,
            "-c",
            START.replace("from rule_engine.syntax.tables import parser", build),
        ],
        capture_output=True,
        check=True,
        text=True,
    )
    assert loading < float(built.stdout.split()[1]) / 6
