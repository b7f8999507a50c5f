"""The formatter: nothing gets lost, twice is once, and the author's columns stay."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import assume, given, settings

from rule_engine import RuleSyntaxError, parse
from rule_engine.editor import format_text
from rule_engine.editor.tokens import scan
from tests.rule_engine.rule_texts import destroy, rule_texts, shape, spelled
from tests.rule_engine.schemas import SCHEMA

ROOT = Path(__file__).parents[2]
EXAMPLES = 20_000 if os.environ.get("TRELLIS_SOAK") else 150
FILES = sorted(
    (*ROOT.glob("tests/rule_engine/examples/*.rules"), *ROOT.glob("plugins/*/rules/*.rules"))
)


def assert_same(text: str, formatted: str) -> None:
    assert shape(parse(formatted)) == shape(parse(text))
    assert spelled(scan(formatted)) == spelled(scan(text))
    assert format_text(formatted) == formatted


@pytest.mark.soak
@given(rule_texts())
@settings(deadline=None, max_examples=EXAMPLES)
def test_nothing_gets_lost_and_twice_is_once(text: str) -> None:
    try:
        formatted = format_text(text)
    except RuleSyntaxError:
        assume(False)
    assert_same(text, formatted)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_files_are_formatted_and_survive_without_their_layout(file: Path) -> None:
    text = file.read_text("utf-8")
    assert format_text(text) == text
    messy = destroy(text)
    assert_same(text, format_text(messy))


ROWS = [
    ("", ""),
    ("  \n\n # only this  \n\n\n", "# only this\n"),
    (
        "define a on lead as x==-1 and(  y<>+ 2)",
        "define a on lead as x = -1 and (y != +2)\n",
    ),
    (
        'validate v on lead{\nrequire a\nmessage "m" at b . c\n\n\n# c\nforbid f( 1,2 )\n'
        'or [ 1 ,2]\n= x message "n"}',
        'validate v on lead {\n    require a\n        message "m" at b.c\n\n    # c\n'
        '    forbid f(1, 2)\n        or [1, 2]\n        = x message "n" }\n',
    ),
    (
        "rule r on x before save {\ncreate task {\na:1,b : 2\n}\nwhen a { set b to 1 }\n"
        "otherwise {\nlock # now\n}\n}",
        "rule r on x before save {\n    create task {\n        a: 1, b: 2\n    }\n"
        "    when a { set b to 1 }\n    otherwise {\n        lock  # now\n    }\n}\n",
    ),
    (
        'table t on x first {\n| 行业 | b => p\n| "软件业" | - => 1\n| in ["a","b"]|1=>22\n}',
        "table t on x first {\n    | 行业          | b => p\n"
        '    | "软件业"      | - => 1\n    | in ["a", "b"] | 1 => 22\n}\n',
    ),
    (  # columns stay where they were, longer lines push them, a column of one line goes
        'score s on x into y {\nadd 1 when a    because "b"\nadd 20 when c   because "d"\n'
        'add 3   when e because "f"\n\nadd 4 when e     because "g"\n}',
        'score s on x into y {\n    add 1 when a    because "b"\n'
        '    add 20 when c   because "d"\n    add 3 when e because "f"\n\n'
        '    add 4 when e because "g"\n}\n',
    ),
    (
        "define a on x as (1 +\n2 *\n(3))\n  * 2",
        "define a on x as (1 +\n    2 *\n    (3))\n    * 2\n",
    ),
]


@pytest.mark.parametrize(("text", "formatted"), ROWS)
def test_layout(text: str, formatted: str) -> None:
    assert format_text(text) == formatted
    assert format_text(formatted) == formatted


def test_labels_become_names() -> None:
    text = (ROOT / "tests/rule_engine/examples/chinese.rules").read_text("utf-8")
    assert format_text(text, SCHEMA).splitlines()[1:] == [
        'score 线索评分 "线索评分" on xiansuo into points {',
        "    range 0 to 100",
        '    add 20 when industry in ["软件", "金融"] and employees >= 500    because "目标行业"',
        '    add 15 when customer.level = "A" and revenue > 1亿 CNY           because "重点客户"',
        "    subtract 10 when phone is empty                 "
        '                 because "缺少联系方式"',
        "}",
        "validate 合同检查 on contract {",
        '    require ends_on > starts_on message "结束日期必须晚于开始日期" at ends_on',
        "}",
    ]


def test_labels_of_options_become_values() -> None:
    text = 'define a on opportunity as Stage in ["Won", "Lost", New] or "won" = "Won"\n'
    text = text.replace(", New", "").replace(' or "won" = "Won"', "")
    small = text.replace('"Won", "Lost"', '"won", "Lost"')
    assert format_text(small, SCHEMA) == 'define a on opportunity as stage in ["won", "Lost"]\n'
    labelled = 'rule r on quote before save { set Status to "In approval" }\n'
    assert format_text(labelled, SCHEMA) == labelled.replace("Status", "status")


def test_a_text_that_does_not_parse_stays() -> None:
    with pytest.raises(RuleSyntaxError) as raised:
        format_text("rule x on y before save { set a = 1 }")
    assert str(raised.value).startswith('1:33: "=" does not fit here')


def test_it_is_quick() -> None:
    text = "".join(
        f"rule r{number} on lead before save order {number} {{\n  when employees>= {number}\n"
        f'  set remark to "x{number}"   # why\n\n  set score to {number} +1\n}}\n'
        for number in range(1_000)
    )
    start = time.process_time()
    format_text(text)
    # Three quarters of a second when nobody else is at work; what grows faster than the text takes
    # minutes.
    assert time.process_time() - start < 6
