"""The rules of a running request when objects change: it stays on them, also under new names, or
can be taken back when they have lost what they need. Nobody is shut in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from metadata.elements import Element
from metadata.migrate import publish
from metadata.problems import sentence
from metadata.store import load_elements
from tests.metadata.databases import element, object_body
from tests.platform.acting import acting, change_element, make, set_tests_aside, stored
from tests.platform.computed_world import FLAG, NUMBER, TEXT, reference
from tests.platform.office import Office
from tests.platform.pages import get, select
from tests.platform.world import Login, People
from trellis import approvals
from trellis.automation.outbox import DEAD
from trellis.automation.requests import approval_request
from trellis.channels.in_app import notification
from trellis.db import Database
from trellis.errors import Conflict, RecordError
from trellis.publishing import conclude
from trellis.records.delete import delete_record
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.wording import STOPPED

# Messages are due by the database's clock, so that of the test has to be ahead of it.
START = datetime(2046, 3, 1, 8, tzinfo=UTC)

APPROVAL = """
define is_large on offer as amount > 100
approval discount "Discount" on offer {
    on submit { lock }
    step boss { approvers boss }
    step chief when is_large { approvers chief editable note due in 1 day overdue approve }
    on approve { set note to "yes" unlock }
    on recall { unlock }
}
"""
OTHERS = """
rule warm on lead after save { when points > 5 and origin = "web" { set topic to "warm" } }
"""
Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    database = Database(database_url)
    office = Office(database, now=START)
    boss, chief = (reference("user", reverse=f"offers_of_{who}") for who in ("boss", "chief"))
    origin = {"type": ["string", "null"], "enum": ["web", "fair", None]}
    offer = {"name": TEXT, "note": TEXT, "amount": NUMBER, "boss": boss, "chief": chief}
    office.publish(
        [
            element("offer", object_body(offer)),
            element("lead", object_body({"topic": TEXT, "points": NUMBER, "origin": origin})),
            *(texts("approval", APPROVAL), texts("others", OTHERS)),
        ]
    )
    for name in ("amy", "boss", "chief"):
        office.person(name)
    yield office
    database.dispose()


def texts(name: str, text: str) -> Element:
    return element(f"local/{name}", {"text": text}, kind="rules")


def change(office: Office, key: tuple[str, str], edit: Change, confirm: str = "") -> None:
    """Publishes an element that `edit` was let loose on; without a body it goes."""
    with office.database.write(publishing=True) as connection:
        known = office.catalogs.current(connection)
        elements = list(known.elements)
        (place,) = (n for n, one in enumerate(elements) if one.key == key)
        body: dict[str, Any] = json.loads(json.dumps(elements[place].body))
        edit(body)
        elements[place : place + 1] = [replace(elements[place], body=body)] if body else []
        confirmed = [confirm] if confirm else []
        version = publish(connection, elements, by="test", confirm=confirmed)
        conclude(connection, known, version, by="test", at=START)


def renaming(old: str, new: str) -> Change:
    def edit(body: dict[str, Any]) -> None:
        properties = body["properties"]
        moved = properties.pop(old)
        properties[new] = {**moved, "crm": {**moved.get("crm", {}), "renamed_from": old}}

    return edit


def rewriting(old: str, new: str) -> Change:
    def edit(body: dict[str, Any]) -> None:
        assert old in body["text"]
        body["text"] = body["text"].replace(old, new)

    return edit


def submitted(office: Office) -> tuple[str, str]:
    """Gives a large offer and its request, which waits for the boss."""
    offer = office.save("offer", name="O", owner="amy", boss="boss", chief="chief", amount="800")
    with office.database.write() as connection:
        return offer, approvals.submit(office.unit(connection, "amy"), "offer", offer).id


def decide(office: Office, who: str, request: str) -> str | None:
    """Approves, and gives the step that waits then."""
    with office.database.write() as connection:
        done = approvals.decide(office.unit(connection, who), request, "approve")
    return done.state.step


def status(office: Office) -> str:
    with office.database.read() as connection:
        return str(connection.execute(sa.select(approval_request.c.status)).scalar_one())


LEAD = ("object", "lead")
OFFER = ("object", "offer")
RULES = ("rules", "local/approval")


def drop_option(body: dict[str, Any]) -> None:
    body["properties"]["origin"]["enum"] = ["fair", None]


@pytest.mark.parametrize("what", ["rename", "option", "object"])
def test_a_request_stays_on_its_rules_whatever_becomes_of_others(office: Office, what: str) -> None:
    _, request = submitted(office)
    change(office, RULES, rewriting("amount > 100", "amount > 900"))
    if what == "rename":
        change(office, LEAD, renaming("points", "score"))
    else:
        change(office, ("rules", "local/others"), dict.clear, confirm="local/others")
        if what == "option":
            change(office, LEAD, drop_option, confirm="lead.origin")
        else:
            change(office, LEAD, dict.clear, confirm="lead")
    assert decide(office, "boss", request) == "chief"  # by the rules in force it would end here
    assert decide(office, "chief", request) is None
    assert status(office) == "approved"


def test_what_comes_due_is_done_by_rules_that_were_rewritten(office: Office) -> None:
    offer, request = submitted(office)
    decide(office, "boss", request)
    change(office, OFFER, renaming("amount", "worth"))
    change(office, OFFER, renaming("note", "remark"))
    office.until(START + timedelta(days=2), timedelta(hours=6))
    assert (status(office), office.rows(DEAD)) == ("approved", 0)
    assert office.get("offer", offer)["remark"] == "yes"


def test_what_comes_due_while_an_object_is_not_in_use_is_done_when_it_is_back(
    office: Office,
) -> None:
    _, request = submitted(office)
    decide(office, "boss", request)
    with office.database.write(publishing=True) as connection:
        before = load_elements(connection)
        left = [one for one in before if one.key not in (OFFER, RULES)]
        publish(connection, left, by="test", confirm=["offer"])
    office.until(START + timedelta(days=3), timedelta(hours=6))
    with office.database.write(publishing=True) as connection:
        publish(connection, before, by="test")
    office.until(START + timedelta(days=4), timedelta(hours=6))
    assert (status(office), office.rows(DEAD)) == ("approved", 0)


@pytest.fixture
def stuck(platform: Platform, people: People) -> str:
    """A quote of Rita's that waits for Mark one day, and the rules of whose approval are gone."""
    change_element(platform, "object", "quote", lambda body: body["properties"].update(urgent=FLAG))
    rewrite(platform, 'step manager "Sales manager" {', "{0} due in 1 day overdue approve")
    rewrite(platform, "when discount > 20%", "when urgent or discount > 20%")
    account = make(platform, "rita", "account", name="Acme")
    quote = make(platform, "rita", "quote", name="Q", account=account, amount="8", discount="0.25")
    with acting(platform, "rita") as unit:
        approvals.submit(unit, "quote", quote)
    rewrite(platform, "step manager", "step leader")
    rewrite(platform, "urgent or ", "")
    change_element(platform, "object", "quote", without("urgent"), confirm=["quote.urgent"])
    return quote


