"""The rules of running requests when things get other names: they follow, and decide as before,
whatever has become of the approval meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from metadata.elements import Element
from metadata.operations import DESTRUCTIVE
from metadata.problems import sentence
from tests.metadata.databases import element, object_body
from tests.platform.computed_world import NUMBER, TEXT, reference
from tests.platform.office import Office
from trellis import approvals
from trellis.automation.pinned import RequestPlan
from trellis.automation.requests import approval_request, rule_snapshot
from trellis.db import Database
from trellis.designer.publishing import Planned, plan_elements, publish_planned
from trellis.errors import Conflict

START = datetime(2046, 3, 1, 8, tzinfo=UTC)

# Boss, chief, owner: three steps by what the offer, its buyer and its kind are called.
APPROVAL = """
define is_large on offer as amount > 100   # by amount
define is_good on account as tier = "gold" and count(offers) > 0
approval discount "Discount" on offer {
    on submit { lock }
    step boss { approvers boss }
    step chief when is_large and buyer.is_good and kind = "big" { approvers chief editable note }
    on approve { set note to "yes" unlock }
    on recall { unlock }
}
"""
OTHERS = """
rule warm on lead after save { when points > 5 { set topic to "warm" } }
"""
OFFER, BUYER, LEAD = (("object", name) for name in ("offer", "account", "lead"))
RULES = ("rules", "local/approval")
Bodies = dict[tuple[str, str], dict[str, Any]]
Change = Callable[[Bodies], None]


def choice(*values: str) -> dict[str, Any]:
    options = {value: {"title": value.title()} for value in values}
    return {"type": ["string", "null"], "enum": [*values, None], "crm": {"options": options}}


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    database = Database(database_url)
    office = Office(database, now=START)
    boss, chief = (reference("user", reverse=f"offers_of_{who}") for who in ("boss", "chief"))
    buyer = reference("account", reverse="offers")
    offer = {"name": TEXT, "note": TEXT, "amount": NUMBER, "least": NUMBER, "spare": TEXT}
    more = {"kind": choice("small", "big"), "boss": boss, "chief": chief, "buyer": buyer}
    office.publish(
        [
            element("offer", object_body({**offer, **more})),
            element("account", object_body({"name": TEXT, "tier": choice("gold", "tin")})),
            element("lead", object_body({"topic": TEXT, "points": NUMBER})),
            element("local/approval", {"text": APPROVAL}, kind="rules"),
            element("local/others", {"text": OTHERS}, kind="rules"),
        ]
    )
    for name in ("amy", "boss", "chief"):
        office.person(name)
    yield office
    database.dispose()


def submitted(office: Office, count: int = 1) -> list[str]:
    """Gives requests for large offers to a good buyer, which wait for the boss."""
    buyer = office.save("account", name="A", tier="gold")
    asked = {"owner": "amy", "boss": "boss", "chief": "chief", "buyer": buyer}
    found = []
    for _ in range(count):
        offer = office.save("offer", name="O", amount="800", least="1", kind="big", **asked)
        with office.database.write() as connection:
            unit = office.unit(connection, "amy")
            found.append(approvals.submit(unit, "offer", offer).id)
    return found


def wanted(elements: Sequence[Element], changes: Sequence[Change]) -> list[Element]:
    """Gives elements as changes of their documents would have them; a new name stands in one."""
    bodies: Bodies = {one.key: json.loads(json.dumps(one.body)) for one in elements}
    for change in changes:
        change(bodies)
    return [
        replace(one, name=str(bodies[one.key].pop("name", one.name)), body=bodies[one.key])
        for one in elements
    ]


def publish(office: Office, *changes: Change) -> Planned:
    """Publishes as administrators do, and gives the plan."""
    with office.database.write(publishing=True) as connection:
        unit = office.unit(connection)
        planned = plan_elements(unit, wanted(unit.catalog.elements, changes))
        assert planned.problems == ()
        lost = {*planned.destructive}
        assert lost or not {one.kind for one in planned.operations} & DESTRUCTIVE
        publish_planned(unit, planned, message="", confirm=lost)
    return planned


def field(key: tuple[str, str], names: Mapping[str, str]) -> Change:
    """Gives fields other names, all at once."""

    def change(bodies: Bodies) -> None:
        properties = bodies[key]["properties"]
        bodies[key]["properties"] = {names.get(n, n): one for n, one in properties.items()}

    return change


def option(key: tuple[str, str], place: str, was: str, name: str) -> Change:
    def change(bodies: Bodies) -> None:
        document = bodies[key]["properties"][place]
        document["enum"] = [name if value == was else value for value in document["enum"]]
        options = document["crm"]["options"]
        options[name] = {**options.pop(was), "renamed_from": was}

    return change


def called(key: tuple[str, str], name: str) -> Change:
    return lambda bodies: bodies[key].update(name=name)


def way_back(name: str) -> Change:
    return lambda bodies: bodies[OFFER]["properties"]["buyer"]["crm"].update(reverse=name)


def words(old: str, new: str) -> Change:
    def change(bodies: Bodies) -> None:
        assert old in bodies[RULES]["text"]
        bodies[RULES]["text"] = bodies[RULES]["text"].replace(old, new)

    return change


def decide(office: Office, who: str, request: str) -> str | None:
    """Approves, and gives the step that waits then."""
    with office.database.write() as connection:
        done = approvals.decide(office.unit(connection, who), request, "approve")
    return done.state.step


def column(office: Office, name: str) -> list[Any]:
    """Gives a column of all requests, in the order in which they were submitted."""
    with office.database.read() as connection:
        asked = sa.select(approval_request.c[name]).order_by(approval_request.c.id)
        return list(connection.scalars(asked))


def kept(office: Office) -> dict[str, Any]:
    """Gives all kept rules, by digest."""
    with office.database.read() as connection:
        return {row.digest: row.texts for row in connection.execute(sa.select(rule_snapshot))}


OTHER_STEPS = words("step chief", "step board")
NOW = {
    "field": [field(OFFER, {"amount": "worth", "note": "remark"})],
    "swapped": [field(OFFER, {"amount": "least", "least": "amount"})],
    "field of what is referred to": [field(BUYER, {"tier": "level"})],
    "reference": [field(OFFER, {"buyer": "customer", "boss": "head"})],
    "way back": [way_back("deals")],
    "option": [option(OFFER, "kind", "big", "huge")],
    "option of what is referred to": [option(BUYER, "tier", "gold", "platinum")],
    "object": [called(OFFER, "deal")],
    "what is referred to": [called(BUYER, "customer")],
    "all": [
        field(OFFER, {"amount": "worth", "note": "remark", "buyer": "customer"}),
        *(option(OFFER, "kind", "big", "huge"), called(OFFER, "deal")),
        *(field(BUYER, {"tier": "level"}), called(BUYER, "customer")),
    ],
}


@pytest.mark.parametrize("what", NOW)
def test_a_request_is_decided_by_its_rules_whatever_things_are_called_now(
    office: Office, what: str
) -> None:
    (request,) = submitted(office)
    planned = publish(office, *NOW[what], OTHER_STEPS)
    assert planned.requests == RequestPlan(renamed=1, stuck=0)
    assert decide(office, "boss", request) == "chief"
    assert decide(office, "chief", request) is None
    assert column(office, "status") == ["approved"]
    name = "deal" if what in ("object", "all") else "offer"
    note = "remark" if what in ("field", "all") else "note"
    (record,) = column(office, "record_id")
    assert office.get(name, record)[note] == "yes"


def test_names_are_followed_one_after_the_other_and_back(office: Office) -> None:
    (request,) = submitted(office)
    before = column(office, "rules")
    publish(office, field(OFFER, {"amount": "worth"}), OTHER_STEPS)
    publish(office, field(OFFER, {"worth": "price"}))
    (digest,) = column(office, "rules")
    followed = APPROVAL.replace("as amount >", "as price >")
    assert kept(office)[digest] == {"local/approval": followed, "local/others": OTHERS}
    publish(office, field(OFFER, {"price": "amount"}))
    assert column(office, "rules") == before
    assert decide(office, "boss", request) == "chief"


def test_rules_that_become_each_other_stay_with_their_requests(office: Office) -> None:
    (by_amount,) = submitted(office)
    publish(office, words("amount > 100", "least > 100"))
    (by_least,) = submitted(office)
    first, second = column(office, "rules")
    publish(office, field(OFFER, {"amount": "least", "least": "amount"}), OTHER_STEPS)
    assert column(office, "rules") == [second, first]
    assert decide(office, "boss", by_amount) == "chief"
    assert decide(office, "boss", by_least) is None  # no other step was needed


@pytest.mark.parametrize("names", [{"spare": "left"}, {}])
def test_what_the_rules_do_not_name_leaves_them_as_they_are(
    office: Office, names: Mapping[str, str]
) -> None:
    submitted(office)
    before = column(office, "rules"), kept(office)
    planned = publish(office, field(OFFER, names), OTHER_STEPS)
    assert planned.requests == RequestPlan()
    assert (column(office, "rules"), kept(office)) == before


def test_rules_of_many_requests_are_rewritten_once_and_closed_ones_stay(office: Office) -> None:
    first, *others = submitted(office, 4)
    for who in ("boss", "chief"):
        decide(office, who, first)
    (was,) = {*column(office, "rules")}
    statements: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "rule_snapshot" in statement or statement.startswith("UPDATE approval_request"):
            statements.append(statement.partition(" ")[0])

    sa.event.listen(office.database.engine, "before_cursor_execute", note)
    planned = publish(office, field(OFFER, {"amount": "worth"}), OTHER_STEPS)
    sa.event.remove(office.database.engine, "before_cursor_execute", note)
    assert planned.requests == RequestPlan(renamed=3, stuck=0)
    # Read by the plan and by the publishing; written once.
    assert statements == ["SELECT", "SELECT", "INSERT", "UPDATE"]
    (closed, *moved) = column(office, "rules")
    assert (closed, len({*moved}), len(kept(office))) == (was, 1, 2)
    assert [decide(office, "boss", one) for one in others] == ["chief"] * 3


def dropping(name: str) -> Change:
    return lambda bodies: bodies[BUYER]["properties"].pop(name)


def test_rules_that_lose_what_they_need_are_told_of_before(office: Office) -> None:
    (request,) = submitted(office)
    without = words('tier = "gold" and ', "")
    planned = publish(office, dropping("tier"), without, OTHER_STEPS)
    assert planned.requests == RequestPlan(renamed=0, stuck=1)
    (told,) = planned.requests.told
    assert "would not fit: 1. They could only be recalled" in sentence(told)
    assert "待审批申请：1。这些申请只能撤回" in sentence(told, "zh")
    with pytest.raises(Conflict) as caught:
        decide(office, "boss", request)
    assert [problem.code for problem in caught.value.problems] == ["rules_outdated"]


def test_rules_in_force_with_the_same_steps_stand_in_for_lost_ones(office: Office) -> None:
    (request,) = submitted(office)
    planned = publish(office, dropping("tier"), words('tier = "gold" and ', ""))
    assert planned.requests == RequestPlan()
    assert decide(office, "boss", request) == "chief"


def test_what_is_not_published_in_the_end_changes_no_rules(office: Office) -> None:
    submitted(office)
    before = column(office, "rules"), kept(office)
    with office.database.write(publishing=True) as connection:
        unit = office.unit(connection)
        changes = [field(OFFER, {"amount": "worth"}), OTHER_STEPS]
        planned = plan_elements(unit, wanted(unit.catalog.elements, changes))
        publish_planned(unit, planned, message="", confirm=())
        connection.rollback()
    assert (column(office, "rules"), kept(office)) == before
