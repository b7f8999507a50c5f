"""What the checker says about service levels."""

from __future__ import annotations

from decimal import Decimal

import pytest

from rule_engine.errors import RuleCheckError
from tests.rule_engine.sla_world import OFFICE, program_of

MET = 'met when status = "Closed"'

REFUSED = [
    (
        f'target t {{ {MET} within 1 business hour when priority = "P1" }}',
        [
            "1:64: business time needs a calendar "
            "(write  calendar calendar_name  in the service level)"
        ],
    ),
    (
        "",
        [
            '1:5: the service level "s" has no target '
            "(write  target response { met when … within 4 hours when … })"
        ],
    ),
    (
        "target t { otherwise within 1 hour }",
        ['1:26: the target "t" is never met (write  met when …)'],
    ),
    (
        f"target t {{ {MET} }}",
        [
            '1:26: the target "t" has no time '
            "(write  within 4 hours when …  or  otherwise within 4 hours)"
        ],
    ),
    (f"target t {{ {MET} otherwise within 0 hours }}", ["1:74: a target takes some time"]),
    (
        f'target t {{ {MET} otherwise within 1 hour within 2 hours when priority = "P1" }}',
        ['1:81: nothing comes after "otherwise within" (put "otherwise within" last)'],
    ),
    (
        f"target t {{ {MET} {MET} otherwise within 1 hour }}",
        ['1:57: "met" stands here twice (join the conditions with or)'],
    ),
    (
        " ".join([f"target t {{ {MET} otherwise within 1 hour }}"] * 2),
        ['1:90: the target "t" is there twice'],
    ),
    (
        f"target t {{ {MET} otherwise within 1 hour at 50%, 50% {{ stop }} at 0% {{ stop }} }}",
        ["1:81: 50% stands here twice", "1:102: a trigger comes after 0% of the time"],
    ),
    (
        f"pause when status changed target t {{ {MET} otherwise within 1 hour }}",
        [
            '1:30: "changed" is only known where a record changes '
            "(use it in rules on update, validations and approvals)"
        ],
    ),
    (
        f"clock from subject target t {{ {MET} otherwise within 1 hour }}",
        ["1:30: a clock starts at a point in time, not at text"],
    ),
    (
        f"calendar nowhere target t {{ {MET} otherwise within 1 hour }}",
        ['1:28: there is no calendar "nowhere"'],
    ),
    (
        f'target t {{ {MET} otherwise within 1 hour at 50% {{ fail "x" }} }}',
        ['1:90: "fail" cannot run by the clock (nothing is being saved that it could refuse)'],
    ),
]


@pytest.mark.parametrize(("body", "messages"), REFUSED)
def test_refused(body: str, messages: list[str]) -> None:
    with pytest.raises(RuleCheckError) as caught:
        program_of(f"sla s on ticket {{ {body} }}")
    assert [str(one) for one in caught.value.diagnostics] == messages


def test_percents_out_of_order_are_pointed_out() -> None:
    body = f"target t {{ {MET} otherwise within 1 hour at 80% {{ stop }} at 50% {{ stop }} }}"
    made = program_of(f"sla s on ticket {{ {body} }}")
    assert [str(one) for one in made.warnings] == [
        "1:97: 50% comes before what stands above it (write the percents in their order)"
    ]
    (target,) = made.service_levels[0].targets
    assert [one.percent for one in target.triggers] == [Decimal("0.50"), Decimal("0.80")]


def test_the_organisation_s_calendar_holds_in_approvals_and_assignments_too() -> None:
    house = OFFICE.replace("calendar office", "calendar organisation")
    texts = (
        "approval a on quote { step s { approvers owner due in 3 business days } }",
        "assign a on lead after create { otherwise assign to owner "
        'reassign after 2 business hours when status = "New" }',
    )
    for text in texts:
        assert program_of(house, text).calendars.keys() == {"organisation"}
        with pytest.raises(RuleCheckError, match="business time needs a calendar"):
            program_of(text)
