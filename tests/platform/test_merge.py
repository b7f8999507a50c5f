"""Merging records and taking it back: values, everything that points at them, rights, ids."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.platform.acting import (
    acting,
    database_hash,
    make,
    restrict_field,
    stored,
    system,
    trying,
)
from tests.platform.nested_world import publish_orders
from trellis.audit.tables import audit_event
from trellis.duplicates.choice import PREFERENCES, Wish
from trellis.duplicates.merge import Merge, merge_records
from trellis.duplicates.redirects import survivor_of
from trellis.duplicates.unmerge import Unmerge, unmerge_records
from trellis.errors import Conflict, Missing, NotAllowed, RecordError, Refused
from trellis.records.delete import restore_record
from trellis.records.history import history_of
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.unit import Unit

KEEP = Wish({})


def merge(
    platform: Platform,
    name: str,
    survivor: str,
    others: Sequence[str],
    wish: Wish = KEEP,
    *,
    by: str = "diana",
    dry_run: bool = False,
) -> Merge:
    with acting(platform, by) as unit:
        return merge_records(unit, name, survivor, others, wish, channel="api", dry_run=dry_run)


def unmerge(platform: Platform, name: str, survivor: str, *, by: str = "diana") -> Unmerge:
    with acting(platform, by) as unit:
        return unmerge_records(unit, name, survivor, channel="api")


def change(platform: Platform, object_name: str, record_id: str, /, **values: object) -> None:
    with system(platform) as unit:
        save_record(unit, object_name, record_id, values, channel="api")


def test_merge_takes_values_and_all_that_points_there(platform: Platform) -> None:
    keep = make(platform, "diana", "account", name="Acme", phone="+8613800138000")
    gone = make(platform, "diana", "account", name="Acme Inc.", website="https://acme.example")
    contact = make(platform, "diana", "contact", name="Li Wei", account=gone)
    child = make(platform, "diana", "account", name="Acme Shop", parent=gone)
    merge(platform, "account", keep, [gone])
    kept = stored(platform, "account", keep)
    assert (kept["name"], kept["phone"], kept["website"]) == (
        "Acme",
        "+8613800138000",
        "https://acme.example",
    )
    assert stored(platform, "contact", contact)["account"] == keep
    assert stored(platform, "account", child)["parent"] == keep
    assert stored(platform, "account", gone)["deleted_at"] is not None
    with acting(platform, "diana") as unit:
        newest = history_of(unit, "contact", contact)[0][0]
        assert (newest.why, newest.changes) == ("merged", {"account": (gone, keep)})
        assert survivor_of(unit, "account", gone) == keep
        kinds = unit.connection.scalars(sa.select(audit_event.c.kind)).all()
        assert kinds.count("merge") == 1


def test_merge_takes_links_rows_and_pointers_to_anything(platform: Platform) -> None:
    publish_orders(platform)
    tags = [make(platform, "rita", "tag", name=name) for name in ("red", "blue")]
    keep = make(
        platform,
        "rita",
        "order",
        name="One",
        tags=[tags[0]],
        lines=[{"product": "a", "price": 2, "quantity": 1}],
    )
    gone = make(
        platform,
        "rita",
        "order",
        name="Two",
        tags=tags,
        lines=[{"product": "b", "price": 3, "quantity": 2}],
    )
    memo = make(platform, "rita", "memo", name="About", about=f"order:{gone}")
    merge(platform, "order", keep, [gone], by="rita")
    with acting(platform, "rita") as unit:
        assert whole(unit, keep) == ({"a", "b"}, set(tags), 8)
    assert str(stored(platform, "memo", memo)["about"]) == keep
    report = unmerge(platform, "order", keep, by="rita")
    assert (report.restored, report.kept) == ((gone,), ())
    with acting(platform, "rita") as unit:
        assert whole(unit, keep) == ({"a"}, {tags[0]}, 2)
        assert whole(unit, gone) == ({"b"}, set(tags), 6)
    assert str(stored(platform, "memo", memo)["about"]) == gone


def whole(unit: Unit, order: str) -> tuple[set[object], set[object], object]:
    """Gives an order's products, tags and sum."""
    record: dict[str, Any] = unit.records().get("order", order, nested=True) or {}
    products = {one["product"] for one in record["lines"]}
    return products, {one["id"] for one in record["tags"]}, record["sum"]