def without(name: str) -> Change:
    return lambda body: body["properties"].pop(name)


def rewrite(platform: Platform, old: str, new: str) -> None:
    """Publishes the discount approval with other words."""
    edit = rewriting(old, new.format(old))
    set_tests_aside(platform, "crm/tests/discount_approval")
    change_element(platform, "rules", "crm/discount_approval", edit)


def test_a_request_without_rules_is_told_of_and_waits_for_them(
    platform: Platform, people: People, stuck: str
) -> None:
    with acting(platform, "mark") as unit, pytest.raises(Conflict) as caught:
        approvals.decide(unit, approvals.current_request(unit, "quote", stuck), "approve")
    (problem,) = caught.value.problems
    assert problem.code == "rules_outdated"
    office = Office(platform.database, now=START, catalogs=platform.catalogs)
    office.until(START + timedelta(days=3), timedelta(hours=6))
    assert (status(office), office.rows(DEAD)) == ("open", 0)
    table = notification.c
    asked = sa.select(table.user_id, table["values"]).where(table.kind == STOPPED)
    with office.database.read() as connection:
        told = connection.execute(asked).all()
    assert {row.user_id for row in told} == {people["rita"], people["admin"]}
    said = {language: sentence(problem, language) for language in ("en", "zh")}
    assert [row.values["reason"] for row in told] == [said, said]
    rewrite(platform, "step leader", "step manager")
    office.until(START + timedelta(days=5), timedelta(hours=6))
    with acting(platform, "rita") as unit:
        (request,) = approvals.of_record(unit, "quote", stuck)
    assert request.state.step == "director"


def tried(platform: Platform, username: str, what: Callable[[Any], object]) -> str:
    """Gives how something that somebody does ends."""
    try:
        with acting(platform, username) as unit:
            what(unit)
    except RecordError as error:
        return error.problems[0].code
    return "done"


@pytest.mark.parametrize("username", ["rita", "admin"])
def test_a_request_without_rules_can_be_recalled(
    platform: Platform, stuck: str, username: str, login: Login
) -> None:
    with acting(platform, "rita") as unit:
        (request,) = approvals.of_record(unit, "quote", stuck)
    assert (request.has_rules, request.label) == (False, "discount_approval")

    def recall(unit: Any) -> object:
        return approvals.recall(unit, request.id)

    def save(unit: Any) -> object:
        return save_record(unit, "quote", stuck, {"name": "R"}, channel="api")

    assert tried(platform, "mark", recall) == tried(platform, "diana", recall) == "not_allowed"
    assert tried(platform, "rita", save) == "locked"
    for name, asked in (("mark", []), ("rita", ["recall"]), ("admin", ["recall"])):
        page = get(login(name), f"/o/quote/{stuck}")
        offered = {str(form.get("action")) for form in select(page, "form[action]")}
        offered = {one.split("/actions/")[1] for one in offered if "/actions/" in one}
        assert sorted(offered) == asked, name
        assert "it can only be recalled" in page.text_content()
    assert tried(platform, username, recall) == "done"
    assert tried(platform, username, recall) == "request_moved"
    assert tried(platform, "rita", save) == "done"
    assert stored(platform, "quote", stuck)["name"] == "R"


def test_a_record_without_rules_can_be_freed_and_deleted(platform: Platform, stuck: str) -> None:
    def delete(unit: Any) -> object:
        return delete_record(unit, "quote", stuck, channel="api")

    assert tried(platform, "admin", delete) == "record_locked"
    with acting(platform, "admin") as unit:
        approvals.recall(unit, approvals.current_request(unit, "quote", stuck))
    assert tried(platform, "admin", delete) == "done"
