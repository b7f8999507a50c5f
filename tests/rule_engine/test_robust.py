"""Texts that mean harm: refused or taken, in time that grows with their size only."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

import pytest

from rule_engine import (
    Diagnostic,
    Expression,
    RuleCheckError,
    RuleSyntaxError,
    compile_program,
    parse,
)
from rule_engine.backends.python import compile_node
from rule_engine.editor import complete, format_text, hover
from tests.rule_engine.fuzz_asking import in_time
from tests.rule_engine.law_world import Store, Surroundings
from tests.rule_engine.schemas import SCHEMA

NOBODY = Surroundings(Store({name: [] for name in SCHEMA.objects}), None)
SCORE = "score s on lead into score {\n"


def score(*lines: str) -> str:
    return SCORE + "\n".join(lines) + "\n}"


def chain(count: int) -> str:
    return "".join(f"if employees = {n} then {n} else " for n in range(count)) + "0"


def defines(count: int, body: str) -> str:
    """`{n}` in the body names the next define."""
    lines = [f"define d{n} on lead as " + body.replace("{n}", f"d{n + 1}") for n in range(count)]
    return "\n".join([*lines, f"define d{count} on lead as 1"])


DEFINE = "(give parts a name with define)"
TOO_BIG = (
    "with its formulas this has over 20,000 parts, or over 100 levels "
    "(keep a part of it in a field)"
)
TOO_DEEP = f"brackets nest more than 60 deep {DEFINE}"
TOO_MANY_OPERATORS = f"this expression has more than 100 operators inside each other {DEFINE}"
WEN = (
    '"wen" does not fit here; expected "add", "and", "base", "because", "between", "business", '
    '"contains", "ends", "grade", "group", "in", "is", "matches", "multiply", "older", "or", '
    '"range", "starts", "subtract", "when", a comparison (=, !=, <, <=, >, >=), a currency (CNY, '
    'USD, ...), not, + or -, * or /, a unit (minutes, hours, days, ...), "}" '
    '(did you mean "when"?)'
)
UNREADABLE = (
    "this pattern cannot be read: {} (patterns are RE2's: no look-around, no back-references)"
)
CLOSED = '(the "{" on line 1 is not closed)'

#: A text, and all that is said about its first mistake; nothing for a text that is taken.
HOSTILE: dict[str, tuple[Callable[[], str], str]] = {
    "200 brackets": (
        lambda: score(f"add {'(' * 200}1{')' * 200}"),
        f"2:64: {TOO_DEEP}",
    ),
    "59 brackets": (lambda: score(f"add {'(' * 59}1{')' * 59}"), ""),
    "2 MB": (
        lambda: "#" * 2_000_000,
        "1:1: the text has 2,000,000 bytes; at most 1,048,576 are allowed "
        "(cut it into several rule sets)",
    ),
    "10,000 items": (
        lambda: score(f"add 1 when employees in [{', '.join(map(str, range(10_000)))}]"),
        "2:25: a list has at most 1,000 items, this one has 10,000",
    ),
    "200 terms": (
        lambda: score("add " + " + ".join(["employees"] * 200)),
        f"2:5: {TOO_MANY_OPERATORS}",
    ),
    "90 terms": (lambda: score("add " + " + ".join(["employees"] * 90)), ""),
    "200 alternatives": (
        lambda: score("add 1 when " + " or ".join(f"employees = {n}" for n in range(200))),
        "",
    ),
    "95 turns": (lambda: score(f"add {chain(95)}"), ""),
    "200 turns": (lambda: score(f"add {chain(200)}"), f"2:3057: {TOO_MANY_OPERATORS}"),
    "300 negations": (
        lambda: score(f"add 1 when {'not ' * 300}opted_in"),
        f"2:412: {TOO_MANY_OPERATORS}",
    ),
    "chained formulas": (lambda: defines(1_000, "employees + {n}"), f"1:8: {TOO_BIG}"),
    "deep formulas": (lambda: defines(60, f"{'(1 + ' * 55}{{n}}{')' * 55}"), f"1:8: {TOO_BIG}"),
    "formulas that double": (lambda: defines(40, "{n} + {n}"), f"1:8: {TOO_BIG}"),
    "tables in tables": (
        lambda: (
            "\n".join(
                f"table d{n} on lead first {{ | employees => p | d{n + 1} => d{n + 1} | - => 1 }}"
                for n in range(100)
            )
            + " define d100 on lead as 1"
        ),
        f"1:7: {TOO_BIG}",
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
        "2:29: 5 stands in this list twice",
    ),
    "never closed": (
        lambda: SCORE + "add 1\n" * 20_000,
        '20001:6: the text ends too early; expected "add", "base", "because", "grade", "group", '
        f'"multiply", "range", "subtract", "when", "}}" {CLOSED}',
    ),
    "many mistakes": (
        lambda: "score s on lead into score { add 1 wen }\n" * 3_000,
        f"1:36: {WEN}",
    ),
    "mistakes behind much": (
        lambda: "define a on lead as 1\n" * 8_000 + "define b on lead as )\n" * 30,
        '8001:21: ")" does not fit here; expected a value (nothing is opened before this ")")',
    ),
    "rule sets in a row": (
        lambda: "ruleset r\n" * 10_000,
        '2:1: "ruleset" does not fit here; expected "approval", "assign", "calendar", "define", '
        '"effective", "rule", "score", "sla", "table", "test", "until", "validate", "version", '
        'a text in double quotes (did you mean "rule"?)',
    ),
    "one long line": (lambda: score("add 1 " * 20_000 + "wen"), f"2:120001: {WEN}"),
    "braces": (lambda: "{" * 100_000, f"1:61: {TOO_DEEP}"),
    "quotes": (
        lambda: '"' * 100_000,
        '1:1: """" does not fit here; expected "approval", "assign", "calendar", "define", "rule", '
        '"ruleset", "score", "sla", "table", "test", "validate"',
    ),
    "dashes": (
        lambda: "table t on lead first { | a => b | " + "- " * 20_000,
        f"1:40035: the text ends too early; expected a value {CLOSED}",
    ),
    "dashes and comments": (
        lambda: "table t on lead first { | a => b | " + "- #\n" * 20_000,
        f"20000:2: the text ends too early; expected a value {CLOSED}",
    ),
    "unknown names": (
        lambda: score(*(f"add zqx{n}" for n in range(2_000))),
        '2:5: Lead has no field "zqx0"',
    ),
    "rules that set each other off": (
        lambda: "".join(
            f"rule r{n} on lead after update {{ when status changed set score to {n} }}\n"
            for n in range(400)
        ),
        "",
    ),
    "half a character": (
        lambda: "# a comment\n#\ud800",
        "2:2: no text can hold the character U+D800 (delete it)",
    ),
    "NUL": (lambda: "define x\0", "1:9: no text can hold the character U+0000 (delete it)"),
    "an invisible character": (
        lambda: score('add 1 when sta\u200btus = "New"'),
        '2:15: "\u200b" does not fit here',
    ),
    "a name that only looks alike": (
        lambda: score("add 1 when \u0455\u0441\u043e\u0440\u0435 > 1"),
        '2:12: Lead has no field "\u0455\u0441\u043e\u0440\u0435"',
    ),
    **{
        f"looks like {kind}": (
            lambda name=name: score(f'add 1 when {name} = "New"'),
            f'2:{column}: "{letter}" in "{name}" is not the Latin letter but {kind} '
            f'(type "{meant}" instead)',
        )
        for name, column, letter, meant, kind in (
            ("st\u0430tus", 14, "\u0430", "a", "CYRILLIC SMALL LETTER A"),
            ("\uff53tatus", 12, "\uff53", "s", "FULLWIDTH LATIN SMALL LETTER S"),
            ("\U0001d42ctatus", 12, "\U0001d42c", "s", "MATHEMATICAL BOLD SMALL S"),
        )
    },
    **{
        f"the pattern {pattern[:20]}": (
            lambda pattern=pattern: score(f"add 1 when title matches {json.dumps(pattern)}"),
            f"2:26: {said}",
        )
        for pattern, said in (
            (r"(a)\1", UNREADABLE.format(r"invalid escape sequence: \1")),
            ("(?=a)b", UNREADABLE.format("invalid perl operator: (?=")),
            ("((a{100}){100}){100}", UNREADABLE.format("invalid repetition size: {100}")),
            ("(a+)+$ and more" * 20, "a pattern has at most 200 characters"),
        )
    },
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts(name: str) -> None:
    make, expected = HOSTILE[name]
    text = make()

    def find() -> Sequence[Diagnostic]:
        try:
            return compile_program([parse(text)], SCHEMA).warnings
        except (RuleSyntaxError, RuleCheckError) as error:
            return error.diagnostics

    found = in_time(find, len(text.encode("utf-8", "surrogatepass")))
    assert [str(one) for one in found[:1]] == ([expected] if expected else [])


