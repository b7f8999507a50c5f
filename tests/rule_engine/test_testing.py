from __future__ import annotations

from datetime import UTC, datetime

import pytest

from rule_engine.testing import format_results, run_tests
from tests.rule_engine.services_world import program_of

RULES = """
score points on quote into score { base 5 add 10 when discount > 20% because "Big discount"
    grade "A" from 10 grade "B" from 0 }
rule totals on quote before save {
    when amount changed { set total to amount * (100% - discount) } }
validate checks on quote { forbid discount > 50% message "No gifts" at discount
    forbid old.status = "sent" and amount changed message "Settled" at amount }
approval deal on quote {
    enter when discount > 10% and status = "draft"
    on submit { lock set status to "in_approval" }
    step first { approvers manager of owner editable region }
    step second when discount > 20% { approvers role "finance" decide by everyone }
    on approve { set status to "approved" unlock }
    on reject { set status to "draft" unlock }
}
"""


def failures(of: str, body: str) -> list[str]:
    program = program_of(RULES + f'test "t" of {of} {{\n{body}\n}}')
    (result,) = run_tests(program)
    assert result.passed == (not result.failures)
    return [str(failure).partition(": ")[2] for failure in result.failures]


QUOTE = 'given quote as q { owner: amy, discount: 25%, amount: 100 CNY, status: "draft" }\n'
GIVEN = 'given user as amy { name: "Amy", manager: "bob" }\n' + QUOTE
BIG = "given quote as q { discount: 25% }\n"
SMALL = "given quote as q { discount: 5% }\n"
TWICE = "do submit do approve do approve "


@pytest.mark.parametrize(
    ("of", "body"),
    [
        ("points", BIG + 'expect q.score = 15 expect reason "Big"'),
        ("points", SMALL + 'expect q.score = 5 and q.score_grade = "B"'),
        ("points", SMALL + "change { discount: 30% } expect q.score = 15"),
        ("totals", GIVEN + "do save expect q.total = 75 CNY"),
        ("totals", GIVEN + "do save change { amount: 200 CNY } expect q.total = 150 CNY"),
        ("totals", GIVEN + 'do save change { region: "x" } expect q.total = 75 CNY'),
        ("checks", GIVEN + 'change { discount: 60% } expect error "gifts" expect q.discount = 25%'),
        ("checks", GIVEN + 'change { status: "sent" } change { amount: 1 CNY } expect error "Set"'),
        ("deal", GIVEN + 'do submit by amy expect q.status = "in_approval"'),
        ("deal", GIVEN + 'do submit expect q.owner.manager.name = "bob"'),
        ("deal", GIVEN + 'do submit do approve by user "bob" expect pending_step = "second"'),
        ("deal", GIVEN + TWICE + 'by role "finance" expect q.status = "approved"'),
        (
            "deal",
            GIVEN
            + 'given user as fin { roles: "finance" } given user as fay { roles: "finance" }'
            + TWICE
            + 'by fin expect pending_step = "second" do approve by fay'
            ' expect pending_step is empty and q.status = "approved"',
        ),
        ("deal", GIVEN + 'do submit do reject expect q.status = "draft" expect reason "Rejected"'),
        ("deal", GIVEN + 'do submit do recall by amy expect q.status = "in_approval"'),
        ("deal", GIVEN + 'do submit do approve by amy expect error "not asked"'),
        ("deal", GIVEN + 'do submit change { amount: 5 CNY } expect error "locked"'),
        ("deal", GIVEN + 'do submit change { region: "x" } expect q.region = "x"'),
        ("deal", GIVEN + 'change { discount: 5% } do submit expect error "condition"'),
        (
            "totals",
            "now is 2026-05-01T08:00Z given quote as q { approved_at: now } wait 2 hours"
            " expect q.approved_at < now and now = 2026-05-01T10:00Z",
        ),
        ("totals", 'given quote as q { name: "a" } wait 1 month expect now > 2026-02-05T08:00Z'),
    ],
)
def test_passes(of: str, body: str) -> None:
    assert failures(of, body) == []


@pytest.mark.parametrize(
    ("of", "body", "failure"),
    [
        ("points", BIG + "expect q.score = 16", "expected q.score = 16; "),
        ("points", BIG, "the test expects nothing"),
        (
            "points",
            BIG + 'expect reason "Small"',
            'no reason says "Small"; reasons: Big discount',
        ),
        ("checks", GIVEN + "change { discount: 60% } expect q.discount = 25%", "refused: No gifts"),
        (
            "checks",
            GIVEN + 'do save expect error "gifts"',
            'no error says "gifts"; there are no errors',
        ),
        (
            "checks",
            GIVEN + 'change { discount: 60% } expect error "final"',
            'no error says "final"; errors: No gifts',
        ),
        ("checks", "do save", 'there is no quote; write "given quote as … { … }"'),
        ("deal", GIVEN + "do approve", 'nothing was submitted; write "do submit" before'),
        ("deal", GIVEN + "do submit do submit", "refused: The record waits for approval already"),
    ],
)
def test_fails_with_a_reason(of: str, body: str, failure: str) -> None:
    found = failures(of, body)
    assert found
    assert found[0].startswith(failure)


def test_the_clock_is_the_test_s_own() -> None:
    text = RULES + 'test "t" of totals { given quote as q { name: "a" } expect now = TIME }'
    text = text.replace("TIME", "2027-01-01T00:00Z")
    program = program_of(text)
    (standard,) = run_tests(program)
    (given,) = run_tests(program, now=datetime(2027, 1, 1, tzinfo=UTC))
    assert (standard.passed, given.passed) == (False, True)


def test_report() -> None:
    text = (
        RULES
        + 'test "good" of points { given quote as q { discount: 25% } expect q.score = 15 }\n'
        + 'test "bad" of checks {\n    given quote as q { discount: 1% }\n'
        + '    change { discount: 51% }\n    expect error "gifts"\n    expect error "more" }'
    )
    line = RULES.count("\n") + 1
    assert format_results(run_tests(program_of(text))) == "\n".join(
        [
            "1..2",
            "ok 1 - good",
            "not ok 2 - bad",
            f'  # {line + 5}:5: no error says "more"; errors: No gifts',
        ]
    )


MEMBERS = """
rule mark on quote before save {
    when in_role("own") { set region to "part" }
    when in_role("r_own") { set region to "whole" }
    when in_team("East") { set name to "east" }
}
test "t" of mark {
    given user as amy { roles: "r_own, r_read" }
    given user as bob { roles: "own", team: "East" }
    given quote as q { amount: 1 CNY }
    do save by amy
    expect q.region = "whole" and q.name is empty
    do save by bob
    expect q.region = "part" and q.name = "east"
    do save by user "cy"
    expect q.region = "part"
}
"""


def test_people_are_in_the_roles_and_teams_they_are_given_with() -> None:
    (result,) = run_tests(program_of(MEMBERS))
    assert [str(failure) for failure in result.failures] == []
