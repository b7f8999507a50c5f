"""Tokens: what somebody may type to find a text. Pure, so that both databases must agree."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from metadata.search.pinyin import in_words
from metadata.search.tokens import MAX_CHARACTERS, terms_of, tokens_of, words_of
from rule_engine.text import fold
from tests.metadata.searching import finds

HAN = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=2, max_size=8)
WORDS = st.lists(
    st.text(st.characters(categories=["Ll", "Lu", "Nd", "Lo"]), min_size=1, max_size=12),
    min_size=1,
    max_size=4,
)

FOUND = (
    *(("Acme Trading", query) for query in ("acm", "ACME", "trad ac", "a", "Acme  Trading!")),
    *(("Müller-Lüdenscheidt", query) for query in ("mull", "MÜLL", "lüden", "luden")),
    *(("Straße", query) for query in ("STRASSE", "stras", "straß")),
    *(("O’Brien & Sons", query) for query in ("obrien", "o'brien", "brien")),
    *(("ＡＢＣ１２ 公司", query) for query in ("abc12", "ABC", "公司", "gs")),
    *(("上海贸易有限公司", query) for query in ("上", "海贸", "上海贸易", "司", "shmy", "maoyi")),
    *(("曾国藩", query) for query in ("zgf", "cgf", "zengguo", "cengguofan", "guofan")),
    *(("重庆银行", query) for query in ("chongqing", "zhongqing", "cqyh", "yinhang", "yh")),
    *(("解珍", query) for query in ("xiezhen", "jz")),
    *(("吕布", query) for query in ("lvbu", "lb")),
    *(("单田芳", query) for query in ("shantian", "stf", "dtf")),
    *(("𠀀𠀁王", query) for query in ("𠀀", "𠀀𠀁", "𠀁王", "wang")),
    *(("东京タワー", query) for query in ("京", "タワ", "ワー")),
    *(("서울 지사", query) for query in ("서", "서울", "지사 서울")),
    *(("Li.Wei@example.com", query) for query in ("li.wei@example.com", "wei", "exam", "li@")),
    *(
        ("+8613800138000", query)
        for query in ("13800138000", "8000", "138 0013 8000", "+86 138-0013-8000")
    ),
    *(("+8613800138000", query) for query in ("0086 138 0013 8000", "00138000", "8613800")),
    *(("+493012345678", query) for query in ("030 12345678", "+49 30 12345678")),
    *(("Call 020 7946 0018 now", query) for query in ("02079460018", "7946 0018", "0018", "now")),
    *(("Visit of 2026-03-01", query) for query in ("2026-03-01", "2026", "visit 03")),
)
MISSED = (
    *(("Acme", query) for query in ("cme", "acmee", "acme x", "", " ", "***", "%", "_", '"', "'")),
    *(("上海贸易", query) for query in ("上贸", "海上", "shm y z", "hs")),
    *(("+8613800138000", query) for query in ("38001380009", "9000", "000")),
    *(("Müller", query) for query in ("mueller",)),
)


@pytest.mark.parametrize(("text", "query"), FOUND)
def test_found(text: str, query: str) -> None:
    assert finds(text, query)


@pytest.mark.parametrize(("text", "query"), MISSED)
def test_missed(text: str, query: str) -> None:
    assert not finds(text, query)


@given(WORDS, st.data())
def test_every_beginning_of_every_word_finds(words: list[str], data: st.DataObject) -> None:
    text = " ".join(words)
    known = list(words_of(fold(unicodedata.normalize("NFKC", text))))
    assume(known)
    word = data.draw(st.sampled_from(known))
    end = data.draw(st.integers(1, len(word)))
    assume(list(words_of(word[:end])) == [word[:end]])
    assert finds(text, word[:end])


@given(HAN, st.data())
def test_every_part_of_chinese_finds(text: str, data: st.DataObject) -> None:
    text = unicodedata.normalize("NFKC", text)
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    assert finds(f"x {text} y", text[start:end])


@given(HAN)
def test_initials_and_syllables_find(text: str) -> None:
    known = list(in_words(unicodedata.normalize("NFKC", text)))
    assume(all(known))
    usual = [ways[0] for ways in known]
    assert finds(text, "".join(part[0] for part in usual))
    assert finds(text, "".join(usual))
    assert finds(text, usual[-1])


@given(st.integers(10**9, 10**13), st.integers(4, 11))
def test_last_digits_find(number: int, length: int) -> None:
    assert finds(f"+{number}", str(number)[-length:])
    assert finds(f"tel. {str(number)[:3]} {str(number)[3:]}", str(number)[-length:])


@given(st.text(max_size=300))
def test_tokens_are_words_to_databases_whatever_the_text(text: str) -> None:
    asked = [lexeme.text for term in terms_of(text) for lexeme in term]
    for token in (*tokens_of(text), *asked):
        plain = [one for one in token if one.isascii()]
        assert all(one.isdecimal() or one.islower() for one in plain)
        assert not any(one.isspace() for one in token)


def test_long_texts_are_indexed_up_to_a_bound() -> None:
    assert finds("x " * (MAX_CHARACTERS // 2 - 1) + "y", "y")
    assert not finds("x " * MAX_CHARACTERS + "y", "y")
