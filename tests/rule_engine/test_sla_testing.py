"""Service levels in `test` blocks: the clock that only the test moves."""

from __future__ import annotations

import pytest

from rule_engine.testing import run_tests
from tests.rule_engine.sla_world import LEVEL, OFFICE, program_of

GIVEN = """
    now is 2026-03-02T17:00+08:00
    given user as amy { name: "Amy", manager: "bob" }
    given ticket as t { owner: amy, kind: "Incident", priority: "P2", status: "Open" }
"""
#: A rule that runs on what a trigger sets, and one that takes the ticket out of it.
RULES = """
rule flag on ticket before save { when response_breached set priority_flag to "Red" }
rule close on ticket after update { when response_breached changed
    notify role "boss" using "breach" }
"""


def failures(body: str, *more: str) -> list[str]:
    program = program_of(OFFICE, LEVEL, RULES, *more, f'test "t" of support {{ {GIVEN} {body} }}')
    (result,) = run_tests(program)
    return [str(failure).partition(": ")[2] for failure in result.failures]


PASSING = [
    "wait 1 hour expect t.response.elapsed = 60 minutes",
    "wait 12 hours expect t.response.elapsed = 60 minutes and t.response.breached",
    "wait 12 hours expect t.response.due = 2026-03-02T18:00+08:00",
    "expect t.response.due = 2026-03-02T18:00+08:00 and not t.response.breached",
    "expect t.resolution.due = 2026-03-03T12:00+08:00",
    "wait 2 business hours expect now = 2026-03-03T10:00+08:00",
    "wait 1 business day expect now = 2026-03-03T17:00+08:00",
    'wait 30 minutes expect any(notifications where template = "soon" and recipient.name = "Amy")',
    "wait 29 minutes expect none(notifications)",
    "wait 1 hour expect count(notifications) = 3",
    "wait 1 hour expect t.response_breached",
    # What a trigger sets is saved under all rules.
    'wait 1 hour expect t.priority_flag = "Red"',
    'wait 1 hour expect any(notifications where template = "breach")',
    'wait 30 minutes expect reason "response: 50%"',
    'wait 5 business hours expect any(notifications where recipient.name = "bob")',
    # One long wait and many short ones come to the same.
    "wait 30 minutes wait 18 minutes expect count(notifications) = 2",
    'change { priority: "P1" } wait 8 minutes expect count(notifications) = 1',
    "change { first_response_at: now } wait 9 hours expect none(notifications)",
    'change { status: "Duplicate" } wait 9 days expect none(notifications)',
    'change { status: "Waiting on customer" } wait 1 day change { status: "Open" } '
    "expect t.resolution.elapsed = 0 minutes and t.resolution.due = 2026-03-04T12:00+08:00",
    'change { status: "Resolved" } wait 1 day change { status: "Open" } '
    "expect t.resolution.elapsed = 0 minutes",
    'given ticket as other { kind: "Question" } expect other.response.elapsed is empty',
    'given ticket as other { kind: "Question" } expect not other.response.breached',
]


@pytest.mark.parametrize("body", PASSING)
def test_passes(body: str) -> None:
    assert failures(body) == []


def test_says_what_the_clock_shows() -> None:
    assert failures("wait 30 minutes expect t.response.elapsed = 1 hour") == [
        "expected t.response.elapsed = 1 hour; t.response.elapsed = 1 hour is false "
        "because t.response.elapsed is 0:30:00"
    ]


def test_business_time_passes_in_the_only_calendar() -> None:
    program = program_of(
        OFFICE,
        'test "t" of r { now is 2026-03-06T17:00+08:00 given ticket as t { status: "Open" }'
        " wait 2 business hours expect now = 2026-03-09T10:00+08:00 }",
        "rule r on ticket before save { stop }",
    )
    (result,) = run_tests(program)
    assert result.failures == ()


def test_business_time_needs_a_calendar_to_pass_in() -> None:
    program = program_of(
        'test "t" of r { given ticket as t { status: "Open" } wait 2 business hours }',
        "rule r on ticket before save { stop }",
    )
    (result,) = run_tests(program)
    assert tuple(map(str, result.failures)) == (
        "1:54: no business calendar is the organisation's; write hours or days",
    )


#: Two on one object: what the first sets is seen by the second after what the save itself said.
TWO = """
sla first on ticket { target a { met when subject = "never" within 1 hour when priority = "P1"
    otherwise within 9 hours at 100% { set status to "Waiting on customer" } } }
sla second on ticket { pause when status = "Waiting on customer"
    target b { met when status = "Resolved" otherwise within 9 hours
        at 100% { notify owner using "b" } } }
"""


@pytest.mark.parametrize(
    "body",
    [
        'change { priority: "P1" } wait 1 day expect none(notifications)',
        'change { priority: "P1", status: "Resolved" } change { status: "Open" } wait 1 day '
        "expect t.b.elapsed = 2 hours",
    ],
)
def test_two_on_one_object(body: str) -> None:
    test = f'test "t" of second {{ {GIVEN} wait 2 hours {body} }}'
    (result,) = run_tests(program_of(OFFICE, TWO, test))
    assert [str(failure) for failure in result.failures] == []
