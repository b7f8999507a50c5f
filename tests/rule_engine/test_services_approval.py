"""Deciding on a submitted request: steps, quorums, rejections, recalls, restarts."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rule_engine.program import Approval
from rule_engine.services.approval import (
    decide,
    editors,
    restart,
    withdraw,
)
from rule_engine.services.approval_state import ApprovalState, Outcome
from tests.rule_engine.approval_world import (
    ONE,
    THREE,
    approval,
    play,
    recalled,
    refusals,
    said,
    seen,
    sent,
    shown,
)
from tests.rule_engine.services_world import (
    COMPANY,
    NOW,
    Company,
    person,
    quote,
    surroundings,
)


def test_the_whole_path_is_planned_and_followed() -> None:
    definition = approval(THREE)
    outcome = sent(definition)
    assert seen(outcome) == ("open", "manager", ("bob",))
    assert shown(outcome) == ["manager open", "director planned", "finance skipped"]
    assert [(e.action, *e.arguments.values()) for e in outcome.effects] == [
        ("lock",),
        ("set", "status", "in_approval"),
        ("waiting", "manager", ["bob"]),
    ]
    assert outcome.state is not None
    assert outcome.state.locked
    outcome = said(definition, outcome.state, "bob")
    assert seen(outcome) == ("open", "director", ("cat",))
    outcome = said(definition, outcome.state, "cat", comment=" fine ")
    assert seen(outcome) == ("approved", None, ())
    assert shown(outcome) == ["manager approved", "director approved", "finance skipped"]
    assert [(e.action, *e.arguments.values()) for e in outcome.effects] == [
        ("set", "status", "approved"),
        ("set", "approved_at", NOW),
        ("unlock",),
        ("notify", ["amy"], [], "yes", None),
    ]
    assert outcome.state is not None
    assert not outcome.state.locked
    assert outcome.state.revision == 3
    assert [(d.step, d.user, d.comment) for d in outcome.state.decisions] == [
        ("manager", "bob", ""),
        ("director", "cat", "fine"),
    ]


def test_conditions_of_steps_ahead_are_looked_at_again() -> None:
    definition = approval(THREE)
    outcome = sent(definition)
    cheaper = quote(discount=Decimal("0.15"), status="in_approval")
    outcome = said(definition, outcome.state, "bob", record=cheaper)
    assert seen(outcome) == ("approved", None, ())
    assert shown(outcome) == ["manager approved", "director skipped", "finance skipped"]


def test_the_reason_of_each_step_is_kept() -> None:
    outcome = sent(approval(THREE))
    assert outcome.state is not None
    reasons = [step.reason for step in outcome.state.path]
    assert reasons[0] is None
    assert "0.25" in json.dumps(reasons[1])


@pytest.mark.parametrize(
    ("quorum", "words", "status"),
    [
        ("anyone", "cat+", "approved"),
        ("anyone", "cat-", "rejected"),
        ("everyone", "bob+ cat+ dan+", "open"),
        ("everyone", "bob+ cat+ dan+ eve+", "approved"),
        ("everyone", "bob+ cat-", "rejected"),
        ("majority", "bob+ cat+", "open"),
        ("majority", "bob+ cat+ dan+", "approved"),
        ("majority", "bob- cat+", "open"),
        ("majority", "bob- cat-", "rejected"),
        ("2 of them", "bob- cat- dan+", "open"),
        ("2 of them", "bob- cat- dan-", "rejected"),
        ("2 of them", "bob- cat+ dan+", "approved"),
        ("30% of them", "bob- cat+", "open"),
        ("30% of them", "bob- cat+ dan+", "approved"),
        ("25% of them", "bob+", "approved"),
    ],
)
def test_quorum(quorum: str, words: str, status: str) -> None:
    definition = approval(f'step a {{ approvers role "board" decide by {quorum} }}')
    outcome = play(definition, *words.split())
    assert outcome.state is not None
    assert outcome.state.status == status


RETURNS = """
    on submit { lock }
    step manager { approvers manager of owner }
    step director { approvers role "finance" decide by everyone rejection returns to TARGET
        on approve { set region to "passed" } on reject { set region to "back" } }
    on reject { unlock }