CHOICES: dict[str, tuple[Callable[[str], Wish], str]] = {
    "the survivor's own": (lambda _gone: KEEP, "Old"),
    "chosen": (lambda gone: Wish({"name": gone}), "New"),
    "newest": (lambda _gone: Wish({}, "newest"), "New"),
    "most complete": (lambda _gone: Wish({}, "most_complete"), "Old"),
}


@pytest.mark.parametrize("case", CHOICES)
def test_which_value_survives(platform: Platform, case: str) -> None:
    wish, expected = CHOICES[case]
    keep = make(platform, "diana", "contact", name="Old", phone="+8613800138000", title="Buyer")
    gone = make(platform, "diana", "contact", name="New")
    merge(platform, "contact", keep, [gone], wish(gone))
    assert stored(platform, "contact", keep)["name"] == expected


def test_values_of_a_preferred_source_survive(platform: Platform) -> None:
    with system(platform) as unit:
        ids = [
            save_record(unit, "contact", None, {"name": name}, channel="import", source=name).id
            for name in ("erp", "web", "shop")
        ]
    merge(platform, "contact", ids[1], [ids[0], ids[2]], Wish({}, "source", ("shop", "erp")))
    assert stored(platform, "contact", ids[1])["name"] == "shop"


def test_merge_back_restores_what_was_not_changed_since(platform: Platform) -> None:
    keep = make(platform, "diana", "account", name="Acme")
    gone = make(platform, "diana", "account", name="Acme Inc.", phone="+8613800138000")
    other = make(platform, "diana", "account", name="Other")
    contacts = [make(platform, "diana", "contact", name=name, account=gone) for name in "ab"]
    wish = Wish({"name": gone})
    merge(platform, "account", keep, [gone], wish)
    change(platform, "account", keep, name="Acme Ltd.")
    change(platform, "contact", contacts[1], account=other)
    report = unmerge(platform, "account", keep)
    assert {(one.object, one.record, one.field) for one in report.kept} == {
        ("account", keep, "name"),
        ("contact", contacts[1], "account"),
    }
    kept, back = (stored(platform, "account", one) for one in (keep, gone))
    assert (kept["name"], kept["phone"]) == ("Acme Ltd.", None)
    assert (back["name"], back["phone"], back["deleted_at"]) == (
        "Acme Inc.",
        "+8613800138000",
        None,
    )
    assert stored(platform, "contact", contacts[0])["account"] == gone
    assert stored(platform, "contact", contacts[1])["account"] == other
    with acting(platform, "diana") as unit:
        assert survivor_of(unit, "account", gone) is None


def test_the_same_merge_twice_is_done_once(platform: Platform) -> None:
    keep = make(platform, "diana", "account", name="Acme")
    gone = make(platform, "diana", "account", name="Acme Inc.")
    first = merge(platform, "account", keep, [gone])
    before = database_hash(platform)
    second = merge(platform, "account", keep, [gone])
    assert (second.id, second.merged, second.version) == (first.id, first.merged, first.version)
    assert database_hash(platform) == before


def test_a_dry_run_changes_nothing(platform: Platform) -> None:
    keep = make(platform, "diana", "account", name="Acme")
    gone = make(platform, "diana", "account", name="Acme Inc.", phone="+8613800138000")
    make(platform, "diana", "contact", name="Li Wei", account=gone)
    before = database_hash(platform)
    made = merge(platform, "account", keep, [gone], dry_run=True)
    assert (made.moved, made.fields, made.dry_run) == (1, ("phone",), True)
    assert database_hash(platform) == before


def test_ids_lead_on_over_several_merges(platform: Platform) -> None:
    one, two, three = (make(platform, "diana", "account", name=name) for name in "abc")
    merge(platform, "account", two, [one])
    merge(platform, "account", three, [two])
    with acting(platform, "diana") as unit:
        assert survivor_of(unit, "account", one) == three


def test_an_undone_merge_is_over_after_thirty_days(platform: Platform) -> None:
    keep, gone = (make(platform, "diana", "account", name=name) for name in "ab")
    merge(platform, "account", keep, [gone])
    with acting(platform, "diana") as unit:
        at = unit.moment.now + timedelta(days=30, seconds=1)
        later = replace(unit, moment=replace(unit.moment, now=at))
        with pytest.raises(Conflict) as late:
            unmerge_records(later, "account", keep, channel="api")
    assert [problem.code for problem in late.value.problems] == ["unmerge_late"]


