"""Conditions on saves, whatever door they come through: the API, a form, an import."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import pytest

from metadata.problems import sentence
from tests.platform.acting import acting, database_hash, make, stored
from tests.platform.conditional_world import OBJECTS, WORKSHOP, publish_more
from tests.platform.world import Bearer, Login, People
from trellis.errors import Conflict, RecordError, Refused
from trellis.records.delete import delete_record, restore_record
from trellis.records.save import save_record
from trellis.runtime import Platform, open_platform
from trellis.unit import Channel

pytestmark = pytest.mark.usefixtures("people")


@pytest.fixture(autouse=True)
def objects(platform: Platform, people: People) -> None:
    publish_more(platform, OBJECTS, {"layout/ticket/workshop": WORKSHOP})


def refused(
    platform: Platform,
    object_name: str,
    values: Mapping[str, object],
    record_id: str | None = None,
    channel: Channel = "import",
) -> list[tuple[str, str]]:
    """Gives where and why a save is refused; nothing may have changed."""
    before = database_hash(platform)
    with pytest.raises(RecordError) as caught, acting(platform, "rita") as unit:
        save_record(unit, object_name, record_id, values, channel=channel)
    assert database_hash(platform) == before
    for problem in caught.value.problems:
        assert sentence(problem, "zh") != sentence(problem, "en")
    return sorted((p.path, sentence(p)) for p in caught.value.problems)


def saved(platform: Platform, object_name: str, record_id: str, **values: object) -> None:
    with acting(platform, "rita") as unit:
        save_record(unit, object_name, record_id, values, channel="import")


def shipment(platform: Platform, **values: object) -> str:
    return make(platform, "rita", "shipment", **{"name": "S", **values})


class Door:
    """One way to save a shipment. `save` gives the fields that were refused; none: it was saved."""

    def __init__(self, platform: Platform, login: Login, bearer: Bearer, kind: str) -> None:
        self.platform, self.kind = platform, kind
        self.client = login("rita") if kind == "form" else None
        self.headers = bearer("rita") if kind == "api" else {}
        self.login = login

    def save(self, values: dict[str, Any], record_id: str | None = None) -> set[str]:
        if self.kind == "import":
            try:
                with acting(self.platform, "rita") as unit:
                    save_record(unit, "shipment", record_id, values, channel="import")
            except Refused as error:
                return {problem.path.removeprefix("/") for problem in error.problems}
            return set()
        if self.kind == "api":
            return self.by_api(values, record_id)
        return self.by_form(values, record_id)

    def by_api(self, values: dict[str, Any], record_id: str | None) -> set[str]:
        client = self.login("admin").application.test_client()
        if record_id is None:
            answer = client.post("/api/v1/shipment", json=values, headers=self.headers)
        else:
            version = stored(self.platform, "shipment", record_id)["version"]
            headers = {**self.headers, "If-Match": f'"{record_id}:{version}"'}
            answer = client.patch(f"/api/v1/shipment/{record_id}", json=values, headers=headers)
        if answer.status_code in {200, 201}:
            return set()
        assert answer.status_code == 422, answer.get_json()
        return {error["path"].removeprefix("/") for error in answer.get_json()["errors"]}

    def by_form(self, values: dict[str, Any], record_id: str | None) -> set[str]:
        assert self.client is not None
        address = "/o/shipment/new"
        data = {name: "" if value is None else value for name, value in values.items()}
        if record_id is not None:
            address = f"/o/shipment/{record_id}/edit"
            data["version"] = str(stored(self.platform, "shipment", record_id)["version"])
        answer = self.client.post(address, data=data)
        if answer.status_code == 302:
            return set()
        assert answer.status_code == 422, answer.get_data(as_text=True)
        page = answer.get_data(as_text=True)
        return {name for name in OBJECTS["shipment"]["properties"] if f'id="{name}-error' in page}


@pytest.fixture(params=["api", "form", "import"])
def door(platform: Platform, login: Login, bearer: Bearer, request: pytest.FixtureRequest) -> Door:
    return Door(platform, login, bearer, str(request.param))


def test_what_is_required_and_hidden_does_not_lock_the_record(door: Door) -> None:
    assert door.save({"name": "A", "stage": "draft"}) == set()
    assert door.save({"name": "B", "stage": "lost"}) == {"reason"}
    assert door.save({"name": "B", "stage": "lost", "reason": "price"}) == set()


def test_conditions_count_when_a_record_is_made(door: Door) -> None:
    assert door.save({"name": "A", "stage": "agreed"}) == {"amount"}
    assert door.save({"name": "A", "stage": "agreed", "amount": "2000"}) == {"discount"}
    whole = {"name": "A", "stage": "agreed", "amount": "2000", "discount": "10%"}
    assert door.save(whole) == set()


def test_conditions_count_when_a_demanded_field_is_changed(door: Door, platform: Platform) -> None:
    key = shipment(platform, stage="agreed", amount="500")
    assert door.save({"amount": None}, key) == {"amount"}
    assert door.save({"amount": "700"}, key) == set()
    assert door.save({"amount": "1700"}, key) == {"discount"}
    assert stored(platform, "shipment", key)["amount"].amount == 700


def test_conditions_look_at_fields_of_other_sections(door: Door, platform: Platform) -> None:
    layout = {
        "kind": "form",
        "sections": [
            {"title": "One", "fields": ["name", "province", "stage"]},
            {"title": "Two", "fields": ["city", "amount"]},
            {"title": "Three", "fields": ["discount", "reason"]},
        ],
    }
    publish_more(platform, {}, {"layout/shipment/form": layout})
    assert door.save({"name": "A", "stage": "agreed", "amount": "2000"}) == {"discount"}
    assert door.save({"name": "A", "province": "jiangsu", "city": "hangzhou"}) == {"city"}
    assert door.save({"name": "A", "stage": "lost"}) == {"reason"}


def test_conditions_look_at_what_a_reference_leads_to(door: Door, platform: Platform) -> None:
    bank = make(platform, "rita", "account", name="Bank", industry="finance")
    shop = make(platform, "rita", "account", name="Shop", industry="retail")
    person = make(platform, "rita", "contact", name="Li Na", account=bank)
    assert door.save({"name": "A", "account": shop}) == set()
    assert door.save({"name": "A", "account": bank}) == {"contact"}
    assert door.save({"name": "A", "account": bank, "contact": person}) == set()
    key = shipment(platform, account=shop)
    assert door.save({"account": bank}, key) == {"contact"}


def test_options_go_with_other_values(door: Door, platform: Platform) -> None:
    assert door.save({"name": "A", "province": "jiangsu", "city": "suzhou"}) == set()
    assert door.save({"name": "A", "province": "jiangsu", "city": "ningbo"}) == {"city"}
    assert door.save({"name": "A", "city": "ningbo"}) == {"city"}
    key = shipment(platform, province="zhejiang", city="ningbo")
    assert door.save({"province": "jiangsu"}, key) == {"city"}
    assert door.save({"province": "jiangsu", "city": "suzhou"}, key) == set()


def test_a_lookup_leads_only_where_its_filter_holds(door: Door, platform: Platform) -> None:
    bank = make(platform, "rita", "account", name="Bank", industry="finance")
    shop = make(platform, "rita", "account", name="Shop", industry="retail")
    person = make(platform, "rita", "contact", name="Li Na", account=bank)
    assert door.save({"name": "A", "account": shop, "contact": person}) == {"contact"}
    key = shipment(platform, account=bank, contact=person)
    assert door.save({"account": shop}, key) == {"contact"}
    assert door.save({"account": shop, "contact": None}, key) == set()


def test_links_lead_only_where_their_filter_holds(platform: Platform) -> None:
    bank = make(platform, "rita", "account", name="Bank")
    person = make(platform, "rita", "contact", name="Li Na", account=bank)
    other = make(platform, "rita", "contact", name="Li Wei")
    both = {"name": "A", "account": bank, "helpers": [person, other]}
    assert refused(platform, "shipment", both) == [
        ("/helpers/1", "This record cannot be chosen here")
    ]
    key = shipment(platform, account=bank, helpers=[person])
    assert refused(platform, "shipment", {"helpers": [person, other]}, key) == [
        ("/helpers/1", "This record cannot be chosen here")
    ]


def test_a_stage_is_left_when_its_criteria_are_met(door: Door, platform: Platform) -> None:
    key = shipment(platform)
    assert door.save({"stage": "offered"}, key) == {"amount", "stage"}
    assert door.save({"stage": "offered", "amount": "100"}, key) == {"stage"}
    assert door.save({"stage": "offered", "amount": "101"}, key) == set()
    assert door.save({"stage": "draft", "amount": None}, key) == set()
    assert door.save({"stage": "lost", "reason": "price"}, key) == set()


def test_messages_say_what_to_do(platform: Platform) -> None:
    key = shipment(platform)
    assert refused(platform, "shipment", {"stage": "offered"}, key) == [
        ("/amount", "Must be filled in before moving on from Draft to Offered"),
        ("/stage", "Cannot move on from Draft to Offered: Offers start above 100 CNY"),
    ]
    assert refused(platform, "shipment", {"name": "A", "city": "suzhou"}) == [
        ("/city", '"Suzhou" does not go with the other values')
    ]
    wrong = {"name": "A", "province": "zhejiang", "city": "suzhou"}
    assert refused(platform, "shipment", wrong) == [
        ("/city", '"Suzhou" does not go with the other values; these do: Hangzhou, Ningbo')
    ]
    assert refused(platform, "shipment", {"name": "A", "city": "old_town"}) == [
        ("/city", '"Old town" is no longer in use; use Suzhou')
    ]


def test_a_retired_option_stays_where_it_is(platform: Platform) -> None:
    key = shipment(platform)
    with platform.database.write() as connection:
        catalog = platform.catalogs.current(connection)
        table = catalog.tables["shipment"]
        connection.execute(table.update().where(table.c.id == key).values(city="old_town"))
    saved(platform, "shipment", key, name="T", city="old_town")
    assert stored(platform, "shipment", key)["city"] == "old_town"
    saved(platform, "shipment", key, city=None)
    assert refused(platform, "shipment", {"city": "old_town"}, key)[0][0] == "/city"


def test_what_is_fixed_before_and_after_is_not_changed(platform: Platform) -> None:
    values = {"amount": "2000", "stage": "agreed", "discount": "5%"}
    key = shipment(platform, **values)
    saved(platform, "shipment", key, stage="done", discount="7%")
    assert refused(platform, "shipment", {"discount": "9%"}, key) == [
        ("/discount", "This field cannot be changed here")
    ]
    saved(platform, "shipment", key, stage="agreed", discount="9%")
    new = {"name": "A", "amount": "2000", "stage": "done", "discount": "9%"}
    assert refused(platform, "shipment", new) == [
        ("/discount", "This field cannot be changed here")
    ]


def test_record_types_offer_their_own_options(platform: Platform) -> None:
    key = make(platform, "rita", "ticket", name="A")
    assert stored(platform, "ticket", key)["record_type"] == "repair"
    saved(platform, "ticket", key, level="urgent")
    assert refused(platform, "ticket", {"record_type": "question"}, key) == [
        ("/level", '"Urgent" does not go with the other values; these do: Low, High')
    ]
    saved(platform, "ticket", key, record_type="question", level="low")
    assert refused(platform, "ticket", {"name": "B", "record_type": "fax"}) == [
        ("/record_type", '"Fax" is no longer in use')
    ]
    with acting(platform, "rita") as unit:
        page = unit.records().list("ticket", filter='record_type = "question"')
    assert [item["id"] for item in page.items] == [key]


def test_intervals_of_one_room_do_not_overlap(platform: Platform) -> None:
    first = booking(platform, "2026-03-01", "2026-03-05")
    booking(platform, "2026-03-05", "2026-03-06")
    booking(platform, "2026-03-02", "2026-03-03", room="b")
    booking(platform, "2026-03-02", "2026-03-03", room=None)
    overlap = [("/start", "Overlaps with another record of the same Room")]
    wrong = {"room": "a", "start": "2026-03-04", "end": "2026-03-07"}
    assert refused(platform, "booking", wrong) == overlap
    assert refused(platform, "booking", {"room": "a", "start": "2026-02-01"}) == overlap
    assert refused(
        platform, "booking", {"room": "a", "start": "2026-04-01", "end": "2026-04-01"}
    ) == [("/end", "The end must be after the start")]
    saved(platform, "booking", first, cancelled=True)
    second = booking(platform, "2026-03-01", "2026-03-02")
    assert refused(platform, "booking", {"cancelled": False}, first) == overlap
    with acting(platform, "rita") as unit:
        delete_record(unit, "booking", second, channel="import")
    saved(platform, "booking", first, cancelled=False)
    with pytest.raises(Refused), acting(platform, "rita") as unit:
        restore_record(unit, "booking", second, channel="import")


def booking(
    platform: Platform, start: str, end: str | None, room: str | None = "a", **values: object
) -> str:
    return make(platform, "rita", "booking", room=room, start=start, end=end, **values)


def test_values_are_unique_under_a_condition(platform: Platform) -> None:
    first = make(platform, "rita", "booking", code="x")
    assert refused(platform, "booking", {"code": "x"}) == [
        ("/code", "Another record already has this value")
    ]
    make(platform, "rita", "booking", code="x", cancelled=True)
    saved(platform, "booking", first, cancelled=True)
    make(platform, "rita", "booking", code="x")


def test_two_at_once_do_not_both_win(platform: Platform) -> None:
    barrier, results = threading.Barrier(2), list[object]()

    def book() -> None:
        other = open_platform(platform.settings)
        barrier.wait()
        try:
            booking(other, "2026-05-01", "2026-05-05", code="y")
            results.append("made")
        except Refused as error:
            results.append(sorted(problem.code for problem in error.problems))
        finally:
            other.close()

    threads = [threading.Thread(target=book) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results, key=str) == [["overlaps", "unique"], "made"]


def test_what_is_only_added_to_is_never_changed(platform: Platform) -> None:
    key = make(platform, "rita", "entry", name="A")
    said = "Records of Ledger entries are kept as they were made: they cannot be changed or deleted"
    assert refused(platform, "entry", {"name": "B"}, key) == [("", said)]
    with pytest.raises(Conflict), acting(platform, "rita") as unit:
        delete_record(unit, "entry", key, channel="api")
