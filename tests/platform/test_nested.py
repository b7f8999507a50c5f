"""Rows and links saved with the record they belong to: all of it or nothing, told in one place."""

from __future__ import annotations

from typing import Any

import pytest

from tests.platform.acting import acting, counted, database_hash, stored
from tests.platform.nested_world import publish_orders, read, save
from trellis.errors import Conflict, NotAllowed, RecordError, Refused
from trellis.records.delete import delete_record, restore_record
from trellis.records.history import history_of
from trellis.runtime import Platform

pytestmark = pytest.mark.usefixtures("people")


@pytest.fixture
def orders(platform: Platform) -> Platform:
    publish_orders(platform)
    return platform


def line(product: str, **more: object) -> dict[str, object]:
    return {"product": product, **more}


def products(platform: Platform, order: str) -> list[Any]:
    return [row["product"] for row in read(platform, "rita", "order", order)["lines"]]


def refusal(platform: Platform, username: str, *target: Any, **values: object) -> RecordError:
    before = database_hash(platform)
    with pytest.raises(RecordError) as caught:
        save(platform, username, *target, **values)
    assert database_hash(platform) == before
    return caught.value


def places(error: RecordError) -> list[tuple[str, str]]:
    return [(problem.path, problem.code) for problem in error.problems]


def test_rows_are_saved_with_their_record_and_its_rules_see_them(orders: Platform) -> None:
    rows = [line("A", price=10, quantity=2), line("B", price=5)]
    made = save(orders, "rita", "order", name="O", factor=3, lines=rows)
    seen = read(orders, "rita", "order", made.id)
    assert [(row["product"], row["quantity"], row["total"]) for row in seen["lines"]] == [
        ("A", 2, 60),
        ("B", 1, 15),
    ]
    assert (seen["sum"], seen["version"], made.record["sum"]) == (75, 1, 75)


def test_a_list_changes_adds_deletes_and_orders_rows(orders: Platform) -> None:
    rows = [line(name, price=1) for name in "ABC"]
    order = save(orders, "rita", "order", name="O", lines=rows).id
    a, b, c = read(orders, "rita", "order", order)["lines"]
    wanted = [{"id": c["id"]}, line("N", price=9), {**a, "price": 4}]
    saved = save(orders, "rita", "order", order, lines=wanted)
    assert products(orders, order) == ["C", "N", "A"]
    assert (saved.version, saved.record["sum"]) == (2, 14)
    assert stored(orders, "line", b["id"])["deleted_at"] is not None
    assert [stored(orders, "line", row["id"])["version"] for row in (a, c)] == [2, 1]


def test_what_was_read_can_be_sent_back_and_changes_nothing(orders: Platform) -> None:
    tag = save(orders, "rita", "tag", name="vip").id
    order = save(orders, "rita", "order", name="O", lines=[line("A", price=2)], tags=[tag]).id
    seen = read(orders, "rita", "order", order, "lines", "tags")
    before = database_hash(orders)
    save(orders, "rita", "order", order, lines=list(seen["lines"]), tags=["vip"])
    assert database_hash(orders) == before


def test_all_problems_of_record_and_rows_come_at_once(orders: Platform) -> None:
    rows = [line("A"), {"quantity": 0}, line("C", quantity="x", colour="red", order="o1")]
    error = refusal(orders, "rita", "order", factor="many", lines=rows, tags=["none"])
    assert isinstance(error, Refused)
    assert sorted(places(error)) == [
        ("/factor", "number_expected"),
        ("/lines/1/product", "required"),
        ("/lines/1/quantity", "minimum"),
        ("/lines/2/colour", "unknown_field"),
        ("/lines/2/order", "row_of_other"),
        ("/lines/2/quantity", "number_expected"),
        ("/name", "required"),
        ("/tags/0", "unknown_reference"),
    ]


def test_problems_of_rows_alone_undo_the_record_too(orders: Platform) -> None:
    order = save(orders, "rita", "order", name="O", lines=[line("A", code="1")]).id
    error = refusal(
        orders,
        "rita",
        "order",
        order,
        name="Other",
        lines=[line("B", code="2"), line("C", code="2"), {"id": order}],
    )
    assert places(error) == [("/lines/2/id", "unknown_row"), ("/lines/1/code", "unique")]


def test_validations_judge_the_rows_as_they_will_be(orders: Platform) -> None:
    order = save(orders, "rita", "order", name="O", lines=[line("A", price=999)]).id
    row = read(orders, "rita", "order", order)["lines"][0]
    error = refusal(orders, "rita", "order", order, lines=[row, line("B", price=2)])
    assert places(error) == [("/name", "rule")]
    swapped = save(orders, "rita", "order", order, lines=[line("B", price=1000)])
    assert swapped.record["sum"] == 1000


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        ("text", ("/lines", "list_expected")),
        ([1], ("/lines", "rows_expected")),
        ([{"product": "A"}] * 61, ("/lines", "max_items")),
    ],
)
def test_what_is_no_list_of_rows_is_refused(
    orders: Platform, sent: object, problem: tuple[str, str]
) -> None:
    assert places(refusal(orders, "rita", "order", name="O", lines=sent)) == [problem]