def test_a_merged_record_comes_back_by_undoing_its_merge(platform: Platform) -> None:
    keep, gone = (make(platform, "diana", "account", name=name) for name in "ab")
    contact = make(platform, "diana", "contact", name="Li Wei", account=gone)
    merge(platform, "account", keep, [gone])
    before = database_hash(platform)
    with pytest.raises(Conflict) as error, acting(platform, "diana") as unit:
        restore_record(unit, "account", gone, channel="api")
    assert codes(error.value) == [("", "restore_merged")]
    assert database_hash(platform) == before
    assert unmerge(platform, "account", keep).restored == (gone,)
    assert stored(platform, "contact", contact)["account"] == gone
    assert merge(platform, "account", keep, [gone]).merged == (gone,)


def test_a_merged_record_is_restored_when_its_merge_stays(platform: Platform) -> None:
    keep, gone = (make(platform, "diana", "account", name=name) for name in "ab")
    first = merge(platform, "account", keep, [gone])
    with acting(platform, "diana") as unit:
        at = unit.moment.now + timedelta(days=30, seconds=1)
        later = replace(unit, moment=replace(unit.moment, now=at))
        restore_record(later, "account", gone, channel="api")
        assert survivor_of(unit, "account", gone) is None
    assert stored(platform, "account", gone)["deleted_at"] is None
    second = merge(platform, "account", keep, [gone])
    assert (second.id != first.id, second.merged) == (True, (gone,))
    assert stored(platform, "account", gone)["deleted_at"] is not None


def test_a_merged_record_that_lives_is_in_nobody_s_way(platform: Platform) -> None:
    """Before restoring it was refused it was done."""
    keep, gone, more = (make(platform, "diana", "account", name=name) for name in "abc")
    contact = make(platform, "diana", "contact", name="Li Wei", account=gone)
    first = merge(platform, "account", keep, [gone, more])
    bring_to_life(platform, gone)
    again = merge(platform, "account", keep, [gone])
    assert (again.id != first.id, again.merged) == (True, (gone,))
    assert stored(platform, "account", gone)["deleted_at"] is not None
    bring_to_life(platform, gone)
    for restored in ((), (more,)):
        assert unmerge(platform, "account", keep).restored == restored
    assert stored(platform, "contact", contact)["account"] == gone
    assert {stored(platform, "account", one)["deleted_at"] for one in (gone, more)} == {None}


def bring_to_life(platform: Platform, account: str) -> None:
    with system(platform) as unit:
        table = unit.catalog.tables["account"]
        lives = table.update().where(table.c.id == account)
        unit.connection.execute(lives.values(deleted_at=None))


def codes(error: RecordError) -> list[tuple[str, str]]:
    return [(problem.path, problem.code) for problem in error.problems]


