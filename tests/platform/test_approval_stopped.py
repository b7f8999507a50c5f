"""An approval that its time cannot take on: who is asked and who administers hear why, each day,
until it can."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from tests.platform.acting import acting, change_element, make, set_tests_aside, stored, system
from tests.platform.office import Office
from tests.platform.pages import get
from tests.platform.world import Login, People
from trellis.approvals import of_record, submit
from trellis.automation.outbox import DEAD
from trellis.channels.in_app import notification
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.wording import STOPPED, TOLD

# Messages are due by the database's clock, so that of the test has to be ahead of it.
START = datetime(2046, 3, 1, 8, tzinfo=UTC)
PATH = """
    step manager "Sales manager" { approvers manager of owner due in 1 day overdue approve }
    on approve {
        when discount > 30% { fail "Ask for less" }
        set status to "approved"
        unlock
    }
    on reject { set status to "draft" unlock }
    on recall { set status to "draft" unlock }
}
"""
VALIDATION = """
validate sober on quote {
    require status != "approved" or discount <= 30% message "Ask for less"
}
"""


@pytest.mark.parametrize("by", ["the approval", "the record"])
def test_what_the_time_cannot_decide_is_told_until_it_can(
    platform: Platform, people: People, login: Login, by: str
) -> None:
    def change(body: dict[str, str]) -> None:
        head, _, _ = body["text"].partition('    step manager "')
        path = PATH.replace("on approve {", "on approve { set approved_at to now")
        if by == "the record":
            path = path.replace('when discount > 30% { fail "Ask for less" }', "") + VALIDATION
        body["text"] = head + path

    set_tests_aside(platform, "crm/tests/discount_approval")
    change_element(platform, "rules", "crm/discount_approval", change)
    account = make(platform, "rita", "account", name="Acme")
    quote = make(platform, "rita", "quote", name="Q", account=account, amount="8", discount="0.35")
    with acting(platform, "rita") as unit:
        submit(unit, "quote", quote)
    office = Office(platform.database, now=START, catalogs=platform.catalogs)
    for day in (1, 2):
        office.until(START + timedelta(days=day, hours=-1), timedelta(hours=6))
        assert told(office, STOPPED) == [people["mark"], people["admin"]] * day
        assert told(office, TOLD["overdue"]) == [people["mark"]] * day
    assert (stored(platform, "quote", quote)["status"], office.rows(DEAD)) == ("in_approval", 0)
    assert stored(platform, "quote", quote)["approved_at"] is None
    page = get(login("mark"), "/notifications").text_content()
    assert "does not go on by itself: Ask for less" in page
    with system(platform) as unit:
        save_record(unit, "quote", quote, {"discount": "0.25"}, channel="api")
    office.until(START + timedelta(days=3), timedelta(hours=6))
    with acting(platform, "rita") as unit:
        (request,) = of_record(unit, "quote", quote)
    assert (request.status, [one.comment for one in request.state.decisions]) == (
        "approved",
        ["overdue"],
    )
    assert stored(platform, "quote", quote)["status"] == "approved"


def told(office: Office, kind: str) -> list[str]:
    """Gives who was told something, in order."""
    table = notification.c
    query = sa.select(table.user_id).where(table.kind == kind).order_by(table.id)
    with office.database.read() as connection:
        return list(connection.scalars(query))
