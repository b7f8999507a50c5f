"""All that the engine says: from constant texts, in English and in Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rule_engine import Diagnostic, RuleCheckError, RuleSyntaxError, compile_program, parse
from rule_engine.check.aggregates import AGGREGATES
from rule_engine.check.habits import SAME_FUNCTION
from rule_engine.errors import Span, finding, sentence, show
from rule_engine.expression import Expression
from rule_engine.functions import functions
from rule_engine.messages import PLACES, Phrase, Title, quoted, translations, verbatim
from rule_engine.types import Kind
from tests.rule_engine.message_texts import HALF_WIDTH, Text, Unreadable, read_source
from tests.rule_engine.schemas import SCHEMA

CASES = Path(__file__).parent / "cases"
ZH = translations("zh")
SOURCE = list(read_source())
TEXTS = [one for one in SOURCE if isinstance(one, Text)]

#: Phrases made of a word that the engine has in a table: kinds, days, statements.
WORDS = {
    *(kind.value for kind in Kind),
    *("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    *("calendar", "define", "table", "score", "validate", "rule", "assign", "approval", "sla"),
}


STATEMENT = re.compile(
    r"(calendar|define|table|score|validate|rule|assign|approval|sla|test|trigger|workflow) .*[{=]",
    re.IGNORECASE,
)


def places(text: str) -> list[str]:
    return sorted(PLACES.findall(text))


def test_every_message_is_a_constant_text() -> None:
    assert [one.where for one in SOURCE if isinstance(one, Unreadable)] == []
    assert len(TEXTS) > 400


def test_every_text_has_its_chinese_with_the_same_places() -> None:
    wanted = {one.template for one in TEXTS} | WORDS
    assert sorted(wanted - set(ZH)) == []
    assert [text for text in sorted(wanted) if set(places(text)) != set(places(ZH[text]))] == []


def test_no_chinese_is_left_over() -> None:
    assert sorted(set(ZH) - {one.template for one in TEXTS} - WORDS) == []


def test_every_place_is_given_a_value() -> None:
    missing = [
        (one.where, one.template)
        for one in TEXTS
        if one.given is not None and not set(places(one.template)) <= one.given
    ]
    assert missing == []


def test_chinese_is_written_as_in_chinese_products() -> None:
    """Full-width marks between Chinese words; half-width ones stay in what is code."""
    assert [text for text in ZH.values() if HALF_WIDTH.search(text)] == []


def read_blocks(name: str) -> list[tuple[str, str, str]]:
    """Blocks of a text, what is said about it in English, and in Chinese."""
    content = (CASES / name).read_text("utf-8")
    blocks = [block for block in content.strip().split("\n\n") if not block.startswith("#")]
    found = []
    for block in blocks:
        text, english, chinese = block.split("\n    ")
        found.append((text, english, chinese))
    return found


def find(text: str) -> list[Diagnostic]:
    """Gives what is wrong with an expression about a lead, or with a rule set."""
    if STATEMENT.match(text):
        return find_in_rules(text)
    try:
        return Expression.parse(text).check(SCHEMA, "lead", sees_changes=True)
    except RuleSyntaxError as error:
        return list(error.diagnostics)


def find_in_rules(text: str) -> list[Diagnostic]:
    try:
        compile_program([parse(text)], SCHEMA)
    except (RuleSyntaxError, RuleCheckError) as error:
        return [one for one in error.diagnostics if one.severity == "error"]
    return []


def shorten(found: Diagnostic) -> Diagnostic:
    """Leaves out what was expected: the list grows with the grammar."""
    if found.code != "does_not_fit":
        return found
    return replace(found, said=Phrase('"{found}" does not fit here', found.said.values))


HABITS = read_blocks("habits.txt")


@pytest.mark.parametrize(("text", "english", "chinese"), HABITS, ids=[row[0] for row in HABITS])
def test_habits_from_elsewhere_get_a_way_out(text: str, english: str, chinese: str) -> None:
    first = shorten(find(text)[0])
    assert (sentence(first), sentence(first, "zh")) == (english, chinese)


def test_there_are_many_habits() -> None:
    assert len(HABITS) >= 60
    assert all(english.endswith(")") for _, english, _ in HABITS)


def test_a_hint_names_only_functions_that_there_are() -> None:
    assert set(SAME_FUNCTION.values()) <= {*functions(), *AGGREGATES}


def read_shown() -> list[list[str]]:
    content = (CASES / "shown.txt").read_text("utf-8").split("======\n")[1:]
    return [[part.removesuffix("\n") for part in block.split("------\n")] for block in content]


@pytest.mark.parametrize(("text", "english", "chinese"), read_shown())
def test_findings_are_shown_in_their_line(text: str, english: str, chinese: str) -> None:
    found = find_in_rules(text)
    assert "\n".join(show(one, text) for one in found) == english
    assert "\n".join(show(one, text, "zh") for one in found) == chinese


def refused_texts() -> Iterator[str]:
    for file in sorted(CASES.glob("refused*.txt")):
        for block in file.read_text("utf-8").strip().split("\n\n"):
            if not block.startswith("#"):
                yield block.split("\n    ")[0]


def phrases(value: object) -> Iterator[Phrase]:
    if isinstance(value, Phrase):
        yield value
        yield from phrases(list(value.values.values()))
    elif isinstance(value, Iterable) and not isinstance(value, str):
        for item in value:
            yield from phrases(item)


def test_refused_texts_are_told_in_chinese() -> None:
    for text in refused_texts():
        for found in find(text):
            for phrase in phrases([found.said, found.advice]):
                assert not phrase or phrase.template in ZH, phrase.template
                assert not PLACES.search(phrase.in_language("zh")), phrase
            assert re.search(r"[\u4e00-\u9fff]", found.said.in_language("zh")), found


def test_braces_in_texts_and_values_stay() -> None:
    values = {"name": "{found}", "found": "no"}
    found = finding("x", 'write  { a: {name} } {}{"b"} {Other}', Span(1, 1), "{found}", **values)
    assert found.message == 'write  { a: {found} } {}{"b"} {Other}'
    assert found.hint == "no"


def test_values_are_worded_for_the_reader() -> None:
    object_title = Title({"en": "Lead", "zh": "线索"}, "lead")
    names = ["a", Phrase("a date"), *quoted(["x"])]
    found = finding(
        "x", '{object} has no field "{name}"', Span(2, 3), "they have: {known}",
        object=object_title, name=verbatim("{name}"), known=names,
    )  # fmt: skip
    assert sentence(found) == '2:3: Lead has no field "{name}" (they have: a, a date, "x")'
    assert sentence(found, "zh") == "2:3: 线索 没有字段“{name}”（现有属性：a、日期、“x”）"
    assert sentence(found, "fr") == sentence(found)


def test_carets_stand_below_wide_letters() -> None:
    found = finding("x", "a value", Span(1, 4, 2))
    assert show(found, "\t客户 = 5").split("\n")[1:] == ["    \t客户 = 5", "    \t    ^^"]
