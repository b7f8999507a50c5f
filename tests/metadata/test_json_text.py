"""JSON of others: what no database holds is refused, and answers stay small."""

from __future__ import annotations

import pytest

from metadata.json_text import MAX_FLAWS, read_json


@pytest.mark.parametrize(
    "source",
    [
        '{"a": "\\ud800"}',
        b'{"a": ["\\udc00"]}',
        b'"\xed\xa0\x80"',
        '"\\ud800"'.encode("utf-16"),
        '"\\ud800"'.encode("utf-32"),
        '"\ud800"',
        '{"\\ud800": 1, "\\ud800": 2}',
    ],
)
def test_halves_of_letters_are_no_text(source: str | bytes) -> None:
    document, problems = read_json(source)
    assert (document, [one.code for one in problems]) == (None, ["json_encoding"])


@pytest.mark.parametrize("text", ["한국어", "😀", "\\ud83d\\ude00", "中文\\u0041"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", None])
def test_whole_letters_are(text: str, encoding: str | None) -> None:
    source = f'["{text}"]'
    document, problems = read_json(source.encode(encoding) if encoding else source)
    assert problems == []
    assert str(document).isprintable()


def test_of_many_flaws_the_first_are_told() -> None:
    source = "[" * 61 + "1," * 5_000 + "1" + "]" * 61
    document, problems = read_json(source)
    assert (document, len(problems)) == (None, MAX_FLAWS)
    assert {one.code for one in problems} == {"json_depth"}