def test_links_have_fields_and_are_told_on_both_sides(orders: Platform) -> None:
    acme = save(orders, "rita", "account", name="Acme").id
    zeta = save(orders, "rita", "account", name="Zeta").id
    order = save(orders, "rita", "order", name="O", partners=[{"id": acme, "part": "seller"}]).id
    save(orders, "rita", "order", order, partners=[acme, {"id": zeta, "share": 30}])
    seen = read(orders, "rita", "order", order)["partners"]
    assert [(one["name"], one["part"], one["share"]) for one in seen] == [
        ("Acme", "seller", None),
        ("Zeta", None, 30),
    ]
    save(orders, "rita", "order", order, partners=[{"id": zeta, "share": 40}])
    with acting(orders, "rita") as unit:
        mine = [entry.changes for entry in history_of(unit, "order", order)[0]]
        theirs = [entry.changes for entry in history_of(unit, "account", acme)[0]]
    assert mine[0] == {
        "partners": (
            [{"id": acme, "part": "seller"}, {"id": zeta, "share": 30}],
            [{"id": zeta, "share": 40}],
        )
    }
    assert theirs[0] == {"shared_orders": ([{"id": order, "part": "seller"}], [])}
    assert theirs[1] == {"shared_orders": ([], [{"id": order, "part": "seller"}])}
    with acting(orders, "rita") as unit:
        found = unit.records().list("account", filter="any(shared_orders where share > 20)")
    assert [one["name"] for one in found.items] == ["Zeta"]


def test_a_row_changed_by_itself_moves_its_record_on(orders: Platform) -> None:
    order = save(orders, "rita", "order", name="O", lines=[line("A", price=1)]).id
    row = read(orders, "rita", "order", order)["lines"][0]
    save(orders, "rita", "line", row["id"], price=7)
    now = stored(orders, "order", order)
    assert (now["version"], now["sum"]) == (2, 7)
    with acting(orders, "rita") as unit:
        told = history_of(unit, "order", order)[0]
    changes = [entry.changes["lines"] for entry in told if "lines" in entry.changes]
    assert changes[0] == (
        [{"id": row["id"], "price": 1, "total": 1}],
        [{"id": row["id"], "price": 7, "total": 7}],
    )


def test_rows_and_links_go_and_come_back_with_their_record(orders: Platform) -> None:
    tag = save(orders, "rita", "tag", name="vip").id
    order = save(orders, "rita", "order", name="O", lines=[line("A")], tags=[tag]).id
    row = read(orders, "rita", "order", order)["lines"][0]["id"]
    with acting(orders, "rita") as unit:
        delete_record(unit, "order", order, channel="api")
    assert stored(orders, "line", row)["deleted_at"] is not None
    with acting(orders, "rita") as unit:
        assert unit.records().list("tag", filter="count(orders) > 0").items == ()
        restore_record(unit, "order", order, channel="api")
    seen = read(orders, "rita", "order", order)
    assert [len(seen["lines"]), len(seen["tags"])] == [1, 1]
    with acting(orders, "rita") as unit:
        delete_record(unit, "tag", tag, channel="api")
    assert read(orders, "rita", "order", order)["tags"] is None


def test_lists_take_a_fixed_number_of_statements(orders: Platform) -> None:
    tag = save(orders, "rita", "tag", name="vip").id
    for number in range(3):
        rows = [line(f"P{place}") for place in range(3)]
        save(orders, "rita", "order", name=f"O{number}", lines=rows, tags=[tag])

    def ask(limit: int) -> int:
        with acting(orders, "rita") as unit, counted(orders) as statements:
            page = unit.records().list("order", fields=["name", "lines", "tags"], limit=limit)
        assert all(len(item["lines"]) == 3 for item in page.items)  # type: ignore[arg-type]
        return len(statements)

    assert ask(1) == ask(3) == 3


def test_a_locked_record_keeps_its_rows(orders: Platform) -> None:
    publish_orders(
        orders,
        'ruleset orders "Orders" version 1\n'
        'rule done on order before save { when name = "done" lock }\n',
    )
    order = save(orders, "rita", "order", name="O", lines=[line("A")]).id
    row = read(orders, "rita", "order", order)["lines"][0]
    save(orders, "rita", "order", order, name="done")
    error = refusal(orders, "rita", "order", order, lines=[])
    assert (type(error), places(error)) == (Conflict, [("/lines", "locked")])
    assert isinstance(refusal(orders, "rita", "line", row["id"], price=3), Conflict)
    assert isinstance(refusal(orders, "rita", "line", order=order, product="B"), Conflict)


def test_rows_obey_the_rights_on_their_own_object(orders: Platform) -> None:
    from tests.platform.acting import change_element

    def weaken(body: dict[str, Any]) -> None:
        body["grants"]["line"] = {"read": "all", "update": "own", "fields": {"cost": "hidden"}}

    order = save(orders, "rita", "order", name="O", lines=[line("A", cost=3)]).id
    change_element(orders, "role", "sales_rep", weaken)
    row = read(orders, "ron", "order", order)["lines"][0]
    assert "cost" not in row
    assert isinstance(refusal(orders, "rita", "order", order, lines=[]), NotAllowed)
    assert isinstance(refusal(orders, "rita", "order", order, lines=[line("B")]), NotAllowed)
    error = refusal(orders, "rita", "order", order, lines=[{"id": row["id"], "cost": 1}])
    assert places(error) == [("/lines/0/cost", "unknown_field")]
    assert isinstance(
        refusal(orders, "ron", "order", order, lines=[{"id": row["id"], "price": 1}]), NotAllowed
    )