"""


def test_rejection_returns_to_a_step_whose_round_starts_anew() -> None:
    definition = approval(RETURNS.replace("TARGET", "step manager"))
    outcome = play(definition, "bob+", "cat+", "dan-")
    assert seen(outcome) == ("open", "manager", ("bob",))
    assert shown(outcome) == ["manager open", "director planned"]
    assert [(e.action, *e.arguments.values()) for e in outcome.effects] == [
        ("set", "region", "back"),
        ("waiting", "manager", ["bob"]),
    ]
    assert outcome.state is not None
    assert outcome.state.locked
    again = said(definition, outcome.state, "bob")
    assert seen(again) == ("open", "director", ("cat", "dan"))
    done = said(definition, said(definition, again.state, "dan").state, "cat")
    assert seen(done)[0] == "approved"


def test_rejection_returns_to_the_submitter() -> None:
    outcome = play(approval(RETURNS.replace("TARGET", "submitter")), "bob+", "cat-")
    assert seen(outcome) == ("returned", None, ())
    assert shown(outcome) == ["manager approved", "director returned"]
    assert [e.action for e in outcome.effects] == ["set", "unlock"]
    assert outcome.state is not None
    assert not outcome.state.locked
    assert outcome.state.closed_at == NOW


def test_decisions_that_do_not_count() -> None:
    definition = approval('step a { approvers role "board" decide by 2 of them }')
    state = sent(definition).state
    once = said(definition, state, "bob").state
    for user, verdict, comment, refusal, of in [
        ("amy", "approve", "", "You are not asked to decide on this now", state),
        ("gone", "approve", "", "You are not asked to decide on this now", state),
        ("bob", "reject", " ", "A rejection needs a comment that says why", state),
        ("bob", "reject", "\u200b\u3164", "A rejection needs a comment that says why", state),
        ("bob", "reject", "x" * 4_001, "At most 4000 characters; here are 4001", state),
        ("bob", "approve", "x" * 4_001, "At most 4000 characters; here are 4001", state),
        ("bob", "approve", "", "You have decided on this step already", once),
        ("bob", "reject", "no", "You have decided on this step already", once),
    ]:
        outcome = said(definition, of, user, verdict, comment)
        assert [p.message for p in outcome.problems] == [refusal]
        assert outcome.state is of
        assert outcome.effects == ()
    closed = play(definition, "bob+", "cat+").state
    outcome = said(definition, closed, "dan")
    assert [p.message for p in outcome.problems] == ["This request is closed: it was approved"]
    assert refusals(recalled(definition, closed, "amy")) == ["closed"]


def test_recall() -> None:
    definition = approval(THREE)
    state = sent(definition).state
    assert refusals(recalled(definition, state, "bob")) == ["not_submitter_recall"]
    outcome = recalled(definition, state, "amy")
    assert seen(outcome) == ("recalled", None, ())
    assert [e.action for e in outcome.effects] == ["set", "unlock"]


def test_nobody_for_a_later_step_falls_to_the_administrators() -> None:
    body = ONE + 'step b { approvers role "nobody" decide by 2 of them }'
    outcome = play(approval(body), "bob+")
    assert seen(outcome) == ("open", "b", ("dan",))
    assert seen(play(approval(body), "bob+", "dan+"))[0] == "approved"


def test_nobody_at_all_for_a_later_step_keeps_the_request_as_it_is() -> None:
    definition = approval(ONE + 'step b { approvers role "nobody" }')
    company = Company({"amy": person("amy", "bob"), "bob": person("bob")})
    state = sent(definition, company=company).state
    assert state is not None
    outcome = decide(
        definition, state, "bob", "approve", "", quote(), surroundings(company), company, NOW
    )
    assert refusals(outcome) == ["nobody_to_ask"]
    assert outcome.state is state


PARALLEL = """
    parallel "Both" when discount > 20% {
        step legal { approvers role "bob_only", role "admin" decide by everyone }
        step money when amount > 100 CNY { approvers role "finance" }
    }
    step last { approvers role "admin" }
