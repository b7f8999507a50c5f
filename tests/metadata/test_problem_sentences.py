"""What problems say: their templates in both languages."""

from __future__ import annotations

import pytest

from metadata.problems import LANGUAGES, NAMES, OPTIONAL, templates


@pytest.mark.parametrize("language", LANGUAGES)
def test_brackets_of_a_sentence_hold_what_may_be_left_out(language: str) -> None:
    said = templates(language)
    assert [
        code
        for code, text in said.items()
        for part in OPTIONAL.findall(text)
        if not NAMES.search(part)
    ] == []


def test_both_languages_ask_for_the_same_values() -> None:
    english, chinese = (templates(language) for language in ("en", "zh"))
    assert english.keys() == chinese.keys()
    assert {
        code: text
        for code, text in chinese.items()
        if not set(NAMES.findall(text)) <= set(NAMES.findall(english[code]))
    } == {}
