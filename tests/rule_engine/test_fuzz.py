"""Whatever comes in: declared errors only, and time in proportion to the text.

Damaged statements and files, texts of the grammar, random characters and bytes go through parsing,
checking, all back ends, their tests, storing, formatting, completing, explaining and renaming.
`make soak` (TRELLIS_SOAK=1) takes 120,000 of them, others with each TRELLIS_LAW_SEED.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rule_engine.fuzz_asking import Asked
from tests.rule_engine.fuzz_texts import KINDS, Input, World, damage, make_input, words, worlds
from tests.rule_engine.law_run import IS_SOAK, SEED, law

COUNT = 120_000 if IS_SOAK else 1_200


@pytest.mark.soak
def test_nothing_brings_it_down() -> None:
    """All inputs are tried before it fails; the first of each kind of failure is shown."""
    failures: dict[str, str] = {}
    reached: Counter[str] = Counter()
    for number in range(COUNT):
        given = make_input(SEED, number)
        asked = Asked(given)
        try:
            asked.everything()
        except Exception as error:  # any is a finding
            failures.setdefault(repr(error)[:60], f"make_input({SEED}, {number}): {given.text!r}")
        reached.update(asked.asked)
    assert failures == {}
    assert reached["check"] > COUNT * 0.8
    for what in ("run_tests", "in_sql", "rename", "store_ruleset"):
        assert reached[what] > COUNT * 0.05, what


CHANGES = st.lists(
    st.tuples(st.sampled_from(list(KINDS)), st.integers(0, 10_000), st.sampled_from(words())),
    min_size=1,
    max_size=4,
)


@law(100)
@given(st.sampled_from(worlds()), st.integers(0, 1_000), CHANGES)
def test_damaged_statements(world: World, number: int, changes: list[tuple[str, int, str]]) -> None:
    """The same with hypothesis, which makes what it finds small."""
    piece = world.statements[number % len(world.statements)]
    text = damage(piece.tokens, changes)
    Asked(Input(text, world, random.Random(number), piece.beside)).everything()


@law(100)
@given(st.sampled_from(worlds()), st.text(max_size=80))
def test_noise(world: World, text: str) -> None:
    Asked(Input(text, world, random.Random(0))).everything()
