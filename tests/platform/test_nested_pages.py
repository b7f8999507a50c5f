"""Rows and links over pages and the API: forms, what was typed, answers and their names."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from lxml import html as parser

from tests.platform.acting import counted, stored
from tests.platform.nested_world import publish_orders, read, save
from tests.platform.world import Bearer, Login
from trellis.runtime import Platform


@pytest.fixture
def orders(platform: Platform, people: object) -> Platform:
    publish_orders(platform)
    return platform


@pytest.fixture
def order(orders: Platform) -> str:
    acme = save(orders, "rita", "account", name="Acme").id
    tags = [save(orders, "rita", "tag", name=name).id for name in ("vip", "export")]
    rows = [{"product": "A", "price": 2}, {"product": "B", "price": 3}]
    values: dict[str, Any] = {"lines": rows, "tags": tags, "partners": [{"id": acme, "share": 5}]}
    return save(orders, "rita", "order", name="O", **values).id


def shown(client: FlaskClient, address: str) -> Any:
    return parser.fromstring(client.get(address).get_data(as_text=True))


def sent_by(page: Any) -> list[tuple[str, str]]:
    """Gives what a browser without scripts would send for a form."""
    form = page.xpath("//form[contains(@class, 'record-page')]")[0]
    for template in form.xpath(".//template"):
        template.getparent().remove(template)
    found = [(str(name), str(value)) for name, value in form.form_values()]
    references = form.xpath(".//crm-reference")
    return [*found, *((one.get("name"), one.get("value")) for one in references)]


def body(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def test_a_form_sent_back_as_it_is_changes_nothing(
    orders: Platform, login: Login, order: str
) -> None:
    client = login("rita")
    before = read(orders, "rita", "order", order)
    answer = client.post(
        f"/o/order/{order}/edit", data=body(sent_by(shown(client, f"/o/order/{order}/edit")))
    )
    assert answer.status_code == 302
    assert read(orders, "rita", "order", order) == before


def test_a_form_changes_adds_and_deletes_rows(orders: Platform, login: Login, order: str) -> None:
    client = login("rita")
    a, b = read(orders, "rita", "order", order)["lines"]
    sent = dict(body(sent_by(shown(client, f"/o/order/{order}/edit"))))
    sent |= {
        "lines-0-price": ["7"],
        "lines-1-deleted": ["1"],
        "lines-99-product": ["New"],
        "lines-5-product": ["Between"],
        "lines-7-product": [""],
        "tags": ["", sent["tags"][1]],
        "partners-0-share": ["6"],
    }
    assert client.post(f"/o/order/{order}/edit", data=sent).status_code == 302
    seen = read(orders, "rita", "order", order)
    assert [(row["product"], row["price"]) for row in seen["lines"]] == [
        ("A", 7),
        ("New", None),
        ("Between", None),
    ]
    assert (seen["lines"][0]["id"], len(seen["tags"]), seen["partners"][0]["share"]) == (
        a["id"],
        1,
        6,
    )
    assert stored(orders, "line", b["id"])["deleted_at"] is not None


def test_problems_stand_at_their_cells_and_nothing_typed_is_lost(
    orders: Platform, login: Login, order: str
) -> None:
    client = login("rita")
    sent = body(sent_by(shown(client, f"/o/order/{order}/edit")))
    sent |= {
        "name": [""],
        "lines-1-deleted": ["1"],
        "lines-2-quantity": ["0"],
        "partners-0-share": ["500"],
    }
    answer = client.post(f"/o/order/{order}/edit", data=sent)
    assert answer.status_code == 422
    page: Any = parser.fromstring(answer.get_data(as_text=True))
    wrong = {one.get("id") for one in page.xpath("//*[@aria-invalid='true']")}
    assert wrong == {"name", "lines-2-product", "lines-2-quantity", "partners-0-share"}
    assert page.xpath("//input[@id='lines-2-quantity']/@value") == ["0"]
    assert page.xpath("//input[@name='lines-1-deleted']/@checked")
    summary = page.xpath("//*[@id='summary']//a/@href")
    assert set(summary) == {f"#{one}" for one in wrong}


def test_a_form_takes_no_more_rows_than_there_may_be(
    orders: Platform, login: Login, order: str
) -> None:
    client = login("rita")
    sent = body(sent_by(shown(client, f"/o/order/{order}/edit")))
    sent |= {f"lines-{number}-product": ["X"] for number in range(2, 900)}
    answer = client.post(f"/o/order/{order}/edit", data=sent)
    assert answer.status_code == 422
    assert "At most 60 values" in answer.get_data(as_text=True)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_pages_show_rows_links_and_what_happened(
    orders: Platform, login: Login, order: str, language: str
) -> None:
    client = login("rita")
    headers = {"Accept-Language": language}
    page = client.get(f"/o/order/{order}", headers=headers).get_data(as_text=True)
    whole: Any = parser.fromstring(page)
    text = re.sub(r"\s+", " ", whole.text_content())
    for word in ("A", "vip", "Acme", "Lines"):
        assert word in text
    tag = read(orders, "rita", "order", order)["tags"][0]["id"]
    other: Any = parser.fromstring(
        client.get(f"/o/tag/{tag}", headers=headers).get_data(as_text=True)
    )
    assert other.xpath(f"//section//a[@href='/o/order/{order}']")
    added = {"en": "added O", "zh": "添加了O"}[language]
    assert added in re.sub(r"\s+", " ", other.text_content())


def test_statements_of_a_page_do_not_grow_with_rows(
    orders: Platform, login: Login, order: str
) -> None:
    client = login("rita")
    counts = []
    for number in (2, 12):
        rows = [{"product": f"P{place}"} for place in range(number)]
        save(orders, "rita", "order", order, lines=rows)
        for address in (f"/o/order/{order}", f"/o/order/{order}/edit"):
            client.get(address)
            with counted(orders) as statements:
                assert client.get(address).status_code == 200
            counts.append(len(statements))
    assert counts[:2] == counts[2:]


def test_the_api_takes_and_gives_rows_and_links(
    orders: Platform, bearer: Bearer, order: str, app: Any
) -> None:
    client, headers = app.test_client(), bearer("rita")
    address = f"/api/v1/order/{order}"
    answer = client.get(address, headers=headers)
    found = answer.get_json()
    assert list(found["lines"][0])[:3] == ["product", "quantity", "price"]
    assert found["partners"] == [{"id": found["partners"][0]["id"], "part": None, "share": 5}]
    assert all(isinstance(one, str) for one in found["tags"])
    match = {**headers, "If-Match": answer.headers["ETag"]}
    own = {name: found[name] for name in ("lines", "tags", "partners")}
    same = client.patch(address, json=own, headers=match)
    assert (same.status_code, same.headers["ETag"]) == (200, answer.headers["ETag"])
    wrong = client.patch(address, json={"lines": [{"product": "A", "quantity": 0}]}, headers=match)
    assert (wrong.status_code, wrong.get_json()["errors"][0]["path"]) == (422, "/lines/0/quantity")
    expanded = client.get(f"{address}?expand=tags&fields=name", headers=headers).get_json()
    assert [one["name"] for one in expanded["tags"]] == ["vip", "export"]
    listed = client.get("/api/v1/order?fields=name,lines", headers=headers).get_json()["items"]
    assert [len(one["lines"]) for one in listed] == [2]
    assert "lines" not in client.get("/api/v1/order", headers=headers).get_json()["items"][0]
    links = client.get("/api/v1/order_tags", headers=headers).get_json()["items"]
    assert len(links) == 2
    forbidden = client.post("/api/v1/order_tags", json={"order": order}, headers=headers)
    assert forbidden.status_code == 403
    row = found["lines"][0]["id"]
    etag = client.get(f"/api/v1/line/{row}", headers=headers).headers["ETag"]
    client.patch(f"/api/v1/line/{row}", json={"price": 9}, headers={**headers, "If-Match": etag})
    stale = client.patch(address, json={"name": "P"}, headers=match)
    assert stale.status_code == 412