"""


def test_parallel_steps_are_open_at_once() -> None:
    definition = approval(PARALLEL)
    outcome = sent(definition)
    assert shown(outcome) == ["legal open", "money open", "last planned"]
    assert seen(outcome)[2] == ("bob", "dan", "cat")
    outcome = said(definition, outcome.state, "dan")
    assert shown(outcome) == ["legal open", "money approved", "last planned"]
    outcome = said(definition, outcome.state, "bob")
    assert shown(outcome) == ["legal approved", "money approved", "last open"]
    rejected = play(definition, "cat-")
    assert shown(rejected) == ["legal planned", "money rejected", "last planned"]
    small = sent(definition, record=quote(discount=Decimal("0.15")))
    assert shown(small) == ["legal skipped", "money skipped", "last open"]


STANDING_IN = replace(
    COMPANY, users={**COMPANY.users, "bob": {**COMPANY.users["bob"], "substitute": "eve"}}
)


def test_delegation() -> None:
    allowed = approval('step a { approvers role "bob_only" delegation allowed }')
    for named in ("bob", None):
        outcome = said(allowed, sent(allowed).state, "eve", on_behalf_of=named, company=STANDING_IN)
        assert outcome.state is not None
        assert outcome.state.status == "approved"
        decision = outcome.state.decisions[0]
        assert (decision.user, decision.person) == ("eve", "bob")
    forbidden = approval('step a { approvers role "bob_only" delegation forbidden }')
    amy = replace(COMPANY, users={**COMPANY.users, "bob": {"id": "bob", "substitute": "amy"}})
    for definition, user, named, company, code in [
        (forbidden, "eve", "bob", STANDING_IN, "no_delegation"),
        (allowed, "eve", "bob", COMPANY, "not_substitute"),
        (allowed, "eve", None, COMPANY, "not_approver"),
        (allowed, "amy", "bob", amy, "self_approval"),
    ]:
        state = sent(definition).state
        assert refusals(said(definition, state, user, on_behalf_of=named, company=company)) == [
            code
        ]


def test_two_clicks() -> None:
    definition = approval('step a { approvers role "board" decide by 2 of them }')
    state = sent(definition).state
    assert state is not None
    there = surroundings()
    seen_before = state.revision
    once = said(definition, state, "bob").state
    assert once is not None
    for expected, codes in ((seen_before, ["outdated"]), (once.revision, [])):
        outcome = decide(
            definition, once, "cat", "approve", "", quote(), there, COMPANY, NOW, expected=expected
        )
        assert refusals(outcome) == codes


def test_who_may_edit_which_fields() -> None:
    body = """
        step a { approvers manager of owner editable region }
        parallel {
            step b { approvers role "finance" decide by everyone editable amount, region }
            step c { approvers role "board" delegation forbidden editable amount, name }
        }
    """
    definition = approval(body)
    outcome = sent(definition)
    assert edits(definition, outcome) == {"region": {"bob"}}
    outcome = said(definition, outcome.state, "bob")
    board = {"bob", "cat", "dan", "eve"}
    both = {"amount": board, "region": {"cat", "dan"}, "name": board}
    assert edits(definition, outcome) == both
    away = {one: {**COMPANY.users[one], "substitute": "gone"} for one in ("cat", "eve")}
    company = replace(COMPANY, users={**COMPANY.users, **away})
    stood_in = {**both, "amount": {*board, "gone"}, "region": {"cat", "dan", "gone"}}
    assert edits(definition, outcome, company) == stood_in
    outcome = said(definition, outcome.state, "cat")
    assert edits(definition, outcome) == {"amount": {"dan"}, "region": {"dan"}}


def edits(
    definition: Approval, outcome: Outcome, company: Company = COMPANY
) -> dict[str, frozenset[str]]:
    assert outcome.state is not None
    return editors(definition, outcome.state, company)


@pytest.mark.parametrize("locks", [True, False])
def test_without_rules_a_request_can_be_withdrawn(*, locks: bool) -> None:
    definition = approval(("on submit { lock }" if locks else "") + ONE)
    state = sent(definition).state
    assert state is not None
    outcome = withdraw(state, NOW)
    assert [effect.action for effect in outcome.effects] == (["unlock"] if locks else [])
    assert outcome.state is not None
    assert (outcome.state.status, outcome.state.locked) == ("recalled", False)
    assert (outcome.state.approvers, outcome.state.closed_at) == ((), NOW)
    assert outcome.state.revision == state.revision + 1
    assert refusals(withdraw(outcome.state, NOW)) == ["closed"]


def test_restart() -> None:
    body = "restart when discount, amount changed on submit { lock }" + ONE
    definition = approval(body + 'step b { approvers role "finance" }')
    state = play(definition, "bob+").state
    assert state is not None

    def changed(*names: str) -> Outcome:
        assert state is not None
        return restart(definition, state, names, quote(), surroundings(), COMPANY, NOW)

    assert changed("name") == Outcome(state)
    assert seen(changed("name", "amount")) == ("open", "manager", ("bob",))
    assert len((changed("amount").state or state).decisions) == 1


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["amy", "bob", "cat", "dan", "eve"]),
            st.sampled_from(["approve", "reject", "recall", "restart"]),
        ),
        max_size=12,
    )
)
def test_laws_of_every_history(history: list[tuple[str, str]]) -> None:
    state = sent(LAWS).state
    assert state is not None
    for user, act in history:
        before = state
        if act == "recall":
            outcome = recalled(LAWS, state, user)
        elif act == "restart":
            there = surroundings()
            outcome = restart(LAWS, state, ["amount"], quote(), there, COMPANY, NOW)
        else:
            outcome = said(LAWS, state, user, act)
        state = outcome.state
        assert state is not None
        if outcome.problems or before.status != "open":
            assert state is before
            assert outcome.effects == ()
        else:
            assert state.revision == before.revision + 1
        assert (state.status == "open") == bool(state.approvers)
        assert "amy" not in state.approvers
        assert ApprovalState.from_json(json.loads(json.dumps(state.to_json()))) == state
        decided = {d.person for s in state.open_steps for d in state.counted(s)}
        assert decided.isdisjoint(state.approvers)


LAWS = approval(
    """
    restart when amount changed
    step first { approvers manager of owner }
    step board { approvers role "board" decide by majority rejection returns to step first }
    parallel {
        step left { approvers role "finance" decide by everyone rejection returns to submitter }
        step right { approvers role "finance", role "board" decide by 2 of them }
    }
    """
)


def test_the_state_keeps_moments() -> None:
    definition = approval(ONE)
    state = sent(definition).state
    assert state is not None
    later = NOW + timedelta(hours=1)
    outcome = decide(
        definition, state, "bob", "approve", "", quote(), surroundings(), COMPANY, later
    )
    assert outcome.state is not None
    assert (outcome.state.submitted_at, outcome.state.closed_at) == (NOW, later)
