"""Approvals in time: reminders, overdue steps, approvers who have left, old states."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rule_engine import RuleCheckError
from rule_engine.calendars import business_calendars
from rule_engine.program import Approval
from rule_engine.services.approval import decide, submit
from rule_engine.services.approval_clock import next_at, put_off, replace_inactive, tick
from rule_engine.services.approval_signers import add_signer
from rule_engine.services.approval_state import ApprovalState, Outcome
from rule_engine.services.evaluate import Surroundings
from tests.rule_engine.services_world import COMPANY, Company, program_of, quote, surroundings

OFFICE = 'calendar office { timezone "UTC" hours monday to friday from 09:00 to 17:00 }\n'
MONDAY = datetime(2026, 3, 2, 10, tzinfo=UTC)


def approval(body: str) -> Approval:
    return program_of(f"{OFFICE} approval deal on quote {{ {body} }}").approvals[0]


def there(company: Company = COMPANY) -> Surroundings:
    return surroundings(company, calendars=business_calendars(program_of(OFFICE).calendars))


def sent(definition: Approval) -> ApprovalState:
    state = submit(definition, quote(), "amy", there(), COMPANY, MONDAY).state
    assert state is not None
    return state


def ticked(
    definition: Approval, state: ApprovalState, now: datetime, company: Company = COMPANY
) -> Outcome:
    return tick(definition, state, quote(), there(company), company, now)


def told(outcome: Outcome) -> list[tuple[object, ...]]:
    return [(e.action, *e.arguments.values()) for e in outcome.effects]


ONE = "step a { approvers manager of owner due in 8 business hours using office LINES }"
LINES = "remind at 50%, 75%"


def test_reminders_in_business_time() -> None:
    definition = approval(ONE.replace("LINES", LINES + " overdue reject"))
    state = sent(definition)
    half, three, due = (
        datetime(2026, 3, 2, 14, tzinfo=UTC),
        datetime(2026, 3, 2, 16, tzinfo=UTC),
        datetime(2026, 3, 3, 10, tzinfo=UTC),
    )
    assert next_at(definition, state, there()) == half
    early = ticked(definition, state, half - timedelta(minutes=1))
    assert early == Outcome(state)
    outcome = ticked(definition, state, half)
    assert told(outcome) == [("remind", "a", ["bob"], due, definition.steps[0].remind[0])]
    assert outcome.state is not None
    assert outcome.state.revision == 2
    assert next_at(definition, outcome.state, there()) == three
    assert ticked(definition, outcome.state, half) == Outcome(outcome.state)
    late = ticked(definition, state, due - timedelta(seconds=1))
    assert told(late) == [("remind", "a", ["bob"], due, definition.steps[0].remind[1])]
    rejected = ticked(definition, outcome.state, due + timedelta(days=9))
    assert rejected.state is not None
    assert (rejected.state.status, told(rejected)) == (
        "rejected",
        [("overdue", "a", ["bob"])],
    )
    last = rejected.state.decisions[-1]
    assert (last.user, last.verdict, last.comment) == ("", "reject", "overdue")
    assert next_at(definition, rejected.state, there()) is None


@pytest.mark.parametrize(
    ("length", "due"),
    [
        ("2 hours", "2026-03-02T12:00"),
        ("1 day", "2026-03-03T10:00"),
        ("1 business day using office", "2026-03-03T10:00"),
        ("5 business days using office", "2026-03-09T10:00"),
        ("16 business hours using office", "2026-03-04T10:00"),
    ],
)
def test_due(length: str, due: str) -> None:
    definition = approval(f"step a {{ approvers owner due in {length} overdue approve }}")
    definition = replace(definition, self_approval="allowed")
    assert next_at(definition, sent(definition), there()) == datetime.fromisoformat(due + "Z")


STEPS = """
    step a { approvers manager of owner due in 1 day overdue VERDICT
        on overdue { set region to "late" } rejection returns to submitter }
    step b { approvers role "finance" decide by everyone due in 1 day overdue VERDICT }
    on approve { set status to "approved" }
    on reject { set status to "draft" }
    on overdue { set name to "late" }
