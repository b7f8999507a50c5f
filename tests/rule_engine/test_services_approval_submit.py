"""Submitting: who may, when it is refused, whom it asks."""

from __future__ import annotations

from decimal import Decimal

import pytest

from rule_engine.services.approval import (
    can_submit,
    submit,
)
from tests.rule_engine.approval_world import (
    ONE,
    approval,
    refusals,
    seen,
    sent,
)
from tests.rule_engine.services_world import (
    COMPANY,
    NOW,
    cny,
    program_of,
    quote,
    surroundings,
)


def test_nothing_needed_is_approved_at_once() -> None:
    definition = approval("step a when discount > 90% { approvers owner } on approve { unlock }")
    outcome = sent(definition)
    assert seen(outcome) == ("approved", None, ())
    assert [e.action for e in outcome.effects] == ["unlock"]


SUBMITTERS = 'submitters manager of owner, role "finance"'


@pytest.mark.parametrize(
    ("body", "by", "values", "message"),
    [
        (ONE, "amy", {"discount": None}, 'The record does not meet the condition of "Deal"'),
        (ONE, "amy", {"status": "sent"}, 'The record does not meet the condition of "Deal"'),
        (
            ONE,
            "amy",
            {"owner": "dan"},
            'Nobody can be asked for the step "manager": manager of owner gives nobody',
        ),
        (
            'step a "Board" { approvers role "amy_only" }',
            "amy",
            {},
            'Nobody can be asked for the step "Board": role "amy_only" gives nobody'
            " but the submitter",
        ),
        (
            'step a "Board" { approvers role "finance" in region }',
            "amy",
            {},
            'Nobody can be asked for the step "Board": role "finance" in region gives nobody',
        ),
        (
            'step a "Board" { approvers role "finance" until user.approval_limit > 90亿 CNY }',
            "amy",
            {},
            'Nobody can be asked for the step "Board": neither role "finance" nor anybody above'
            " fulfils the condition of `until`",
        ),
        (
            'step a "Board" { approvers role "finance" decide by 3 of them }',
            "amy",
            {},
            'The step "Board" needs 3 approvers: role "finance" gives 2',
        ),
        (
            SUBMITTERS + ONE,
            "amy",
            {},
            'Only manager of owner, role "finance" may submit this',
        ),
        (ONE + 'on submit { when amount < 900 CNY { fail "Too small" } }', "amy", {}, "Too small"),
    ],
)
def test_refused_at_submit(body: str, by: str, values: dict[str, object], message: str) -> None:
    outcome = sent(approval(body), by, quote(**values))
    assert outcome.state is None
    assert outcome.effects == ()
    assert [problem.message for problem in outcome.problems] == [message]


def test_submitters_may_submit() -> None:
    assert seen(sent(approval(SUBMITTERS + ONE), "cat"))[0] == "open"


@pytest.mark.parametrize(
    ("how", "approvers", "owner", "by", "asked"),
    [
        ("forbidden", 'role "board"', "amy", "bob", ("cat", "dan", "eve")),
        ("allowed", 'role "board"', "amy", "bob", ("bob", "cat", "dan", "eve")),
        ("skipped", 'role "board"', "amy", "bob", ("cat", "dan", "eve")),
        ("skipped", 'role "bob_only"', "amy", "bob", ("cat",)),
        ("skipped", "manager of owner", "amy", "bob", ("cat",)),
        ("skipped", "owner", "amy", "amy", ("bob",)),
        ("allowed", "owner, owner", "amy", "amy", ("amy",)),
        ("forbidden", "owner", "gone", "amy", ("cat",)),
        ("forbidden", 'role "finance" in owner.region', "cat", "amy", ("cat", "dan")),
        ("forbidden", "manager of owner until approval_limit >= amount", "amy", "amy", ("bob",)),
    ],
)
def test_who_is_asked(
    how: str, approvers: str, owner: str, by: str, asked: tuple[str, ...]
) -> None:
    definition = approval(f"self approval {how} step a {{ approvers {approvers} }}")
    assert seen(sent(definition, by, quote(owner=owner)))[2] == asked


@pytest.mark.parametrize(("amount", "asked"), [(900, "bob"), (5000, "cat"), (50000, "dan")])
def test_until_climbs(amount: int, asked: str) -> None:
    definition = approval("step a { approvers manager of owner until approval_limit >= amount }")
    assert seen(sent(definition, record=quote(amount=cny(amount))))[2] == (asked,)
    nobody = sent(definition, record=quote(amount=cny(10**6)))
    assert refusals(nobody) == ["nobody_to_ask"]


@pytest.mark.parametrize(
    ("role", "asked"), [("bob_only", "bob"), ("board", "bob"), ("finance", "cat"), ("admin", "dan")]
)
def test_until_asks_for_the_roles_of_whom_it_climbs_to(role: str, asked: str) -> None:
    until = f'step a {{ approvers manager of owner until in_role("{role}") }}'
    assert seen(sent(approval(until)))[2] == (asked,)
    nobody = sent(approval(until.replace(role, role[:-1])))
    assert refusals(nobody) == ["nobody_to_ask"]


def test_can_submit_says_why_not() -> None:
    trace = can_submit(approval(ONE), quote(status="sent"), surroundings())
    assert trace is not None
    assert trace.value is False


def test_a_condition_on_a_table_is_told_by_its_name() -> None:
    table = "table tiers on quote first { | discount => tier | > 10% => 1 | > 5% => 2 | - => 3 }"
    definition = program_of(
        f"{table}\napproval a on quote {{ enter when tiers < 3 step s {{ approvers owner }} }}"
    ).approvals[0]
    trace = can_submit(definition, quote(discount=Decimal("0.07")), surroundings())
    assert str(trace and trace.sentence()) == "tiers < 3 is true because discount is 0.07"
    outcome = submit(definition, quote(discount=None), "amy", surroundings(), COMPANY, NOW)
    assert [problem.code for problem in outcome.problems] == ["does_not_qualify"]
