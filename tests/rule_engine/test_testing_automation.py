"""Tests of automations, assignments and waiting approvals, as rule authors write them."""

from __future__ import annotations

import pytest

from rule_engine.testing import examine, format_results, run_tests
from tests.rule_engine.services_world import program_of

RULES = """
calendar office { timezone "UTC" hours monday to friday from 09:00 to 17:00 }
rule big on quote after update order 1 { when amount changed and amount > 500 CNY
    set region to "big"
    create task { subject: concat("Check ", name), quote: id, due_on: today + 1 day }
    notify owner, manager of owner by email using "big_quote"
    call hook { of: id } }
rule follow on quote after update order 2 { when region changed to "big" set owner.region to "hot" }
rule plan on task after create { when quote is not empty set level to quote.discount * 100 }
rule chase on quote 3 days after approved_at at 09:00 { when status = "sent"
    notify owner using "chase" set score to 1 }
rule weekly on quote every monday at 08:00 { when status = "draft" escalate to manager of owner }
rule keep on quote before delete { when status = "sent" fail "Sent quotes stay" at status }
rule gone on quote after delete { create task { subject: "gone" } }
rule submit_it on quote after update { when stage changed to "won" start deal }
rule check_it on task after create { when subject = "bad" fail "No such task" }
rule make_bad on quote after update { when name changed to "bad" create task { subject: "bad" } }
validate few on task { forbid level > 90 message "Too high" at level }
assign leads on quote after create {
    only available using office
    skip when owner is not empty
    when region = "north" assign to round_robin of team "SDR" capacity 2 because "North"
    otherwise assign to queue "rest"
    reassign after 4 business hours when status = "draft"
}
approval deal on quote {
    on submit { lock set status to "in_approval" }
    step first { approvers manager of owner due in 8 business hours using office
        remind at 50% overdue escalate to role "board" delegation allowed }
    step second when discount > 20% { approvers role "finance" due in 1 day overdue approve }
    on approve { set status to "approved" unlock }
}
"""

NOW = "now is 2026-03-02T10:00Z\n"
USER = NOW + 'given user as amy { name: "Amy", manager: "bob" }\n'
QUOTE = USER + 'given quote as q { owner: amy, name: "Q", discount: 15%, status: "draft" }\n'
SENT = QUOTE.replace('"draft"', '"sent", approved_at: 2026-03-02T08:00Z')
TEAM = (
    USER
    + 'given user as cy { team: "SDR" } given user as di { team: "SDR" }\n'
    + 'given user as ed { team: "SDR", away_from: 2026-03-01, away_until: 2026-03-03 }\n'
    + 'given quote as q { region: "north", status: "draft" }\n'
)


def failures(of: str, body: str) -> list[str]:
    (result,) = run_tests(program_of(RULES + f'test "t" of {of} {{\n{body}\n}}'))
    assert result.passed == (not result.failures)
    return [str(failure).partition(": ")[2] for failure in result.failures]


BIG = QUOTE + "change { amount: 900 CNY } "


@pytest.mark.parametrize(
    ("of", "body"),
    [
        ("big", BIG + 'expect q.region = "big" and q.owner.region = "hot"'),
        ("big", BIG + 'expect count(created_task where subject = "Check Q") = 1'),
        ("big", BIG + "expect any(created_task where level = 15 and due_on = 2026-03-03)"),
        (
            "big",
            BIG + 'expect count(notifications where template = "big_quote") = 2'
            ' and any(notifications where recipient = this.amy and channel = "email")',
        ),
        ("big", BIG + 'expect count(calls where target = "hook") = 1'),
        ("big", QUOTE + "change { amount: 400 CNY } expect count(created_task) = 0"),
        ("big", BIG + "change { discount: 18% } expect count(created_task) = 1"),
        (
            "big",
            QUOTE + 'change { discount: 95% } change { amount: 900 CNY } expect error "Too high"'
            " expect q.amount is empty and q.region is empty and count(created_task) = 0"
            " and count(notifications) = 0",
        ),
        ("make_bad", QUOTE + 'change { name: "bad" } expect error "No such" expect q.name = "Q"'),
        ("chase", SENT + "wait 3 days expect count(notifications) = 1 and q.score = 1"),
        ("chase", SENT + "wait 2 days expect count(notifications) = 0"),
        ("chase", SENT + "wait 30 days wait 1 day expect count(notifications) = 1"),
        (
            "chase",
            SENT + "wait 1 day change { approved_at: 2026-03-04T08:00Z } wait 2 days"
            " expect count(notifications) = 0 wait 2 days expect count(notifications) = 1",
        ),
        ("chase", SENT + 'change { status: "approved" } wait 9 days expect q.score is empty'),
        (
            "weekly",
            QUOTE + "wait 3 weeks expect count(notifications where template ="
            ' "escalation" and recipient.name = "bob") = 3',
        ),
        ("keep", SENT + 'do delete expect error "Sent quotes stay" expect q.name = "Q"'),
        ("gone", QUOTE + "do delete expect q.name is empty expect any(created_task)"),
        ("leads", TEAM + 'do save expect q.owner = cy expect reason "North"'),
        ("leads", TEAM + "do save wait 4 hours expect q.owner = di"),
        (
            "leads",
            TEAM + "now is 2026-03-02T18:00Z do save expect q.owner is empty"
            ' expect reason "outside the hours of office" expect reason "rest"',
        ),
        ("leads", TEAM + 'do save do assign expect q.owner = cy expect reason "skipped"'),
        (
            "leads",
            TEAM
            + "given quote as p { owner: cy } given quote as o { owner: cy }"
            ' given quote as n { region: "north" } do save'
            ' expect n.owner = di expect reason "has 2 of 2" expect reason "ed is away"'.replace(
                ' expect reason "ed is away"', ""
            ),
        ),
        (
            "deal",
            QUOTE + "do submit wait 5 hours"
            ' expect any(notifications where template = "approval_reminder")',
        ),
        (
            "deal",
            QUOTE + 'given user as eva { roles: "board" } do submit wait 1 day'
            ' do approve by eva expect q.status = "approved"',
        ),
        (
            "deal",
            QUOTE.replace("15%", "25%") + 'do submit do approve expect pending_step = "second"'
            ' wait 1 day expect q.status = "approved" expect reason "overdue"',
        ),
        (
            "deal",
            QUOTE.replace('"bob"', "bob").replace(
                "given user as amy",
                'given user as fay { name: "Fay" } given user as bob '
                "{ substitute: fay, away_from: 2026-03-01 } given user as amy",
            )
            + 'do submit do approve by fay expect q.status = "approved"',
        ),
        ("submit_it", QUOTE + 'change { stage: "won" } expect pending_step = "first"'),
    ],
)
def test_passes(of: str, body: str) -> None:
    assert failures(of, body) == []


