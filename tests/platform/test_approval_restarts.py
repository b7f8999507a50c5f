"""Whatever changes what an approval is about: a lock holds against it, or the path starts anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import sqlalchemy as sa

from metadata.access import Principal, everything
from metadata.elements import Element
from metadata.problems import sentence
from tests.metadata.databases import element, object_body
from tests.platform.computed_world import MONEY, NUMBER, TEXT, computed, reference, rules
from tests.platform.office import Office
from trellis.approvals import Request, decide, submit
from trellis.approvals.access import current_request
from trellis.automation.approval_store import load
from trellis.automation.outbox import outbox
from trellis.db import Database
from trellis.errors import Conflict
from trellis.records.batch import Op, save_batch
from trellis.records.delete import delete_record, restore_record
from trellis.records.handover import hand_over
from trellis.records.reach import target_of
from trellis.records.save import save_record
from trellis.unit import Unit

Deed = Callable[[Unit, str], object]


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    database = Database(database_url)
    office = Office(database)
    yield office
    database.dispose()


def offers(start: str, on_line: str = "") -> list[Element]:
    """Gives offers, whose total is rolled up from lines, that a boss and a chief approve."""
    approval = f"""
    approval discount "Discount" on offer {{
        {start}
        step boss "Boss" {{ approvers boss on approve {{ set note to "seen by the boss" }} }}
        step chief "Chief" {{ approvers chief }}
    }}
    {on_line}
    """
    people = {who: reference("user", reverse=f"of_{who}") for who in ("boss", "chief")}
    total = computed(MONEY, rollup="sum(lines.price)")
    of_offer = reference("offer", reverse="lines", on_delete="cascade")
    return [
        element("offer", object_body({"name": TEXT, "note": TEXT, "total": total, **people})),
        element("line", object_body({"price": MONEY, "offer": of_offer})),
        rules(approval),
    ]


@contextmanager
def person(office: Office, who: str = "amy") -> Iterator[Unit]:
    """Gives somebody who may do everything with offers and lines a unit of work."""
    grants = {name: everything(name) for name in ("offer", "line", "shop", "user")}
    with office.database.write() as connection:
        unit = office.unit(connection)
        yield replace(unit, principal=Principal(who, {"id": who}, grants=grants))


def started(office: Office, elements: list[Element]) -> str:
    """Gives an offer with one line that the boss has approved and that waits for the chief."""
    office.publish(elements)
    amy, boss, chief = (office.person(name) for name in ("amy", "boss", "chief"))
    offer = office.save("offer", name="O", owner=amy, boss=boss, chief=chief)
    office.save("line", offer=offer, price="100")
    with person(office) as unit:
        request = submit(unit, "offer", offer)
    with person(office, "boss") as unit:
        decide(unit, request.id, "approve")
    assert step(office, offer) == "chief"
    return offer


def request_on(office: Office, offer: str) -> Request:
    with person(office) as unit:
        return load(unit, current_request(unit, "offer", offer))[0]


def step(office: Office, offer: str) -> str | None:
    return request_on(office, offer).state.step


def line_of(unit: Unit) -> str:
    """Gives the only line."""
    table = unit.catalog.tables["line"]
    return str(unit.connection.execute(sa.select(table.c.id)).scalar_one())


def add(unit: Unit, offer: str) -> None:
    values = {"offer": offer, "price": "1000000"}
    save_record(unit, "line", None, values, channel="api")


def change(unit: Unit, offer: str) -> None:
    save_record(unit, "line", line_of(unit), {"price": "1000000"}, channel="api")


def move(unit: Unit, offer: str) -> None:
    save_record(unit, "line", line_of(unit), {"offer": None}, channel="api")


def remove(unit: Unit, offer: str) -> None:
    delete_record(unit, "line", line_of(unit), channel="api")


def add_many(unit: Unit, offer: str) -> None:
    """Adds lines at once, as an import does."""
    done = save_batch(
        unit,
        "line",
        [Op("create", values={"offer": offer, "price": price}) for price in ("1", "2", "3")],
        mode="each",
        channel="api",
    )
    for one in done:
        if one.error is not None:
            raise one.error


DEEDS: tuple[Deed, ...] = (add, change, move, remove, add_many)


@pytest.mark.parametrize("deed", DEEDS)
def test_a_lock_is_not_got_round_by_what_is_rolled_up(office: Office, deed: Deed) -> None:
    offer = started(office, offers("restart when total changed on submit { lock }"))
    with pytest.raises(Conflict) as caught, person(office) as unit:
        deed(unit, offer)
    assert {problem.code for problem in caught.value.problems} == {"parent_locked"}
    assert sentence(caught.value.problems[0]) == (
        "The Offer “O” that this belongs to is locked by Discount; "
        "wait for the decision or recall the request"
    )
    assert office.get("offer", offer)["total"].amount == 100
    assert step(office, offer) == "chief"


def test_a_deleted_line_does_not_come_back_into_what_is_locked(office: Office) -> None:
    office.publish(offers("on submit { lock }"))
    offer = office.save("offer", name="O", boss=office.person("boss"), chief=office.person("chief"))
    line = office.save("line", offer=offer, price="100")
    with person(office, office.person("amy")) as unit:
        delete_record(unit, "line", line, channel="api")
        submit(unit, "offer", offer)
    with pytest.raises(Conflict), person(office) as unit:
        restore_record(unit, "line", line, channel="api")


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("lock", ["", "on submit { lock }"])
def test_what_is_rolled_up_starts_the_path_anew(office: Office, deed: Deed, lock: str) -> None:
    """Of people where nothing is locked, and of automation in any case; once for each deed."""
    offer = started(office, offers(f"restart when total changed {lock}"))
    before = request_on(office, offer)
    if lock:
        with office.database.write() as connection:
            deed(office.unit(connection), offer)
    else:
        with person(office) as unit:
            deed(unit, offer)
    after = request_on(office, offer)
    assert (after.state.step, after.state.approvers) == ("boss", ("boss",))
    assert after.revision == before.revision + 1


def test_what_only_looks_at_another_record_keeps_nobody_from_changing_that(
    office: Office,
) -> None:
    """A formula over a reference: the lock stays out of the way, the path starts anew."""
    world = offers("restart when worth changed on submit { lock }")
    shop = element("shop", object_body({"name": TEXT, "rate": NUMBER}))
    body = world[0].body["properties"]
    body["shop"] = reference("shop", reverse="offers")
    body["worth"] = computed(NUMBER, formula="shop.rate * 2")
    offer = started(office, [*world, shop])
    chosen = office.save("shop", name="S", rate="1")
    office.save("offer", offer, shop=chosen)
    request = request_on(office, offer)
    assert request.state.step == "boss"
    with person(office, "boss") as unit:
        decide(unit, request.id, "approve")
    with person(office) as unit:
        save_record(unit, "shop", chosen, {"rate": "5"}, channel="api")
    assert office.get("offer", offer)["worth"] == 10
    assert step(office, offer) == "boss"


def test_what_the_approval_does_not_name_leaves_its_path_alone(office: Office) -> None:
    offer = started(office, offers("restart when name changed"))
    with person(office) as unit:
        add(unit, offer)
    assert office.get("offer", offer)["total"].amount == 1_000_100
    assert step(office, offer) == "chief"


def test_a_save_of_automation_starts_the_path_anew(office: Office) -> None:
    offer = started(office, offers("restart when name changed on submit { lock }"))
    office.save("offer", offer, name="Another")
    assert step(office, offer) == "boss"


def test_automation_that_saves_many_starts_their_paths_anew(office: Office) -> None:
    offer = started(office, offers("restart when name changed on submit { lock }"))
    other = office.save("offer", name="Free")
    with office.database.write() as connection:
        ops = [Op("update", one, {"name": "Another"}) for one in (offer, other)]
        save_batch(office.unit(connection), "offer", ops, mode="all", channel="import")
    assert step(office, offer) == "boss"


def test_another_owner_starts_the_path_anew(office: Office) -> None:
    offer = started(office, offers("restart when owner changed"))
    with person(office) as unit:
        definition = unit.catalog.objects["offer"]
        old = target_of(unit, definition, offer, "update")
        hand_over(unit, definition, old, {"owner": "chief"}, channel="api", why=None)
    assert step(office, offer) == "boss"


def test_what_a_rule_makes_of_it_starts_the_path_anew(office: Office) -> None:
    rule = """
    rule told on line after create { set offer.name to "Bigger" }
    rule counted on offer before save { when total > 500 CNY { set note to "heavy" } }
    """
    offer = started(office, offers("restart when name, note changed", rule))
    with person(office) as unit:
        add(unit, offer)
    assert office.get("offer", offer)["name"] == "Bigger"
    assert step(office, offer) == "boss"


def test_what_the_approval_itself_sets_starts_nothing_anew(office: Office) -> None:
    """`started` has the boss approve, upon which the step sets the note."""
    offer = started(office, offers('restart when note changed on submit { set note to "asked" }'))
    assert office.get("offer", offer)["note"] == "seen by the boss"
    with office.database.read() as connection:
        keys = connection.scalars(sa.select(outbox.c.effect_key).order_by(outbox.c.id)).all()
    revisions = [key.split("/")[2] for key in keys if key.startswith("approval/")]
    assert revisions == ["1", "2"]
