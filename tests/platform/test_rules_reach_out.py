"""Rules that start approvals, call webhooks and plug-ins, and write to people without a login."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from metadata.elements import Element
from metadata.problems import sentence
from tests.metadata.databases import JsonObject, element, object_body
from tests.platform.computed_world import NUMBER, TEXT, reference, rules
from tests.platform.office import Office
from trellis.actions import load_actions
from trellis.approvals import decide
from trellis.automation.outbox import outbox
from trellis.automation.requests import approval_approver, approval_request
from trellis.db import Database
from trellis.errors import Refused
from trellis.mail.tables import mail_message
from trellis.records.save import save_record

START = datetime(2046, 3, 1, 8, tzinfo=UTC)
EMAIL: JsonObject = {"type": "string", "format": "email"}

BIG = """
approval discount "Discount" on offer {
    enter when rate < 90
    step boss "Boss" { approvers boss }
}
rule big on offer after create, update {
    when rate > 10
    start discount
}
"""


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    database = Database(database_url)
    yield Office(database, now=START)
    database.dispose()


def offers(text: str) -> list[Element]:
    person = element("person", object_body({"name": TEXT, "email": EMAIL}, owner=False))
    fields = {
        "name": TEXT,
        "rate": NUMBER,
        "boss": reference("user"),
        "client": reference("person"),
    }
    return [person, element("offer", object_body(fields)), rules(text)]


def save(office: Office, who: str | None, record_id: str | None = None, /, **values: Any) -> str:
    with office.database.write() as connection:
        unit = office.unit(connection, who)
        return save_record(unit, "offer", record_id, values, channel="api").id


def requests(office: Office) -> list[tuple[str, str, str]]:
    """Gives who submitted what, and who is asked."""
    request, asked = approval_request.c, approval_approver.c
    query = sa.select(request.submitted_by, request.status, asked.user).join_from(
        approval_request, approval_approver, asked.request == request.id
    )
    with office.database.read() as connection:
        return [tuple(row) for row in connection.execute(query)]


def test_a_rule_submits_in_the_name_of_whose_save_it_was(office: Office) -> None:
    office.publish(offers(BIG))
    boss, amy = office.person("boss"), office.person("amy")
    assert requests(office) == []
    save(office, amy, rate=5, boss=boss)
    assert requests(office) == []
    mine = save(office, amy, rate=20, boss=boss)
    assert requests(office) == [("amy", "open", "boss")]
    with office.database.write() as connection:
        request = connection.execute(sa.select(approval_request.c.id)).scalar_one()
        decide(office.unit(connection, boss), request, "approve")
    # Another save of what the rule is about submits anew; while it waits none does.
    save(office, amy, mine, rate=30)
    save(office, None, mine, name="x")
    assert sorted(requests(office)) == [("amy", "approved", "boss"), ("amy", "open", "boss")]


def test_without_a_person_the_owner_submits(office: Office) -> None:
    office.publish(offers(BIG))
    boss, amy = office.person("boss"), office.person("amy")
    save(office, None, rate=20, boss=boss, owner=amy)
    assert requests(office) == [("amy", "open", "boss")]


REFUSED = [
    pytest.param(
        {"rate": 95},
        'The rule "big" failed in Offer: The record does not meet the condition of "Discount"',
        id="not entered",
    ),
    pytest.param({"rate": 20}, "Nobody can be asked for the step", id="nobody to ask"),
]


@pytest.mark.parametrize(("values", "said"), REFUSED)
def test_what_cannot_be_submitted_refuses_the_save_with_the_reason(
    office: Office, values: dict[str, Any], said: str
) -> None:
    office.publish(offers(BIG))
    amy = office.person("amy")
    with pytest.raises(Refused) as refused:
        save(office, amy, **values)
    (problem,) = refused.value.problems
    assert said in sentence(problem)
    assert requests(office) == []


def test_nobody_submits_what_has_no_owner(office: Office) -> None:
    office.publish(offers(BIG))
    boss = office.person("boss")
    with pytest.raises(Refused) as refused:
        save(office, None, rate=20, boss=boss)
    assert "nobody set the rule off" in sentence(refused.value.problems[0])


CLIENT = """
rule welcome on offer after create {
    notify client by email using "welcome"
    notify owner, client using "both"
}
"""


def test_people_without_a_login_get_mail(office: Office) -> None:
    office.publish(offers(CLIENT))
    amy = office.person("amy")
    client = office.save("person", name="Wang", email="wang@example.cn")
    save(office, None, client=client, owner=amy)
    save(office, None, owner=amy)
    office.round()
    table = mail_message.c
    with office.database.read() as connection:
        rows = connection.execute(
            sa.select(table.kind, table.user_id, table.addressee_object, table.addressee_id)
        ).all()
        bells = connection.exec_driver_sql("SELECT user_id, kind FROM notification").all()
    assert sorted(map(tuple, rows)) == [
        ("both", None, "person", client),
        ("welcome", None, "person", client),
    ]
    assert list(map(tuple, bells)) == [("amy", "both"), ("amy", "both")]


CALL = "rule told on offer after create { call stamp { name: name, rate: rate, at: created_at } }"

PLUG_IN = """
from trellis.actions import Callee
from trellis.declared import ANY_OBJECT, declares

@declares(ANY_OBJECT, "update")
class Stamp(Callee):
    name = "stamp"
    def run(self, effect, surroundings):
        values = effect.payload["values"]
        word = values["name"] + " " + values["rate"] + " " + values["at"][:4]
        surroundings.connection.exec_driver_sql("UPDATE o_offer SET name = '" + word + "'")

ACTION = Stamp()
"""


@pytest.fixture
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A distribution that is installed, with an action of its own."""
    (tmp_path / "stamping.py").write_text(PLUG_IN)
    folder = tmp_path / "stamping-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: stamping\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[trellis.actions]\nstamp = stamping:ACTION\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    load_actions.cache_clear()
    yield
    load_actions.cache_clear()
    sys.modules.pop("stamping", None)


@pytest.mark.usefixtures("plug_in")
def test_a_rule_calls_an_action_of_a_plug_in(office: Office) -> None:
    office.publish(offers(CALL))
    mine = save(office, None, name="A", rate=2)
    assert office.get("offer", mine)["name"] == "A"
    office.round()
    assert office.get("offer", mine)["name"] == "A 2 2046"


def test_a_call_of_nothing_waits_and_says_why(office: Office) -> None:
    webhook = object_body({"call_name": TEXT, "active": {"type": "boolean"}}, owner=False)
    office.publish([*offers(CALL), element("webhook", webhook, package="system")])
    save(office, None, name="A", rate=2)
    office.round()
    with office.database.read() as connection:
        row = connection.execute(sa.select(outbox)).one()
    said = "LookupError: no active webhook has the name 'stamp' in rules"
    assert (row.state, row.attempts, row.last_error) == ("waiting", 1, said)
