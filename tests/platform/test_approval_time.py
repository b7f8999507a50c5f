"""The time of approvals: reminders and overdue steps, each once, also after a standstill."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from metadata.elements import Element
from tests.metadata.databases import element, object_body
from tests.platform.computed_world import TEXT, reference, rules
from tests.platform.office import Office
from trellis.approvals import decide, submit
from trellis.automation.outbox import DEAD, outbox
from trellis.automation.requests import approval_approver, approval_request
from trellis.channels.in_app import notification
from trellis.db import Database

# Messages are due by the database's clock, so that of the test has to be ahead of it.
START = datetime(2046, 3, 1, 8, tzinfo=UTC)


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    database = Database(database_url)
    yield Office(database, now=START)
    database.dispose()


def offers(step: str, rest: str = "") -> list[Element]:
    """Gives offers that a boss approves."""
    approval = f"""
    approval discount "Discount" on offer {{
        step boss "Boss" {{
            approvers boss
            {step}
        }}
        {rest}
    }}
    """
    boss, chief = (reference("user", reverse=f"offers_of_{who}") for who in ("boss", "chief"))
    return [
        element("offer", object_body({"name": TEXT, "note": TEXT, "boss": boss, "chief": chief})),
        rules(approval),
    ]


def started(office: Office, elements: list[Element]) -> str:
    """Gives an offer that waits for the boss."""
    office.publish(elements)
    amy, boss, chief = (office.person(name) for name in ("amy", "boss", "chief"))
    offer = office.save("offer", name="O", owner=amy, boss=boss, chief=chief)
    with office.database.write() as connection:
        submit(office.unit(connection, amy), "offer", offer)
    return offer


def told(office: Office) -> list[tuple[str, str]]:
    """Gives who was told what, in order."""
    table = notification.c
    with office.database.read() as connection:
        rows = connection.execute(sa.select(table.user_id, table.kind).order_by(table.id)).all()
    return [(row.user_id, row.kind) for row in rows]


def status(office: Office) -> str:
    with office.database.read() as connection:
        return str(connection.execute(sa.select(approval_request.c.status)).scalar_one())


def test_an_approver_is_reminded_once_for_each_share_of_the_time(office: Office) -> None:
    started(office, offers("due in 10 hours remind at 50%, 80%"))
    office.until(START + timedelta(hours=4, minutes=55))
    assert told(office) == [("boss", "approval_waiting")]
    office.until(START + timedelta(hours=5))
    assert told(office)[1:] == [("boss", "approval_reminder")]
    office.until(START + timedelta(hours=30), timedelta(hours=1))
    assert told(office)[1:] == [("boss", "approval_reminder")] * 2
    assert (status(office), office.rows(DEAD)) == ("open", 0)


@pytest.mark.parametrize(("word", "end"), [("approve", "approved"), ("reject", "rejected")])
def test_an_overdue_step_is_decided_as_the_rules_say(office: Office, word: str, end: str) -> None:
    offer = started(
        office, offers(f"due in 2 days overdue {word}", 'on approve { set note to "yes" }')
    )
    office.until(START + timedelta(days=2, minutes=-5), timedelta(hours=6))
    assert status(office) == "open"
    office.until(START + timedelta(days=2))
    assert status(office) == end
    assert office.get("offer", offer)["note"] == ("yes" if word == "approve" else None)
    assert ("boss", "approval_overdue") in told(office)


def test_what_is_to_happen_when_any_step_is_overdue_happens_once(office: Office) -> None:
    rest = 'on overdue { set note to "late" notify chief using "too_late" }'
    offer = started(office, offers("due in 1 day", rest))
    office.until(START + timedelta(hours=23), timedelta(hours=1))
    assert office.get("offer", offer)["note"] is None
    office.until(START + timedelta(days=4), timedelta(hours=3))
    assert office.get("offer", offer)["note"] == "late"
    assert told(office)[1:] == [("boss", "approval_overdue"), ("chief", "too_late")]
    assert (status(office), office.rows(DEAD)) == ("open", 0)


def test_an_overdue_step_asks_others_too_and_only_once(office: Office) -> None:
    started(office, offers("due in 1 day overdue escalate to chief"))
    office.until(START + timedelta(days=4), timedelta(hours=3))
    table = approval_approver.c
    with office.database.read() as connection:
        asked = connection.execute(sa.select(table.user).where(table.open)).scalars().all()
    assert sorted(asked) == ["boss", "chief"]
    assert told(office)[1:] == [("boss", "approval_overdue"), ("chief", "approval_waiting")]


def test_after_a_standstill_nobody_is_reminded_of_what_is_over(office: Office) -> None:
    started(office, offers("due in 10 hours remind at 50% overdue reject"))
    office.round()
    office.now = START + timedelta(days=5)
    office.round()
    assert told(office)[1:] == [("boss", "approval_overdue")]
    assert status(office) == "rejected"


def test_a_decision_in_time_ends_it(office: Office) -> None:
    started(office, offers("due in 1 day remind at 50% overdue reject"))
    with office.database.write() as connection:
        request = connection.execute(sa.select(approval_request.c.id)).scalar_one()
        decide(office.unit(connection, "boss"), request, "approve")
    office.until(START + timedelta(days=3), timedelta(hours=6))
    assert status(office) == "approved"
    assert told(office) == [("boss", "approval_waiting")]
    with office.database.read() as connection:
        left = sa.select(sa.func.count()).where(outbox.c.state != "done")
        assert connection.execute(left).scalar_one() == 0
