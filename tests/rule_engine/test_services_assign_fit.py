"""Assignment to who fits: skills that a record asks for, and who had the customer before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rule_engine import RuleCheckError
from rule_engine.editor.format import format_text
from rule_engine.services.assign import NO_TURNS, Turns
from tests.rule_engine.services_world import program_of
from tests.rule_engine.test_services_assign import BOARD, Work, given_to, made

SKILLED = f'when true assign to {BOARD} skilled in region, "wine" capacity 3'
KNOWN = {"cat": ("WINE", "North", "tea"), "eve": ("wine", "north"), "dan": ("wine",)}
PEOPLE = st.sampled_from(["bob", "cat", "dan", "eve"])


def test_only_who_knows_all_of_it() -> None:
    decision, turns = given_to(made(SKILLED), Work(known=KNOWN))
    assert decision.user == "cat"
    assert [(one.user, one.code, str(one.why)) for one in decision.skipped] == [
        ("bob", "unskilled", "does not know north, wine"),
        ("dan", "unskilled", "does not know north"),
    ]
    assert decision.skipped[1].said.in_language("zh") == "dan 不具备技能 north"
    decision, turns = given_to(made(SKILLED), Work(known=KNOWN), turns, "2")
    assert decision.user == "eve"
    decision, _ = given_to(made(SKILLED), Work(known=KNOWN), turns, "3", region=None)
    assert decision.user == "dan"  # what is empty asks for nothing


STICKY = f"only available when true assign to {BOARD} sticky by name, region capacity 2"


@pytest.mark.parametrize(
    ("work", "who", "because", "skipped"),
    [
        (Work(), "bob", "true", []),
        (Work(before={("name", "x"): "dan", ("region", "north"): "eve"}), "dan",
         "true; had the last one with the same name", []),
        (Work(before={("region", "north"): "eve"}), "eve",
         "true; had the last one with the same region", []),
        (Work({"dan": 2}, before={("name", "x"): "dan", ("region", "north"): "eve"}), "bob",
         "true", [("dan", "has 2 of 2")]),
        (Work(away=frozenset({"dan"}), before={("name", "x"): "dan"}), "bob", "true",
         [("dan", "is away")]),
        (Work(before={("name", "x"): "zoe"}), "bob", "true",
         [("zoe", "had the last one with the same name, and is not meant here")]),
    ],
)  # fmt: skip
def test_who_had_it_last_comes_first(
    work: Work, who: str, because: str, skipped: list[tuple[str, str]]
) -> None:
    decision, _ = given_to(made(STICKY), work)
    assert (decision.user, str(decision.because)) == (who, because)
    assert [(one.user, str(one.why)) for one in decision.skipped] == skipped


def test_who_got_it_again_had_her_turn() -> None:
    definition, turns = made(STICKY), NO_TURNS
    decision, turns = given_to(definition, Work(before={("name", "x"): "bob"}), turns, "1")
    assert decision.user == "bob"
    assert given_to(definition, Work(), turns, "2")[0].user == "cat"


@given(
    st.dictionaries(PEOPLE, st.integers(0, 3)),
    st.frozensets(PEOPLE),
    st.dictionaries(PEOPLE, st.lists(st.sampled_from(["wine", "north", "tea"])).map(tuple)),
    st.sampled_from(["bob", "cat", "dan", "eve", "zoe"]),
)
def test_law_who_had_it_last_beats_nothing_else(
    counts: dict[str, int], away: frozenset[str], known: dict[str, tuple[str, ...]], last: str
) -> None:
    """Who had it last gets it exactly if she is there, has room, and knows what is asked for."""
    body = f"only available when true assign to {BOARD} skilled in region sticky by name capacity 2"
    work = Work(counts, away, known, {("name", "x"): last})
    decision, _ = given_to(made(body), work)
    fit = {
        one
        for one in ("bob", "cat", "dan", "eve")
        if one not in away and counts.get(one, 0) < 2 and "north" in known.get(one, ())
    }
    assert (decision.user is None) == (not fit)
    assert decision.user in fit | {None}
    assert (decision.user == last) if last in fit else True
    without, _ = given_to(made(body), Work(counts, away, known))
    assert last in fit or decision.user == without.user


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("when true assign to owner skilled in amount",
         "an amount of money is no skill (name it by a text or an option)"),
        ("when true assign to owner sticky by amount", "an amount of money cannot stand here"),
        ("when true assign to owner sticky by owner.name",
         "only a field of Quote can stand here"),
        ('when true assign to queue "q" sticky by name',
         "nobody is chosen from a queue (name a team or a role)"),
    ],
)  # fmt: skip
def test_what_is_no_skill(body: str, found: str) -> None:
    with pytest.raises(RuleCheckError) as caught:
        made(body)
    (problem,) = caught.value.diagnostics
    assert str(problem).partition(": ")[2] == found


def test_it_is_written_as_it_is_read() -> None:
    text = (
        "assign leads on quote after create {\n"
        f"    when true assign to {BOARD} skilled in region, "
        '"wine" sticky by name, region capacity 3 because "Wine"\n'
        "}\n"
    )
    assert format_text(text) == text
    assert program_of(text).assignments[0].entries[0].capacity == 3
    assert Turns.from_json(NO_TURNS.to_json()) == NO_TURNS
