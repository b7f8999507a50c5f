"""Nobody learns of rows and links that she may not read, by page, API, history or by saving."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.platform.acting import acting, change_element, database_hash
from tests.platform.nested_world import publish_orders, read, save
from tests.platform.world import Bearer, Login
from trellis.errors import RecordError
from trellis.records.delete import delete_record
from trellis.runtime import Platform

OWN = {"create": True, "read": "own", "update": "own", "delete": "own"}
ADDRESSES = (
    "",
    "?expand=tags,partners",
    "?fields=lines,tags,partners",
    "/history",
)


@pytest.fixture
def orders(platform: Platform, people: object) -> Platform:
    publish_orders(platform)

    def narrow(grants: dict[str, Any]) -> None:
        for name in ("line", "tag", "account"):
            grants["grants"][name] = OWN

    change_element(platform, "role", "sales_rep", narrow)
    return platform


@pytest.fixture
def order(orders: Platform) -> str:
    """An order of Rita's with rows and links of hers, which Ron may read without them."""
    acme = save(orders, "rita", "account", name="Hidden-account").id
    tags = [save(orders, "rita", "tag", name="Hidden-tag").id]
    rows = [{"product": "Hidden-one", "code": "Hidden-code"}, {"product": "Hidden-two"}]
    values: dict[str, Any] = {"lines": rows, "tags": tags, "partners": [{"id": acme, "share": 77}]}
    made = save(orders, "rita", "order", name="O", **values).id
    first = read(orders, "rita", "order", made)["lines"][0]
    save(orders, "rita", "order", made, lines=[{**first, "cost": 4242}])
    return made


def secrets(platform: Platform, order: str) -> re.Pattern[str]:
    """Matches ids, names and numbers that Ron must not see."""
    seen = read(platform, "rita", "order", order)
    members = [*seen["lines"], *seen["tags"], *seen["partners"]]
    # Digits inside an instant, an id or the name of a file are no number of a row.
    number = r"(?<![\w.:-])(?:4242|77)(?![\w.:-])"
    return re.compile("|".join([*(str(one["id"]) for one in members), "Hidden", number]))


def test_answers_hold_nothing_of_hidden_rows_and_links(
    orders: Platform, order: str, app: Any, bearer: Bearer, login: Login
) -> None:
    client, headers = app.test_client(), bearer("ron")
    hidden = secrets(orders, order)
    answers = [client.get(f"/api/v1/order/{order}{end}", headers=headers) for end in ADDRESSES]
    answers += [
        client.get(f"/api/v1/{end}", headers=headers)
        for end in (
            "order?fields=name,lines,tags,partners&expand=tags",
            "line",
            "order_tags",
            "order_partners",
            "order?filter=count(lines) > 0 or count(tags) > 0 or any(partners where share > 1)",
        )
    ]
    pages = login("ron")
    answers += [pages.get(f"/o/order/{order}{end}") for end in ("", "/edit")]
    for answer in answers:
        assert answer.status_code == 200
        text = answer.get_data(as_text=True).replace(order, "")
        assert hidden.findall(text) == [], answer.request.path
    assert answers[0].get_json()["lines"] == []


def test_saving_neither_tells_nor_takes_what_is_hidden(orders: Platform, order: str) -> None:
    before = read(orders, "rita", "order", order)
    save(orders, "ron", "order", order, lines=[{"product": "Mine"}], tags=[], partners=[])
    after = read(orders, "rita", "order", order)
    assert after["tags"] == before["tags"]
    assert after["partners"] == before["partners"]
    assert [row["id"] for row in after["lines"]] == [row["id"] for row in before["lines"]]
    assert [row["product"] for row in read(orders, "ron", "order", order)["lines"]] == ["Mine"]
    untouched = database_hash(orders)
    tag = before["tags"][0]["id"]
    for sent in ({"tags": [tag]}, {"lines": [{"id": before["lines"][0]["id"], "price": 1}]}):
        with pytest.raises(RecordError) as caught:
            save(orders, "ron", "order", order, **sent)
        codes = [problem.code for problem in getattr(caught.value, "problems", ())]
        assert codes in (["unknown_reference"], ["unknown_row"])
        assert database_hash(orders) == untouched


def test_histories_tell_of_what_was_deleted_to_those_who_could_read_it(
    orders: Platform, order: str, app: Any, bearer: Bearer
) -> None:
    seen = read(orders, "rita", "order", order)
    with acting(orders, "rita") as unit:
        delete_record(unit, "tag", seen["tags"][0]["id"], channel="api")
    client = app.test_client()

    def told(username: str) -> list[dict[str, Any]]:
        answer = client.get(f"/api/v1/order/{order}/history", headers=bearer(username))
        return [entry["changes"] for entry in answer.get_json()["items"]]

    assert {"tags": [[{"id": seen["tags"][0]["id"]}], []]} in told("rita")
    assert not any(name in entry for entry in told("ron") for name in ("tags", "lines", "partners"))
