"""Merging three states of a JSON document, by itself."""

from __future__ import annotations

from typing import Any

import pytest

from metadata.packages.rule_texts import joined, statements_of
from metadata.packages.three_way import ABSENT, Merge, same


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged", "conflicts"),
    [
        (1, 1, 1, 1, 0),
        (1, 1, 2, 2, 0),
        (1, 2, 1, 2, 0),
        (1, 2, 2, 2, 0),
        (1, 2, 3, 2, 1),
        (ABSENT, {"a": 1}, {"b": 2}, {"a": 1, "b": 2}, 0),
        ({"a": 1}, {}, {"a": 2}, {}, 1),
        ({"a": 1}, {"a": 2}, {}, {"a": 2}, 1),
        ({"a": 1}, {"a": True}, {"a": 1, "b": 1}, {"a": True, "b": 1}, 0),
        ([1, 2, 3], [1, 3], [1, 2, 3, 4], [1, 3, 4], 0),
        ([1, 2, 3], [3, 2, 1], [1, 2, 3, 4], [3, 4, 2, 1], 0),
        ([1, 2, 3], [3, 1, 2], [2, 1, 3], [3, 1, 2], 1),
        ([1], [2], [3], [2], 1),
        ([1, 1], [1], [1, 1, 2], [1], 1),
        ([{"name": "a", "x": 1}], [{"name": "a", "x": 2}], [{"name": "a", "x": 1, "y": 1}],
         [{"name": "a", "x": 2, "y": 1}], 0),
        ({"properties": {"a": 1, "b": 1}}, {"properties": {"b": 1, "a": 1}},
         {"properties": {"a": 1, "c": 1, "b": 1}}, {"properties": {"b": 1, "a": 1, "c": 1}}, 0),
    ],
)  # fmt: skip
def test_three_states(base: Any, ours: Any, theirs: Any, merged: Any, conflicts: int) -> None:
    merge = Merge("f")
    assert same(merge.merge(base, ours, theirs), merged)
    assert len(merge.conflicts) == conflicts


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", []),
        ("# only a comment\n", ["rest"]),
        ("define a on x as 1", ["define a"]),
        (
            "# x\ndefine a on x as 1  # y\n\ndefine b on x as 2\n# z",
            ["define a", "define b", "rest"],
        ),
        ("ruleset r\ndefine a on x as 1\n", ["ruleset", "define a"]),
        ("define a on x as 1 define b on x as 2", None),
        ("define a on x as 1\ndefine a on y as 1", None),
        ("define {", None),
    ],
)
def test_a_rule_text_comes_apart(text: str, names: list[str] | None) -> None:
    found = statements_of(text)
    assert (None if found is None else list(found)) == names
    assert found is None or joined(found) == text
