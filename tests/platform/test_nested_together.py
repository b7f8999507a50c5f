"""Two people at once: rows of one record, records of one tree; and references to any object."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from metadata.fields.types.tree import MAX_DEPTH
from metadata.problems import sentence
from tests.platform.acting import acting, stored, system
from tests.platform.nested_world import publish_orders, read, save
from trellis.errors import RecordError, Refused, Stale
from trellis.records.save import save_record
from trellis.runtime import Platform, open_platform

pytestmark = pytest.mark.usefixtures("people")


@pytest.fixture
def orders(platform: Platform) -> Platform:
    publish_orders(platform)
    return platform


def both(platform: Platform, *works: Callable[[Platform], object]) -> list[object]:
    """Runs works at once, each on a platform of its own; gives what each ended with."""
    found: list[object] = [None] * len(works)
    ready = threading.Barrier(len(works))

    def run(place: int, work: Callable[[Platform], object]) -> None:
        own = open_platform(platform.settings)
        try:
            ready.wait()
            found[place] = work(own)
        except RecordError as error:
            found[place] = error
        finally:
            own.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def place(platform: Platform, name: str, parent: str | None = None) -> str:
    return save(platform, "rita", "place", name=name, parent=parent).id


def test_no_record_stands_below_itself(orders: Platform) -> None:
    top = place(orders, "Top")
    middle = place(orders, "Middle", top)
    low = place(orders, "Low", middle)
    with pytest.raises(Refused) as caught:
        save(orders, "rita", "place", top, parent=low)
    assert [sentence(problem) for problem in caught.value.problems] == [
        "This would be a loop: Top → Middle → Low → Top. "
        "Choose a record that does not stand below this one"
    ]
    with pytest.raises(Refused):
        save(orders, "rita", "place", top, parent=top)
    assert save(orders, "rita", "place", low, parent=top).version == 2


def test_a_tree_has_fifty_levels(orders: Platform) -> None:
    with system(orders) as unit:
        last = None
        for level in range(MAX_DEPTH):
            values = {"name": f"L{level}", "parent": last}
            last = save_record(unit, "place", None, values, channel="api").id
    branch = place(orders, "Branch")
    place(orders, "Leaf", branch)
    for parent, refused in ((last, True), (None, False)):
        if not refused:
            assert place(orders, "More", parent)
            continue
        for values in ({"name": "Deeper", "parent": parent},):
            with pytest.raises(Refused) as caught:
                save(orders, "rita", "place", **values)
            assert sentence(caught.value.problems[0]) == "A tree has at most 50 levels"
    with pytest.raises(Refused):
        save(orders, "rita", "place", branch, parent=stored(orders, "place", str(last))["parent"])


def test_two_who_move_at_once_make_no_loop(orders: Platform) -> None:
    for _ in range(4):
        a, b = place(orders, "A"), place(orders, "B")
        ended = both(
            orders,
            lambda own, a=a, b=b: save(own, "rita", "place", a, parent=b),  # type: ignore[misc]
            lambda own, a=a, b=b: save(own, "ron", "place", b, parent=a),  # type: ignore[misc]
        )
        assert sorted(isinstance(one, Refused) for one in ended) == [False, True]
        parents = [stored(orders, "place", one)["parent"] for one in (a, b)]
        assert parents.count(None) == 1


def test_of_two_saves_with_rows_one_wins(orders: Platform) -> None:
    order = save(orders, "rita", "order", name="O", lines=[{"product": "A"}]).id

    def add(name: str) -> Callable[[Platform], object]:
        def work(own: Platform) -> object:
            with acting(own, "rita") as unit:
                values: dict[str, Any] = {"lines": [{"product": name}]}
                return save_record(unit, "order", order, values, channel="api", expected_version=1)

        return work

    ended = both(orders, add("B"), add("C"))
    assert sum(isinstance(one, Stale) for one in ended) == 1
    seen = read(orders, "rita", "order", order)
    assert (seen["version"], len(seen["lines"])) == (2, 1)


def test_a_row_and_its_record_saved_at_once_do_not_wait_for_ever(orders: Platform) -> None:
    order = save(orders, "rita", "order", name="O", lines=[{"product": "A", "price": 1}]).id
    row = read(orders, "rita", "order", order)["lines"][0]["id"]
    for number in range(4):
        ended = both(
            orders,
            lambda own, n=number: save(own, "rita", "line", row, price=n + 10),  # type: ignore[misc]
            lambda own, n=number: save(  # type: ignore[misc]
                own, "rita", "order", order, lines=[{"id": row, "quantity": n + 2}]
            ),
        )
        assert not any(isinstance(one, RecordError) for one in ended)
        now = stored(orders, "line", row)
        assert (now["price"], now["quantity"]) == (number + 10, number + 2)
        assert stored(orders, "order", order)["sum"] == (number + 10) * (number + 2)


def test_a_reference_to_one_of_several_objects(orders: Platform) -> None:
    tag = save(orders, "rita", "tag", name="vip").id
    lead = save(orders, "rita", "lead", name="Li", email="li@a.cn", lead_source="web").id
    memo = save(orders, "rita", "memo", name="M", about={"object": "tag", "id": "vip"}).id
    about = read(orders, "rita", "memo", memo)["about"]
    assert (str(about), about.object, about.name) == (tag, "tag", "vip")
    save(orders, "rita", "memo", memo, about=f"lead:{lead}")
    assert read(orders, "rita", "memo", memo)["about"].name == "Li"
    with acting(orders, "ron") as unit:
        seen = unit.records().get("memo", memo)
        assert seen is not None
        assert getattr(seen["about"], "name", "") is None
        found = unit.records().list("tag", filter="count(memos) = 0")
        assert [one["id"] for one in found.items] == [tag]
    with pytest.raises(Refused) as caught:
        save(orders, "ron", "memo", memo, about=f"lead:{lead.replace('0', '1')}")
    assert [problem.code for problem in caught.value.problems] == ["unknown_reference"]
