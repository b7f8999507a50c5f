"""Values of every field type in saves and on pages; automatic numbers; currencies of records."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict

from metadata.fields.registry import offered_types
from metadata.problems import sentence
from metadata.query import Moment
from metadata.wire import to_wire
from rule_engine.values import Money
from tests.metadata.databases import object_body
from tests.platform.acting import acting, make, stored, system
from tests.platform.conditional_world import publish_more
from tests.platform.pages import get, read
from tests.platform.world import Login
from trellis.errors import RecordError
from trellis.records.save import save_record
from trellis.runtime import Platform

pytestmark = pytest.mark.usefixtures("people")

SCALAR = {
    name: kind
    for name, kind in offered_types().items()
    if kind.parts and not (kind.is_automatic or kind.is_write_only or kind.kind == "reference")
}
NUMBER = {"field": "auto_number", "pattern": "B-{yyyy}-{000}", "reset": "year"}
BILL = object_body(
    {
        "name": {"type": "string"},
        "number": {"type": "string", "crm": NUMBER},
        "currency": {"type": "string", "enum": ["CNY", "USD", "JPY"], "default": "CNY"},
        "amount": {
            "type": "number",
            "crm": {"field": "money", "currency_field": "currency"},
        },
    },
    plural="Bills",
)


def publish_objects(platform: Platform) -> None:
    """Adds `bill`, and `thing` with a field of every scalar type that is no file."""
    fields = {
        f"a_{name}": {**kind.samples[0].document, "title": name.title()}
        for name, kind in SCALAR.items()
        if not hasattr(kind, "is_picture") and name != "files"
    }
    thing = object_body({"name": {"type": "string"}, **fields}, plural="Things")
    publish_more(platform, {"bill": BILL, "thing": thing})


def test_every_type_is_saved_and_shown(platform: Platform, login: Login) -> None:
    """A record with a value of each type: saved from the wire, shown in both languages, and sent
    back by its form it changes nothing."""
    publish_objects(platform)
    with system(platform) as unit:
        definition = unit.catalog.objects["thing"]
    given = {
        name: SCALAR[name[2:]].samples[0].good[0][0]
        for name in definition.fields
        if name.startswith("a_")
    }
    key = make(platform, "admin", "thing", name="Full", **given)
    wanted = {f"a_{n}": k.samples[0].good[0][1] for n, k in SCALAR.items() if f"a_{n}" in given}
    record = stored(platform, "thing", key)
    assert to_wire(definition, {name: record[name] for name in given}) == wanted
    admin = login("admin")
    for language in ("en", "zh"):
        admin.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
        get(admin, f"/o/thing/{key}")
        get(admin, "/o/thing/")
        form = get(admin, f"/o/thing/{key}/edit")
    inputs = [(name, value) for name, value in form.forms[0].form_values() if name != "csrf_token"]
    answer = admin.post(f"/o/thing/{key}/edit", data=MultiDict(inputs))
    assert answer.status_code == 302, read(answer).text_content()
    again = stored(platform, "thing", key)
    assert {name: again[name] for name in given} == {name: record[name] for name in given}
    assert again["version"] == 1


def test_numbers_have_no_gaps(platform: Platform) -> None:
    """Six people at once, of whom some break off: every number is given, and each once."""
    publish_objects(platform)

    def refuse_each_third(number: int) -> None:
        if number % 3 == 0:
            raise KeyError(number)  # the transaction ends without the record

    def work(place: int) -> None:
        for turn in range(3):
            try:
                with acting(platform, "admin") as unit:
                    save_record(unit, "bill", None, {"name": f"{place}-{turn}"}, channel="api")
                    refuse_each_third(place + turn)
            except KeyError:
                continue

    threads = [threading.Thread(target=work, args=(place,)) for place in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with system(platform) as unit:
        rows = unit.records().list("bill", fields=["number"], limit=100).items
        year = unit.moment.today.year
    numbers = sorted(str(row["number"]) for row in rows)
    assert numbers == [f"B-{year}-{place:03}" for place in range(1, len(numbers) + 1)]
    assert len(numbers) == 12


def test_numbers_by_period_and_import(platform: Platform) -> None:
    """Each year counts anew; a number that is brought along is kept and never given again."""
    publish_objects(platform)

    def add(year: int, **values: object) -> object:
        with system(platform) as unit:
            then = Moment(datetime(year, 6, 1, tzinfo=UTC), unit.moment.zone)
            saved = save_record(replace(unit, moment=then), "bill", None, values, channel="import")
        return stored(platform, "bill", saved.id)["number"]

    assert [add(2031), add(2031), add(2032)] == ["B-2031-001", "B-2031-002", "B-2032-001"]
    assert add(2031, number="B-2031-007") == "B-2031-007"
    assert add(2032, number="OLD/5") == "OLD/5"
    assert [add(2031), add(2032)] == ["B-2031-008", "B-2032-002"]


def test_people_cannot_write_numbers(platform: Platform) -> None:
    publish_objects(platform)
    assert refusal(platform, {"number": "B-2031-001"}) == [
        "/number: This field cannot be changed here"
    ]


@pytest.mark.parametrize(
    ("values", "amount", "then", "after"),
    [
        ({"amount": 10}, ("10.00", "CNY"), {"currency": "USD"}, ("10.00", "USD")),
        ({"currency": "USD", "amount": "9.5"}, ("9.50", "USD"), {"amount": 7}, ("7.00", "USD")),
        ({"currency": "JPY", "amount": 9.5}, ("10", "JPY"), {"currency": None}, ("10.00", "CNY")),
        (
            {"amount": {"amount": 1, "currency": "CNY"}},
            ("1.00", "CNY"),
            {"currency": "USD", "amount": {"amount": 2, "currency": "USD"}},
            ("2.00", "USD"),
        ),
    ],
)
def test_amounts_follow_the_currency_field(
    platform: Platform,
    values: Mapping[str, object],
    amount: tuple[str, str],
    then: Mapping[str, object],
    after: tuple[str, str],
) -> None:
    publish_objects(platform)
    key = make(platform, "admin", "bill", **values)
    assert stored(platform, "bill", key)["amount"] == money(*amount)
    with acting(platform, "admin") as unit:
        save_record(unit, "bill", key, then, channel="api")
    assert stored(platform, "bill", key)["amount"] == money(*after)


def money(amount: str, currency: str) -> Money:
    return Money(Decimal(amount), currency)


def test_an_amount_in_another_currency_is_refused(platform: Platform) -> None:
    publish_objects(platform)
    given = {"currency": "CNY", "amount": {"amount": 5, "currency": "USD"}}
    assert refusal(platform, given) == [
        "/amount: The amount is in USD, but currency says CNY; "
        "leave the currency out or change currency"
    ]


def refusal(platform: Platform, values: Mapping[str, Any]) -> list[str]:
    """Gives what is said to who sends these values for a new bill."""
    with pytest.raises(RecordError) as caught, acting(platform, "admin") as unit:
        save_record(unit, "bill", None, values, channel="api")
    return [f"{problem.path}: {sentence(problem)}" for problem in caught.value.problems]