@pytest.mark.parametrize(
    ("of", "body", "failure"),
    [
        ("gone", QUOTE + "do delete do save", "the record was deleted"),
        ("deal", QUOTE + "do submit wait 5 hours wait 20 minutes do approve by user \"cy\" "
         "expect q.status = \"draft\"", "refused: You are not asked to decide on this now"),
    ],
)  # fmt: skip
def test_fails_with_a_reason(of: str, body: str, failure: str) -> None:
    assert failures(of, body)[0] == failure


COVERED = """
define large on quote as amount > 100 CNY or discount > 50%
table tiers on quote first { | discount => tier | > 10% => 1 | > 5% => 2 | - => 3 }
score points on quote into score { add tiers when large
    add 5 when count(lines where quantity > 5) > 0 }
validate v on quote {
    require discount < 60% message "Too much"
    forbid name = "x" and region = "y" message "No"
}
rule r on quote before save { when status changed { set region to "a" } otherwise { stop } }
approval deal on quote { step first when discount > 1% {
    approvers manager of owner until approval_limit > 5 CNY } }
test "t" of points { given quote as q { discount: 7%, amount: 200 CNY, name: "x" } do save
    expect q.score = 2 }
"""


def test_coverage() -> None:
    run = examine(program_of(COVERED))
    assert format_results(run.results, run.gaps).splitlines() == [
        "1..1",
        "ok 1 - t",
        "# never true: <text>:5:16 count(lines where quantity > 5) > 0",
        "# never false: <text>:7:13 discount < 60%",
        '# never true: <text>:8:12 name = "x" and region = "y"',
        '# never true: <text>:8:27 region = "y"',
        "# never true: <text>:10:36 status changed",
        "# never true: <text>:2:46 discount > 50%",
        "# never true: <text>:3:51 > 10%",
    ]


LINES = """
assign leads on quote after create {
    only available
    otherwise assign to round_robin of team "SDR"
    reassign after 2 hours when status = "draft"
    reassign after 1 day when status = "sent"
}
"""
PAIR = (
    USER + 'given user as cy { team: "SDR" } given user as di { team: "SDR" }\n'
    'given quote as q { status: "draft" } do save\n'
)
AWAY = PAIR.replace('di { team: "SDR"', 'di { team: "SDR", away_until: 2026-03-02')


@pytest.mark.parametrize(
    "body",
    [
        PAIR + "expect q.owner = cy wait 2 hours expect q.owner = di",
        PAIR + 'wait 1 hour change { status: "sent" } wait 22 hours expect q.owner = cy'
        " wait 1 hour expect q.owner = di",
        PAIR + 'wait 1 hour change { status: "approved" } wait 9 days expect q.owner = cy',
        PAIR + "wait 115 minutes change { owner: amy } wait 9 days expect q.owner = amy",
        PAIR + "wait 1 hour change { owner: di } change { owner: cy } wait 9 days"
        " expect q.owner = cy",
        AWAY + "wait 13 hours expect q.owner = cy wait 1 hour expect q.owner = di",
    ],
)
def test_reassign_lines(body: str) -> None:
    (result,) = run_tests(program_of(LINES + f'test "t" of leads {{ {body} }}'))
    assert [str(failure) for failure in result.failures] == []
