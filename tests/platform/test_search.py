"""Searching as people and clients do: the index follows every write, and shows only what may be."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from metadata.prepared import write_all
from metadata.search.entries import entry_writes
from metadata.search.rebuild import count_wrong_entries, is_search_behind
from metadata.search.tables import SEARCH_ENTRY
from tests.metadata.databases import object_body
from tests.platform.acting import acting, change_element, make, system
from tests.platform.conditional_world import publish_more
from tests.platform.world import Bearer, Login
from trellis.doctor import Finding, examine_search, mend
from trellis.records.delete import delete_record, restore_record
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.upkeep import Indexer


def found(platform: Platform, text: str, username: str = "diana") -> list[str]:
    """Gives the names of what somebody finds."""
    with acting(platform, username) as unit:
        return [str(hit.name) for hit in unit.records().search(text).items]


def wrong(platform: Platform) -> dict[str, int]:
    """Gives the numbers of wrong entries by object."""
    with platform.database.read() as connection:
        catalog = platform.catalogs.current(connection)
        return {one.name: rows for one, rows in count_wrong_entries(connection, catalog) if rows}


def test_the_index_follows_every_write(platform: Platform) -> None:
    assert found(platform, "rita") == ["Rita"]
    account = make(platform, "diana", "account", name="上海贸易有限公司")
    lead = make(platform, "diana", "lead", name="Zoë Ray", phone="138 0013 8000", email="zoe@x.cn")
    for text in ("shmy", "海贸", "上海贸易有限公司"):
        assert found(platform, text) == ["上海贸易有限公司"]
    for text in ("zoe", "Zoë ra", "8000", "+86 138 0013 8000", "zoe@x.cn"):
        assert found(platform, text) == ["Zoë Ray"]
    with acting(platform, "diana") as unit:
        save_record(unit, "lead", lead, {"name": "Ann Ray", "phone": None}, channel="api")
    assert (found(platform, "zoe@x.cn"), found(platform, "8000")) == (["Ann Ray"], [])
    with acting(platform, "diana") as unit:
        delete_record(unit, "lead", lead, channel="api")
        delete_record(unit, "account", account, channel="api")
    assert (found(platform, "ray"), found(platform, "shmy")) == ([], [])
    with acting(platform, "diana") as unit:
        restore_record(unit, "lead", lead, channel="api")
    assert found(platform, "ray") == ["Ann Ray"]
    assert wrong(platform) == {}


def test_a_write_takes_one_statement_more_and_none_without_reason(platform: Platform) -> None:
    lead = make(platform, "diana", "lead", name="Ann")
    told: list[str] = []

    @sa.event.listens_for(platform.database.engine, "before_cursor_execute")
    def note(_c: Any, _u: Any, statement: str, *_more: Any) -> None:
        told.extend([statement] if "search_" in statement else [])

    make(platform, "diana", "lead", name="Bob")
    assert len(told) == 1
    with acting(platform, "diana") as unit:
        save_record(unit, "lead", lead, {"title": "CEO"}, channel="api")
        assert len(told) == 1
        save_record(unit, "lead", lead, {"name": "Ann Lee"}, channel="api")
    assert len(told) == 2


def test_links_have_nothing_to_be_found_by_and_no_entries(platform: Platform) -> None:
    word = {"type": "string"}
    sees = {"type": "array", "crm": {"field": "many_to_many", "to": "node", "reverse": "seen"}}
    publish_more(platform, {"node": object_body({"name": word, "sees": sees})})
    Indexer(platform).work()
    one = make(platform, "admin", "node", name="one")
    make(platform, "admin", "node", name="two", sees=[{"id": one}])
    assert wrong(platform) == {}
    with platform.database.write() as connection:
        catalog = platform.catalogs.current(connection)
        write_all(connection, entry_writes(connection, catalog.objects["node_sees"], [(one, "x")]))
    assert wrong(platform) == {"node_sees": 1}
    mend(platform)
    assert wrong(platform) == {}


def test_other_searched_fields_are_indexed_by_the_worker(platform: Platform) -> None:
    indexer = Indexer(platform)
    indexer.work()
    make(platform, "diana", "lead", name="Ann", title="Chief Wizard")
    assert found(platform, "wiz") == []

    def wish(body: dict[str, Any]) -> None:
        body["crm"]["search"] = [*body["crm"].get("search", []), "title"]

    change_element(platform, "object", "lead", wish)
    with platform.database.read() as connection:
        assert is_search_behind(connection, platform.catalogs.current(connection))
        assert [one.level for one in examine_search(platform)] == ["note"]
    indexer.work(batches=50)
    assert found(platform, "wiz") == ["Ann"]
    assert [one.level for one in examine_search(platform)] == ["ok"]


def test_doctor_finds_and_mends_a_wrong_index(platform: Platform) -> None:
    Indexer(platform).work()
    make(platform, "diana", "lead", name="Ann")
    with platform.database.write() as connection:
        connection.execute(sa.delete(SEARCH_ENTRY))
    text = "lead: 1 entries are wrong; run trellis doctor --repair"
    assert Finding("wrong", "search index", text) in list(examine_search(platform))
    assert Finding("ok", "repaired", "lead: 1 in the search index") in mend(platform)
    assert found(platform, "ann") == ["Ann"]


@pytest.fixture
def ask(app: Flask, bearer: Bearer) -> Any:
    """Gives a way to search through the API as somebody."""

    def run(username: str, query: str, **headers: str) -> TestResponse:
        client = app.test_client()
        return client.get(f"/api/v1/search?{query}", headers={**bearer(username), **headers})

    return run


def test_clients_search_everything(platform: Platform, ask: Any) -> None:
    lead = make(platform, "diana", "lead", name="Ann Acme", email="a@x.cn")
    account = make(platform, "diana", "account", name="Acme")
    by_mail = make(platform, "diana", "lead", name="Bob", email="bob@acme.cn")
    answer = ask("diana", "q=acme", **{"Accept-Language": "zh"}).get_json()
    assert answer["next"] is None
    assert [(one["object"], one["id"], one["name"], one["title"]) for one in answer["items"]] == [
        ("account", account, "Acme", "客户"),
        ("lead", lead, "Ann Acme", "线索"),
        ("lead", by_mail, "Bob", "线索"),
    ]
    assert [one["found_in"] for one in answer["items"]][:2] == [None, None]
    told = {"field": "email", "title": "邮箱", "value": "bob@acme.cn"}
    assert answer["items"][2]["found_in"] == told
    only = ask("diana", "q=acme&objects=lead&limit=1").get_json()
    rest = ask("diana", f"q=acme&objects=lead&limit=1&after={only['next']}").get_json()
    assert [one["id"] for one in (*only["items"], *rest["items"])] == [lead, by_mail]
    assert rest["next"] is None
    assert ask("diana", "q=").get_json() == {"items": [], "next": None}


def test_wrong_questions_of_clients(ask: Any) -> None:
    answer = ask("diana", "q=acme&objects=leed,lead&limit=0")
    assert answer.status_code == 422
    objects, limit = answer.get_json()["errors"]
    assert (objects["path"], objects["code"]) == ("objects", "unknown_object")
    assert objects["message"].startswith('no object "leed"; did you mean lead?; there are: account')
    assert limit == {
        "path": "limit",
        "code": "bad_limit",
        "message": "limit is a number from 1 to 200",
    }
    assert ask("diana", "query=acme").status_code == 422


def test_sec_01_hidden_and_masked_values_are_never_found(platform: Platform, ask: Any) -> None:
    def narrow(body: dict[str, Any]) -> None:
        fields = body["grants"]["lead"].setdefault("fields", {})
        fields |= {"phone": "masked", "email": "hidden"}

    change_element(platform, "role", "sales_rep", narrow)
    make(platform, "ron", "lead", name="Ann")
    with system(platform) as unit:
        (lead,) = unit.records().list("lead").items
        secret = {"phone": "13800138000", "email": "ann@acme.cn"}
        save_record(unit, "lead", str(lead["id"]), secret, channel="system")
        save_record(unit, "lead", None, {"name": "Ann of others"}, channel="system")
    for text in ("8000", "13800138000", "acme", "ann@acme.cn", "ann x", "ann 8000"):
        assert ask("ron", f"q={text}").get_json()["items"] == [], text
        with acting(platform, "ron") as unit:
            assert unit.records().list("lead", search=text, count="exact").count == 0
    assert [one["name"] for one in ask("ron", "q=ann").get_json()["items"]] == ["Ann"]
    assert len(ask("diana", "q=8000").get_json()["items"]) == 1


def test_pages_of_results(platform: Platform, login: Login) -> None:
    make(platform, "diana", "account", name="Northwind")
    make(platform, "diana", "lead", name="Ann", email="ann@northwind.cn")
    client = login("diana")
    page = client.get("/search?q=north").get_data(as_text=True)
    assert page.index("Northwind") < page.index("Email: ann@northwind.cn")
    assert 'href="/search?q=north&amp;object=lead"' in page
    only = client.get("/search?q=north&object=lead").get_data(as_text=True)
    assert "Northwind</a>" not in only
    assert "ann@northwind.cn" in only
    assert "Nothing found for “xyz”" in client.get("/search?q=xyz").get_data(as_text=True)
    assert client.get("/search?q=north&after=x").headers["Location"] == "/search?q=north"
    assert client.get("/search").status_code == 200
    palette = client.get("/palette?q=north").get_data(as_text=True)
    assert "Northwind" in palette
    assert 'href="/search?q=north"' in palette
    assert client.get("/palette").status_code == 200
    client.post("/lang/zh")
    assert "全局搜索" in client.get("/search").get_data(as_text=True)
