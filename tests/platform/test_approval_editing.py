"""Who may edit what of a record that waits: those asked in a step edit that step's fields."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.platform.acting import acting, change_element, make, set_tests_aside
from tests.platform.pages import get, select
from tests.platform.world import Login, People
from trellis.approvals import decide, submit
from trellis.errors import Conflict
from trellis.records.absences import enter_absence
from trellis.records.save import save_record
from trellis.runtime import Platform

PATH = """
    parallel {
        step legal { approvers manager of owner editable name }
        step finance { approvers role "sales_director" editable discount }
    }
"""


@pytest.fixture
def quote(platform: Platform, people: People) -> str:
    """A quote of Rita's that waits for Mark, who may edit its name, and for Diana, who may edit
    its discount."""

    def change(body: dict[str, str]) -> None:
        text = body["text"]
        start, end = text.index("    step manager"), text.index("    on approve")
        body["text"] = text[:start] + PATH + text[end:]

    set_tests_aside(platform, "crm/tests/discount_approval")
    change_element(platform, "rules", "crm/discount_approval", change)
    account = make(platform, "rita", "account", name="Acme")
    quote = make(platform, "rita", "quote", name="Q", account=account, amount="8", discount="0.25")
    with acting(platform, "rita") as unit:
        submit(unit, "quote", quote)
    return quote


VALUES = {"name": "R", "discount": "0.2"}


def edits(platform: Platform, quote: str, username: str) -> list[str]:
    """Gives the fields that somebody may change."""
    found = []
    for field, value in VALUES.items():
        try:
            with acting(platform, username) as unit:
                save_record(unit, "quote", quote, {field: value}, channel="api")
                unit.connection.rollback()
        except Conflict:
            continue
        found.append(field)
    return found


def test_sec06_steps_at_once_do_not_open_each_others_fields(
    platform: Platform, quote: str, login: Login
) -> None:
    for username, fields in (("mark", ["name"]), ("diana", ["discount"]), ("rita", [])):
        assert edits(platform, quote, username) == fields
        page = get(login(username), f"/o/quote/{quote}")
        shown = [name for name in VALUES if select(page, f"[hx-get$='/field/{name}']")]
        assert shown == fields, username


def test_who_stands_in_edits_what_the_approver_may(
    platform: Platform, people: People, quote: str
) -> None:
    with acting(platform, "mark") as unit:
        last = unit.moment.today + timedelta(days=300)
        enter_absence(unit, people["mark"], None, last, substitute="diana")
    assert edits(platform, quote, "diana") == ["name", "discount"]
    assert edits(platform, quote, "mark") == ["name"]
    assert edits(platform, quote, "rita") == []


def test_who_has_decided_edits_no_more(platform: Platform, quote: str) -> None:
    with acting(platform, "mark") as unit:
        (request,) = unit.connection.exec_driver_sql("SELECT id FROM approval_request").scalars()
        decide(unit, request, "approve")
    assert (edits(platform, quote, "mark"), edits(platform, quote, "diana")) == ([], ["discount"])
