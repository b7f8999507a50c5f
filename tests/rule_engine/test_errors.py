"""Every message of the error list, whole: place, width, words, hint."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from rule_engine import RuleCheckError, RuleSyntaxError, compile_program, parse, parse_expression
from rule_engine.expression import Expression
from tests.rule_engine.schemas import SCHEMA


@dataclass(frozen=True)
class Finding:
    line: int
    column: int
    width: int
    message: str
    hint: str = ""


def find(text: str) -> list[Finding]:
    try:
        compile_program([parse(text)], SCHEMA)
    except (RuleSyntaxError, RuleCheckError) as error:
        return [
            Finding(d.span.line, d.span.column, d.span.width, d.message, d.hint)
            for d in error.diagnostics
            if d.severity == "error"
        ]
    return []


RULE = "rule r on lead before save {\n"
SCORE = "score s on lead into score {\n"
AFTER_VALUE = (
    '"add", "and", "base", "because", "between", "changed", "contains", "ends", "grade", "group", '
    '"in", "is", "matches", "multiply", "older", "or", "range", "starts", "subtract", '
    'a comparison (=, !=, <, <=, >, >=), not, + or -, * or /, "}"'
)

MISTAKES = [
    (
        RULE + '    when status = "New" && score > 5\n    stop\n}',
        Finding(2, 25, 1, '"&" does not fit here', 'write "and"'),
    ),
    (
        RULE + "    set score = 5\n}",
        Finding(
            2,
            15,
            1,
            '"=" does not fit here; expected "to", "."',
            'assign with "to":  set field to value',
        ),
    ),
    (
        RULE + "    when source in [“软件”，“金融”]\n    stop\n}",
        Finding(2, 21, 1, '"“" does not fit here', 'this is the full-width "“"; type " instead'),
    ),
    (
        SCORE + "\n    add 5 when employees > 10\n",
        Finding(
            3,
            30,
            1,
            'the text ends too early; expected "add", "base", "because", "grade", "group", '
            '"multiply", "range", "subtract", "}"',
            'the "{" on line 1 is not closed',
        ),
    ),
    (
        SCORE + "    substract 5 when phone is empty\n}",
        Finding(
            2,
            5,
            9,
            '"substract" does not fit here; expected "add", "base", "grade", "group", "multiply", '
            '"range", "subtract", "when", "}"',
            'did you mean "subtract"?',
        ),
    ),
    (
        RULE + "    when status = 'New'\n    stop\n}",
        Finding(2, 19, 1, '"\'" does not fit here', "texts are written in double quotes"),
    ),
    (
        "approval a on quote {\n    step x {\n        approvers owner\n"
        "        due in 8 bussiness hours\n    }\n}",
        Finding(
            4,
            18,
            9,
            '"bussiness" does not fit here; expected "business", '
            "a unit (minutes, hours, days, ...)",
            'did you mean "business"?',
        ),
    ),
    (
        SCORE + "    add 5 when employes >= 200\n}",
        Finding(2, 16, 8, 'Lead has no field "employes"', 'did you mean "employees"?'),
    ),
    (
        SCORE + '    add 5 when employees > "200"\n}',
        Finding(2, 28, 5, "number compared with text", "remove the quotes"),
    ),
    (
        SCORE + '    add 5 when status in ["New", "Opened"]\n}',
        Finding(2, 34, 8, '"Opened" is not a value of this field', 'did you mean "Open"?'),
    ),
    (
        RULE + "    when amount > 50000\n    stop\n}",
        Finding(
            2,
            19,
            5,
            "an amount of money compared with a bare number",
            "say the currency:  50000 CNY",
        ),
    ),
    (
        RULE + "    when phone = null\n    stop\n}",
        Finding(2, 16, 6, '"null" is not a value', 'write "is empty" or "is not empty"'),
    ),
    (
        RULE + "    when created_at > 7 days\n    stop\n}",
        Finding(
            2,
            23,
            6,
            "a point in time compared with a length of time",
            "write  older than 7 days  or  in last 7 days",
        ),
    ),
    (
        RULE + '    when account.regoin = "East"\n    stop\n}',
        Finding(2, 18, 6, 'Account has no field "regoin"', 'did you mean "region"?'),
    ),
    (
        RULE + '    if status = "New" { stop }\n}',
        Finding(
            2,
            5,
            2,
            '"if" does not fit here; expected "assign", "call", "clear", "create", "escalate", '
            '"fail", "lock", "notify", "set", "start", "stop", "unlock", "when"',
            'conditions begin with "when"',
        ),
    ),
    (
        'sla s on Tickets {\n    target t { met when status = "Open" }\n}',
        Finding(1, 10, 7, 'there is no object "Tickets"', 'did you mean "Ticket"?'),
    ),
    ("sla s on Widget {\n}", Finding(1, 10, 6, 'there is no object "Widget"')),
    (
        SCORE + "    add 5 when employees => 200\n}",
        Finding(
            2,
            26,
            2,
            f'"=>" does not fit here; expected {AFTER_VALUE}',
            'for "at least" write >=',
        ),
    ),
    (
        RULE + '    set source to "abc\n}',
        Finding(2, 19, 1, '""" does not fit here', "this text is not closed on its line"),
    ),
]


