"""What the rule language says inside problems: in the reader's language, whole."""

from __future__ import annotations

import pytest

from metadata.conditions import expression_problems
from metadata.problems import Problem, sentence
from metadata.query.answers import QueryProblem
from metadata.query.filter import resolve_filter
from rule_engine.messages import Phrase
from tests.rule_engine.schemas import SCHEMA

FINDINGS = [
    (
        'status = "Opn"',
        '"Opn" is not a value of this field (did you mean "Open"?)',
        "“Opn”不是此字段的选项（是否指“Open”？）",
    ),
    ("employees", "number is not a condition", "数字不是条件"),
    (
        "employees > 5 AND opted_in",
        '"opted_in" does not fit here; expected "and", "or", + or -, * or / '
        '(keywords are written small: "and")',
        "此处不能写“opted_in”；应为：“and”、“or”、+ 或 -、* 或 /（关键字要小写：“and”）",
    ),
]


@pytest.mark.parametrize(("text", "english", "chinese"), FINDINGS)
def test_findings_are_worded_for_the_reader(text: str, english: str, chinese: str) -> None:
    with pytest.raises(QueryProblem) as caught:
        resolve_filter(text, SCHEMA, "lead")
    (filtered,) = caught.value.problems
    (condition,) = expression_problems(text, SCHEMA, "lead", "/x")
    for problem in (filtered, condition):
        assert (sentence(problem), sentence(problem, "zh")) == (english, chinese)


def test_a_refusal_brings_its_own_words() -> None:
    said = Phrase("You have decided on this step already")
    problem = Problem("", "approval_already_decided", {"message": said})
    assert sentence(problem) == "You have decided on this step already"
    assert sentence(problem, "zh") == "您已对此步骤作出决定"