REFUSED: dict[str, tuple[Callable[[str, str], tuple[str, list[str], Wish]], object, str]] = {
    "nothing": (lambda a, _b: (a, [], KEEP), Refused, "merge_nothing"),
    "itself": (lambda a, _b: (a, [a], KEEP), Refused, "merge_self"),
    "unknown record": (lambda a, _b: (a, ["nobody"], KEEP), Missing, "missing_record"),
    "unknown field": (lambda a, b: (a, [b], Wish({"nothing": b})), Refused, "not_known"),
    "strange record": (lambda a, b: (a, [b], Wish({"name": "x"})), Refused, "not_known"),
    "unknown preference": (lambda a, b: (a, [b], Wish({}, "oldest")), Refused, "not_known"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(platform: Platform, case: str) -> None:
    ask, kind, code = REFUSED[case]
    ids = [make(platform, "diana", "account", name=name) for name in "ab"]
    survivor, others, wish = ask(ids[0], ids[1])
    before = database_hash(platform)
    with pytest.raises(RecordError) as error:
        merge(platform, "account", survivor, others, wish)
    assert isinstance(error.value, kind)  # type: ignore[arg-type]
    assert [found for _, found in codes(error.value)] == [code]
    assert database_hash(platform) == before


def test_sec_05_rights_on_every_record_come_first(platform: Platform) -> None:
    mine = make(platform, "rita", "lead", name="Mine", lead_source="web")
    other = make(platform, "rita", "lead", name="Mine too", lead_source="web")
    strange = make(platform, "ron", "lead", name="His", lead_source="web")
    before = database_hash(platform)
    with pytest.raises(Missing):
        merge(platform, "lead", mine, [strange], by="rita")
    with pytest.raises(NotAllowed) as error:
        merge(platform, "lead", mine, [other], by="rita")
    assert error.value.problems[0].values["action"] == "delete"
    assert database_hash(platform) == before


def test_sec_01_hidden_values_pass_unseen(platform: Platform) -> None:
    restrict_field(platform, "sales_director", "contact", "birthday", "hidden")
    keep, gone = (make(platform, "diana", "contact", name=name) for name in "ab")
    change(platform, "contact", gone, birthday="1990-01-02")
    with pytest.raises(Refused) as error:
        merge(platform, "contact", keep, [gone], Wish({"birthday": gone}))
    unknown = error.value.problems[0]
    assert (unknown.path, unknown.code) == ("/fields/birthday", "not_known")
    assert "birthday" not in str(unknown.values["known"])
    made = merge(platform, "contact", keep, [gone])
    assert made.fields == ()
    assert str(stored(platform, "contact", keep)["birthday"]) == "1990-01-02"
    assert unmerge(platform, "contact", keep).fields == ()
    assert stored(platform, "contact", keep)["birthday"] is None


def restamp(platform: Platform, record_id: str, **stamps: object) -> None:
    """Changes what the platform alone sets."""
    with system(platform) as unit:
        table = unit.catalog.tables["contact"]
        unit.connection.execute(table.update().where(table.c.id == record_id).values(stamps))


@pytest.mark.parametrize("prefer", PREFERENCES)
def test_sec_01_what_is_hidden_gives_no_order(platform: Platform, prefer: str) -> None:
    """Neither by what is filled, nor by when it was changed, nor by where it came from."""
    for field in ("birthday", "updated_at", "source", "account"):
        restrict_field(platform, "sales_director", "contact", field, "hidden")
    restrict_field(platform, "sales_director", "contact", "phone", "masked")
    keep = make(platform, "diana", "contact", name="Keep", title="Buyer")
    gone = [make(platform, "diana", "contact", name=name, notes=name) for name in ("One", "Two")]
    told = []
    for first, second in (gone, gone[::-1]):
        with system(platform) as unit:
            now = unit.moment.now
        change(platform, "contact", first, birthday="1990-01-02", phone="+8613800138000")
        change(platform, "contact", second, birthday=None, phone=None)
        restamp(platform, first, source="best", updated_at=now, updated_by=None)
        long_ago = now - timedelta(days=9)
        restamp(platform, second, source=None, updated_at=long_ago, updated_by=None)
        wish = Wish({}, prefer, ("best",))
        for others in (gone, gone[::-1]):
            try:
                made = merge(platform, "contact", keep, others, wish, dry_run=True)
            except Refused as refused:
                told.append([(one.path, one.code, one.values["known"]) for one in refused.problems])
                continue
            assert made.version == 1
            told.append([replace(made, id="")])
            with trying(platform, "diana") as unit:
                merge_records(unit, "contact", keep, others, wish, channel="api")
                told[-1].append(unit.records().get("contact", keep, ["name", "title", "notes"]))
    assert told[:2] == told[2:]
    is_refused = prefer in {"newest", "source"}
    refusal = [("/prefer", "not_known", ["survivor", "most_complete"])]
    assert (told[0] == refusal) is is_refused


def test_sec_03_pointers_out_of_sight_are_not_counted(platform: Platform) -> None:
    keep, gone = (make(platform, "diana", "account", name=name) for name in "ab")
    make(platform, "diana", "contact", name="Li Wei", account=gone)
    assert merge(platform, "account", keep, [gone], dry_run=True).moved == 1
    restrict_field(platform, "sales_director", "contact", "account", "hidden")
    assert merge(platform, "account", keep, [gone], dry_run=True).moved == 0
    assert merge(platform, "account", keep, [gone]).moved == 0
    assert merge(platform, "account", keep, [gone]).moved == 0
    assert unmerge(platform, "account", keep).moved == 0


def test_sec_07_old_ids_lead_nowhere_for_who_may_not_read(platform: Platform) -> None:
    keep = make(platform, "diana", "lead", name="A", lead_source="web")
    gone = make(platform, "diana", "lead", name="B", lead_source="web")
    merge(platform, "lead", keep, [gone])

    def asked(unit: Unit) -> str | None:
        return survivor_of(unit, "lead", gone)

    with acting(platform, "diana") as unit:
        assert asked(unit) == keep
    with acting(platform, "rita") as unit:
        assert asked(unit) is None