#: What an editor asks about, in the middle of writing it.
UNFINISHED: dict[str, Callable[[], str]] = {
    "turns in turns": lambda: "define a on lead as " + "if employees = 1 and (2 > 1 then " * 40,
    "brackets": lambda: "define a on lead as " + "(employees + (1 * " * 25,
    "one long line": lambda: score("add employees when 行业 is empty " * 2_000),
    "one long line without an end": lambda: score("add employees when 行业 is empty " * 500)[:-1],
    "rule sets in a row": lambda: "ruleset r\n" * 2_000,
    "many conditions": lambda: "validate v on lead { require 1 = 1 }\n" * 2_100,
    "comments": lambda: "define a on lead as 1 # 注释 " + "行业 " * 20_000,
}


@pytest.mark.parametrize("name", UNFINISHED)
@pytest.mark.parametrize("ask", [complete, hover, format_text])
def test_editors_get_answers_in_time(name: str, ask: Callable[..., object]) -> None:
    text = UNFINISHED[name]()
    place = () if ask is format_text else (len(text), SCHEMA)
    with suppress(RuleSyntaxError):
        in_time(partial(ask, text, *place), len(text.encode()))


#: Takes other engines longer than the age of the universe.
EVIL = ("(a+)+$", "(a|aa)+$", "^(a|a?)+$", "(.*)*x", "^(([a-z])+.)+[A-Z]([a-z])+$")


@pytest.mark.parametrize("pattern", EVIL)
def test_sec_16_evil_patterns_take_linear_time(pattern: str) -> None:
    text = f"title matches {json.dumps(pattern)}"
    decide = compile_node(Expression.parse(text).resolve(SCHEMA, "lead"))
    title = "a" * 100_000 + "!"
    assert in_time(lambda: decide({"title": title}, NOBODY, None, None), len(title)) is False


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
        for _ in range(2)
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