@pytest.mark.parametrize(("text", "expected"), MISTAKES, ids=[m[1].message for m in MISTAKES])
def test_mistake_is_named_whole(text: str, expected: Finding) -> None:
    assert find(text) == [expected]


def test_every_statement_shows_its_own_mistakes() -> None:
    text = (
        'score a on lead into score {\n    add 5 wen employees > 1\n    add 6 because "x"\n'
        "    substract 7\n}\n"
        "rule b on lead {\n    stop\n}\n"
        'validate c on lead {\n    requir employees > 5 message "x"\n'
        '    forbid employees = 5 mesage "y"\n}\n'
        "score d on lead into score {\n    add 5\n"
    )
    assert [(f.line, f.column, f.hint) for f in find(text)] == [
        (2, 11, 'did you mean "when"?'),
        (4, 5, 'did you mean "subtract"?'),
        (6, 16, ""),
        (10, 5, 'did you mean "require"?'),
        (11, 26, 'did you mean "message"?'),
        (14, 10, 'the "{" on line 13 is not closed'),
    ]


def test_statement_that_is_not_closed_is_named_at_the_next_one() -> None:
    found = find("score a on lead into score {\n    add 5\n\nscore b on lead into score {}\n")
    assert [(f.line, f.column, f.hint) for f in found] == [
        (4, 1, 'the "{" on line 1 is not closed')
    ]


def test_checker_collects_all_mistakes_by_place() -> None:
    text = (
        "score s on lead into phone {\n    add 5 when employes > 1\n    add title\n"
        '    add 5 when status = "Nw" and amount > 5\n    group "g" { base 5 }\n}'
    )
    assert [(f.line, f.column, f.message) for f in find(text)] == [
        (1, 22, "text cannot stand here"),
        (2, 16, 'Lead has no field "employes"'),
        (3, 9, "text where a number is needed"),
        (4, 25, '"Nw" is not a value of this field'),
        (4, 43, "an amount of money compared with a bare number"),
        (5, 17, "a group holds only add, subtract, multiply and groups"),
    ]


LITERALS = [
    ("employees > 1day", 13, 4, '"1day" needs a space', "write 1 day"),
    ("amount > 5CNY", 10, 4, '"5CNY" needs a space', "write 5 CNY"),
    (
        'title = "a\\qb"',
        11,
        2,
        '"\\q" is not an escape',
        'escapes are \\" \\\\ \\/ \\b \\f \\n \\r \\t \\u0000',
    ),
    ("employees > 1234567890123456789", 13, 19, "a number has at most 18 digits", ""),
    ("employees > 999999999999999亿", 13, 16, "a number has at most 18 digits", ""),
    ("first_seen > 2026-02-30", 14, 10, "there is no day 2026-02-30", ""),
    ("opens_at > 25:00", 12, 5, "there is no time 25:00", ""),
    (
        "(" * 61 + "1" + ")" * 61,
        61,
        1,
        "brackets nest more than 60 deep",
        "give parts a name with define",
    ),
    (
        " + ".join(["1"] * 200),
        1,
        1,
        "this expression has more than 100 operators inside each other",
        "give parts a name with define",
    ),
    (
        f"employees in [{', '.join(map(str, range(1001)))}]",
        14,
        1,
        "a list has at most 1,000 items, this one has 1,001",
        "",
    ),
    (
        "#" + "x" * 1024 * 1024 + "\n1",
        1,
        1,
        "the text has 1,048,579 bytes; at most 1,048,576 are allowed",
        "cut it into several rule sets",
    ),
    ("", 1, 1, "the text ends too early; expected a value", ""),
    ("employees >", 12, 1, "the text ends too early; expected a value", ""),
    (
        "(employees > 5",
        15,
        1,
        'the text ends too early; expected ")"',
        'the "(" on line 1 is not closed',
    ),
    ("employees =< 5", 12, 1, '"<" does not fit here; expected a value', 'for "at most" write <='),
]


@pytest.mark.parametrize(("text", "column", "width", "message", "hint"), LITERALS)
def test_literal_mistakes(text: str, column: int, width: int, message: str, hint: str) -> None:
    with pytest.raises(RuleSyntaxError) as caught:
        parse_expression(text)
    found = [(d.span.column, d.span.width, d.message, d.hint) for d in caught.value.diagnostics]
    assert found == [(column, width, message, hint)]


def test_unknown_object_of_an_expression() -> None:
    (found,) = Expression.parse("employees > 5").check(SCHEMA, "leed")
    assert str(found) == '1:1: there is no object "leed" (did you mean "lead"?)'


def test_a_rule_set_has_so_many_conditions() -> None:
    line = "    add 1 when employees > 5\n"
    assert find(SCORE + line * 2000 + "}") == []
    assert find(SCORE + line * 2001 + "}") == [
        Finding(
            2002,
            16,
            1,
            "a rule set has at most 2,000 conditions",
            "cut it into several rule sets",
        )
    ]
