"""Substitutes and signers of approvals: who is told, who is refused and why, who comes after."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from rule_engine.services.approval import foreseen, route
from rule_engine.services.approval_signers import add_signer, forward, succeed
from rule_engine.services.approval_state import ApprovalState, Outcome
from rule_engine.services.substitutes import stand_ins
from tests.rule_engine.approval_world import approval, play, refusals, said, seen, sent
from tests.rule_engine.services_world import COMPANY, NOW, Company, quote, surroundings

BOARD = 'step a { approvers role "bob_only" DELEGATION due in 10 hours remind at 50% }'
OPEN = approval(BOARD.replace("DELEGATION", "delegation allowed"))
IN_PERSON = approval(BOARD.replace("DELEGATION", "delegation forbidden"))


def away(**substitutes: str | None) -> Company:
    """Gives the company while some are away, each with a substitute or none."""
    users = dict(COMPANY.users)
    for user, substitute in substitutes.items():
        until = {"substitute": substitute, "away_until": date(2026, 3, 9)}
        users[user] = {**users[user], **until}
    return replace(COMPANY, users=users)


@pytest.mark.parametrize(
    ("company", "expected"),
    [
        (COMPANY, ()),
        (away(bob="eve"), ("eve",)),
        (away(bob="eve", eve="cat"), ("cat",)),
        (away(bob="eve", eve="bob"), ("dan",)),  # a circle: the role admin
        (away(bob="amy"), ("dan",)),  # who submitted it
        (away(bob=None), ("dan",)),
        (away(bob="eve", eve=None), ("dan",)),
        (away(bob="dan"), ("dan",)),
    ],
)
def test_who_stands_in(company: Company, expected: tuple[str, ...]) -> None:
    state = sent(OPEN).state
    assert state is not None
    assert stand_ins(OPEN, state, "bob", company) == expected
    told = ["bob", *expected]
    assert [e.arguments["users"] for e in sent(OPEN, company=company).effects] == [told]
    assert [e.arguments["users"] for e in sent(IN_PERSON, company=company).effects] == [["bob"]]


def test_what_a_substitute_says_is_kept_with_the_reason() -> None:
    company = away(bob="eve")
    state = said(OPEN, sent(OPEN).state, "eve", company=company).state
    assert state is not None
    (decision,) = state.decisions
    assert (decision.user, decision.on_behalf_of) == ("eve", "bob")
    assert decision.away_until == date(2026, 3, 9)
    assert ApprovalState.from_json(state.to_json()) == state
    refused = said(IN_PERSON, sent(IN_PERSON).state, "eve", company=company)
    assert [problem.message for problem in refused.problems] == [
        "This step can only be decided in person"
    ]


def brought(how: str, state: ApprovalState | None, user: str, other: str, why: str) -> Outcome:
    assert state is not None
    around = quote(), surroundings(), COMPANY, NOW
    if how == "forward":
        return forward(OPEN, state, user, other, why, *around)
    return add_signer(OPEN, state, user, other, "before", why, *around)


@pytest.mark.parametrize("how", ["forward", "add"])
@pytest.mark.parametrize(
    ("user", "other", "why", "message"),
    [
        ("bob", "eve", " ", "Say why somebody else is to decide"),
        ("bob", "eve", "\u200b", "Say why somebody else is to decide"),
        ("bob", "eve", "x" * 4_001, "At most 4000 characters; here are 4001"),
        ("bob", "bob", "so", "Name somebody else than yourself"),
        ("bob", "amy", "so", "Who submitted this cannot decide on it"),
        ("bob", "gone", "so", "This person does not work here any more"),
        ("eve", "cat", "so", "You are not asked to decide on this now"),
    ],
)
def test_who_cannot_be_brought_in(how: str, user: str, other: str, why: str, message: str) -> None:
    outcome = brought(how, sent(OPEN).state, user, other, why)
    assert [problem.message for problem in outcome.problems] == [message]


def test_nobody_is_asked_twice_in_a_round() -> None:
    state = brought("forward", sent(OPEN).state, "bob", "eve", "so").state
    assert refusals(brought("add", state, "eve", "bob", "so")) == ["signer_asked"]
    added = brought("add", state, "eve", "cat", "so").state
    assert refusals(said(OPEN, added, "eve")) == ["not_your_turn"]
    assert seen(said(OPEN, added, "cat", "reject")) == ("rejected", None, ())


def test_a_step_in_person_is_not_forwarded_but_takes_a_signer() -> None:
    state = sent(IN_PERSON).state
    assert state is not None
    around = quote(), surroundings(), COMPANY, NOW
    assert refusals(forward(IN_PERSON, state, "bob", "eve", "so", *around)) == ["no_delegation"]
    added = add_signer(IN_PERSON, state, "bob", "eve", "after", "so", *around)
    assert (refusals(added), seen(added)[2]) == ([], ("bob",))


def test_who_takes_over_from_a_leaver_may_have_said_enough() -> None:
    definition = approval('step a { approvers role "finance" decide by everyone }')
    state = play(definition, "dan+").state
    assert state is not None
    around = quote(), surroundings(), COMPANY, NOW
    assert seen(succeed(definition, state, "cat", "eve", *around)) == ("open", "a", ("eve",))
    assert seen(succeed(definition, state, "cat", "dan", *around)) == ("approved", None, ())


def test_what_is_foreseen_is_what_is_asked() -> None:
    definition = approval(
        'step a { approvers manager of owner } step b { approvers role "nobody" }'
        'step c when amount > 1 000 000 CNY { approvers role "finance" }'.replace(" 000", "000")
    )
    around = quote(), "amy", surroundings(COMPANY, "amy"), COMPANY
    path = foreseen(definition, *around).path
    asked = [(step.name, step.needed, step.approvers) for step in path]
    assert asked == [("a", True, ("bob",)), ("b", True, ("dan",)), ("c", False, ("cat", "dan"))]
    assert route(definition, *around)["b"] == ()
    assert seen(play(definition, "bob+")) == ("open", "b", ("dan",))
