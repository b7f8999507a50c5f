"""What is true of a rule set without any record: tables, thresholds, conditions, names."""

from __future__ import annotations

import pytest

from rule_engine import RuleCheckError, RuleSyntaxError, check, compile_program, core, parse
from rule_engine.backends.python import compile_node
from tests.rule_engine.law_world import Store, Surroundings
from tests.rule_engine.schemas import SCHEMA
from tests.rule_engine.test_check import read_cases

WARNED = read_cases("warned_statements.txt")
WORLD = Surroundings(Store({}), None)


@pytest.mark.parametrize(("text", "expected"), WARNED, ids=[text for text, _ in WARNED])
def test_what_is_said_of_a_rule_set(text: str, expected: list[str]) -> None:
    found = [one for one in check(parse(text), SCHEMA) if one.code != "not_run"]
    assert [str(one) for one in found] == expected


def value_of(text: str, **record: object) -> object:
    made = compile_program([parse(text)], SCHEMA)
    (item,) = made.scores[0].entries
    amount = getattr(item, "amount", None)
    assert isinstance(amount, core.Node)
    return compile_node(amount)(record, WORLD, None, None)


def test_collect_adds_up_all_rows_that_match() -> None:
    table = (
        "table t on lead collect { | employees => p | > 5 => 3 | > 1 => 4 | - => links_clicked }"
    )
    text = f"{table} score s on lead into score {{ add t }}"
    assert value_of(text, employees=7, links_clicked=None) == 7
    assert value_of(text, employees=2, links_clicked=10) == 14
    assert value_of(text, employees=None, links_clicked=None) == 0


BIG = "define big on lead as employees > limit_ define limit_ on lead as 5"
PACKAGES = [
    ([("crm", BIG), ("mine", "score s on lead into score { add 1 when crm.big }")], []),
    ([("crm", BIG), ("mine", "define big on lead as crm.big and employees < 9")], []),
    ([("crm", BIG), ("mine", "define limit_ on lead as 7")], []),
    (
        [("crm", BIG), ("mine", "score s on lead into score { add 1 when big }")],
        ['1:41: Lead has no field "big" (write  crm.big)'],
    ),
    (
        [("crm", BIG), ("mine", "score s on lead into score { add 1 when crm.bigg }")],
        ['1:45: the package "crm" defines no "bigg" on Lead (did you mean "big"?)'],
    ),
    (
        [("crm", "define a on lead as mine.b"), ("mine", "define b on lead as crm.a")],
        [
            "1:8: this formula needs itself: crm.a → mine.b → crm.a",
            "1:8: this formula needs itself: mine.b → crm.a → mine.b",
        ],
    ),
    (
        [("crm", "define a on lead as 1 table a on account first { | name => p | - => 1 }")],
        ['1:29: there is a define "a" already (it is at text 0:1)'],
    ),
]


@pytest.mark.parametrize(("texts", "expected"), PACKAGES)
def test_packages_have_names_of_their_own(
    texts: list[tuple[str, str]], expected: list[str]
) -> None:
    parsed = [
        parse(text, source=f"text {place}", package=package)
        for place, (package, text) in enumerate(texts)
    ]
    found: list[str] = []
    try:
        compile_program(parsed, SCHEMA)
    except RuleCheckError as error:
        found = [str(one) for one in error.diagnostics if one.severity == "error"]
    assert found == expected


def test_calendars_of_other_packages_are_known() -> None:
    calendar = 'calendar c { timezone "Europe/Paris" hours monday to friday from 09:00 to 17:00 }'
    approval = (
        "approval a on quote { step s { approvers owner due in 3 business days using crm.c } }"
    )
    made = compile_program([parse(calendar, source="c", package="crm"), parse(approval)], SCHEMA)
    assert made.approvals[0].steps[0].calendar == "c"


LETTERS = [
    ("\u0435mployees", 1, '"\u0435" in "\u0435mployees" is not the Latin letter but '
     'CYRILLIC SMALL LETTER IE (type "e" instead)'),
    ("`emp lo\u03c5ees`", 8, '"\u03c5" in "emp lo\u03c5ees" is not the Latin letter but '
     'GREEK SMALL LETTER UPSILON (type "u" instead)'),
    ("emplo\uff59ees", 6, '"\uff59" in "emplo\uff59ees" is not the Latin letter but '
     'FULLWIDTH LATIN SMALL LETTER Y (type "y" instead)'),
]  # fmt: skip


@pytest.mark.parametrize(("name", "column", "message"), LETTERS)
def test_letters_that_look_like_others(name: str, column: int, message: str) -> None:
    with pytest.raises(RuleSyntaxError) as caught:
        parse(f"score s on lead into score {{ add {name} }}")
    assert [str(one) for one in caught.value.diagnostics] == [f"1:{33 + column}: {message}"]


@pytest.mark.parametrize(
    "name",
    [
        "\u5ba2\u6237ABC1",
        "\u0394t",
        "\u0441\u0442\u0430\u0442\u0443\u0441",
        "`CRM-\u0441\u0438\u0441\u0442\u0435\u043c\u0430`",
        "e\u0301tat",
        "\u0939\u093f",
    ],
)
def test_names_of_any_script(name: str) -> None:
    assert parse(f"define {name} on lead as 1")