"""


@pytest.mark.parametrize(
    ("verdict", "days", "status", "path", "words"),
    [
        ("approve", 1, "open", ["a approved", "b open"], ["overdue", "set", "set", "waiting"]),
        ("reject", 1, "returned", ["a returned", "b planned"], ["overdue", *["set"] * 3]),
        (
            'escalate to role "board"',
            5,
            "open",
            ["a open", "b planned"],
            ["overdue", "set", "set", "waiting"],
        ),
    ],
)
def test_overdue(verdict: str, days: int, status: str, path: list[str], words: list[str]) -> None:
    definition = approval(STEPS.replace("VERDICT", verdict))
    outcome = ticked(definition, sent(definition), MONDAY + timedelta(days=days))
    assert outcome.state is not None
    assert outcome.state.status == status
    assert [f"{step.name} {step.status}" for step in outcome.state.path] == path
    assert [effect.action for effect in outcome.effects] == words


def test_the_approvals_own_block_runs_for_each_step_that_is_overdue() -> None:
    definition = approval(
        "parallel { step a { approvers manager of owner due in 1 day }"
        ' step b { approvers role "finance" due in 2 days } }'
        ' step c { approvers role "board" } on overdue { set name to "late" }'
    )
    state, seen = sent(definition), []
    for day in (1, 2):
        assert next_at(definition, state, there()) == MONDAY + timedelta(days=day)
        outcome = ticked(definition, state, MONDAY + timedelta(days=day))
        assert outcome.state is not None
        state, seen = outcome.state, [*seen, *told(outcome)]
    late = ("set", "name", "late")
    assert seen == [("overdue", "a", ["bob"]), late, ("overdue", "b", ["cat", "dan"]), late]
    assert next_at(definition, state, there()) is None


def test_a_step_opens_when_the_time_was_seen_to_be_over() -> None:
    definition = approval(STEPS.replace("VERDICT", "approve"))
    late = MONDAY + timedelta(days=3)
    state = ticked(definition, sent(definition), late).state
    assert state is not None
    assert next_at(definition, state, there()) == late + timedelta(days=1)
    done = ticked(definition, state, late + timedelta(days=1)).state
    assert done is not None
    assert done.status == "approved"


def test_escalation_asks_others_besides() -> None:
    body = (
        'step a { approvers role "finance" decide by everyone due in 1 day'
        ' overdue escalate to manager of approver, submitter, role "board" }'
    )
    definition = approval(body)
    outcome = ticked(definition, sent(definition), MONDAY + timedelta(days=1))
    assert told(outcome) == [
        ("overdue", "a", ["cat", "dan"]),
        ("waiting", "a", ["bob", "eve"]),
    ]
    state = outcome.state
    assert state is not None
    assert (state.approvers, state.path[0].needs) == (("cat", "dan", "bob", "eve"), 2)
    assert next_at(definition, state, there()) is None
    for user in ("bob", "eve"):
        now = MONDAY + timedelta(days=2)
        said = decide(definition, state, user, "approve", "", quote(), there(), COMPANY, now)
        assert said.state is not None
        state = said.state
    assert state.status == "approved"
    nobody = approval(
        'step a { approvers role "bob_only" due in 1 day overdue escalate to role "nobody" }'
    )
    fallen = ticked(nobody, sent(nobody), MONDAY + timedelta(days=1)).state
    assert fallen is not None
    assert fallen.approvers == ("bob", "dan")


def test_what_the_time_cannot_do_is_told_and_tried_again() -> None:
    body = (
        "step a { approvers manager of owner due in 1 day overdue approve }"
        'step b { approvers role "nobody" }'
    )
    definition = approval(body)
    company = replace(COMPANY, roles={})
    late = MONDAY + timedelta(days=2)
    outcome = ticked(definition, sent(definition), late, company)
    assert [problem.code for problem in outcome.problems] == ["nobody_to_ask"]
    assert outcome.state is not None
    assert (outcome.state.approvers, outcome.state.revision) == (("bob",), 2)
    assert told(outcome) == [("overdue", "a", ["bob"])]
    assert outcome.state.decisions == ()
    assert ticked(definition, outcome.state, late, company) == Outcome(outcome.state)
    document = json.loads(json.dumps(outcome.state.to_json()))
    assert ApprovalState.from_json(document) == outcome.state
    again = late + timedelta(days=1)
    assert next_at(definition, outcome.state, there()) == again
    refused = ticked(definition, outcome.state, again, company)
    assert (told(refused), len(refused.problems)) == (told(outcome), 1)
    asked = ticked(definition, outcome.state, again)
    assert asked.state is not None
    assert ([one.name for one in asked.state.open_steps], asked.problems) == (["b"], ())


def test_a_step_that_is_refused_holds_up_no_other() -> None:
    definition = approval(
        "parallel { step a { approvers manager of owner due in 1 day overdue reject"
        ' rejection ends on overdue { when region is empty { fail "Where?" } } }'
        ' step b { approvers role "finance" due in 1 day on overdue { set name to "late" } } }'
    )
    record = quote(region=None)
    around = record, there(), COMPANY, MONDAY + timedelta(days=1)
    state = sent(definition)
    outcome = tick(definition, state, *around)
    assert [problem.message for problem in outcome.problems] == ["Where?"]
    overdue = ("overdue", "a", ["bob"]), ("overdue", "b", ["cat", "dan"])
    assert told(outcome) == [*overdue, ("set", "name", "late")]
    assert told(put_off(definition, state, *around)) == list(overdue)
    early = record, there(), COMPANY, MONDAY
    assert put_off(definition, state, *early) == Outcome(state)


@pytest.mark.parametrize(
    ("bob", "approvers"),
    [
        ({"active": True}, ("bob",)),
        ({"active": False}, ("cat",)),
        ({"active": False, "substitute": "eve"}, ("eve",)),
        ({"active": False, "substitute": "amy"}, ("cat",)),
        ({"active": False, "manager": None}, ("dan",)),
    ],
)
def test_who_left_is_replaced(bob: dict[str, object], approvers: tuple[str, ...]) -> None:
    definition = approval("step a { approvers manager of owner }")
    state = sent(definition)
    users = {**COMPANY.users, "bob": {**COMPANY.users["bob"], **bob}}
    company = replace(COMPANY, users=users)
    outcome = replace_inactive(definition, state, quote(), there(company), company, MONDAY)
    assert outcome.state is not None
    assert outcome.state.approvers == approvers
    new = [user for user in approvers if user != "bob"]
    assert told(outcome) == ([("waiting", "a", new)] if new else [])


def replaced(definition: Approval, state: ApprovalState, *gone: str, **rest: object) -> Outcome:
    """Gives what becomes of a request when the logins of some people are taken away."""
    lost = {user: {**COMPANY.users[user], "active": False, **rest} for user in gone}
    company = replace(COMPANY, users={**COMPANY.users, **lost})
    return replace_inactive(definition, state, quote(), there(company), company, MONDAY)


def said(definition: Approval, state: ApprovalState, user: str) -> ApprovalState:
    after = decide(
        *(definition, state, user, "approve", "", quote()), there(), COMPANY, MONDAY
    ).state
    assert after is not None
    return after


@pytest.mark.parametrize(
    ("also", "status", "asked"),
    [("", "approved", ()), ('step b { approvers role "admin" }', "open", ("dan",))],
)
def test_who_left_is_not_waited_for_when_her_successor_has_decided(
    also: str, status: str, asked: tuple[str, ...]
) -> None:
    """Bob leaves; Cat, his manager, has approved already: what is left suffices."""
    people = "manager of owner, manager of manager of owner"
    definition = approval(f"step a {{ approvers {people} decide by everyone }} {also}")
    state = said(definition, sent(definition), "cat")
    assert state.approvers == ("bob",)
    after = replaced(definition, state, "bob").state
    assert after is not None
    assert (after.status, after.approvers) == (status, asked)


def test_a_signer_who_left_is_not_waited_for_when_her_successor_is_asked() -> None:
    definition = approval("step a { approvers manager of owner }")
    state = sent(definition)
    added = add_signer(
        *(definition, state, "bob", "eve", "before", "Look"), quote(), there(), COMPANY, MONDAY
    ).state
    assert added is not None
    assert added.approvers == ("eve",)
    after = replaced(definition, added, "eve", manager="bob").state
    assert after is not None
    assert after.approvers == ("bob",)
    assert after.path[0].added == ()


def test_who_left_stays_asked_where_nobody_can_be_asked_instead() -> None:
    definition = approval("step a { approvers manager of owner }")
    company = replace(COMPANY, roles={})
    lone = {**COMPANY.users["bob"], "active": False, "manager": None}
    company = replace(company, users={**COMPANY.users, "bob": lone})
    state = sent(definition)
    outcome = replace_inactive(definition, state, quote(), there(company), company, MONDAY)
    assert outcome == Outcome(state)


def test_a_user_who_is_deleted_is_replaced() -> None:
    definition = approval("step a { approvers manager of owner }")
    company = replace(COMPANY, users={k: v for k, v in COMPANY.users.items() if k != "bob"})
    state = sent(definition)
    outcome = replace_inactive(definition, state, quote(), there(company), company, MONDAY)
    assert outcome.state is not None
    assert outcome.state.approvers == ("dan",)


def test_states_of_earlier_versions_can_be_read() -> None:
    definition = approval(ONE.replace("LINES", LINES + " overdue reject"))
    state = sent(definition)
    document = json.loads(json.dumps(state.to_json()))
    for step in document["path"]:
        for key in ("opened_at", "reminded", "overdue", "refused_at", "added"):
            del step[key]
    del document["closed_at"], document["handovers"]
    old = ApprovalState.from_json(document)
    assert old.approvers == ("bob",)
    assert next_at(definition, old, there()) is None  # nobody watched the time then
    assert ticked(definition, old, MONDAY + timedelta(days=99)) == Outcome(old)


@given(st.lists(st.integers(1, 40), max_size=12), st.sampled_from(["reject", "approve"]))
def test_law_looking_more_often_ends_the_same(hours: list[int], verdict: str) -> None:
    definition = approval(STEPS.replace("VERDICT", verdict))
    often, now = sent(definition), MONDAY
    for step in hours:
        now += timedelta(hours=step)
        outcome = ticked(definition, often, now)
        assert outcome.state is not None
        at = next_at(definition, outcome.state, there())
        assert at is None or at > now
        again = ApprovalState.from_json(json.loads(json.dumps(outcome.state.to_json())))
        assert again == outcome.state
        often = again
    exactly, at = sent(definition), next_at(definition, sent(definition), there())
    while at is not None and at <= now:
        state = ticked(definition, exactly, at).state
        assert state is not None
        exactly, at = state, next_at(definition, state, there())
    if verdict == "reject":
        assert often.status == exactly.status
    assert len(often.decisions) <= len(exactly.decisions)


def test_reminders_come_before_the_end() -> None:
    with pytest.raises(RuleCheckError) as caught:
        approval("step a { approvers owner due in 1 day remind at 50%, 100% }")
    (found,) = caught.value.diagnostics
    assert str(found) == "2:65: a reminder comes above 0% and below 100% of the time"
