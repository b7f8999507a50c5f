"""Merging records that refer to one another, and taking that back: whatever their fields say of
deletions, all is as it was, and what cannot be so any more is left and named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa

from tests.platform.acting import acting, database_hash, make, stored, system
from tests.platform.conditional_world import JsonObject, publish_more
from tests.platform.nested_world import TEXT, reference
from tests.platform.test_merge import change, codes, merge, unmerge
from trellis.duplicates.choice import Wish
from trellis.duplicates.unmerge import Unmerge
from trellis.errors import Refused
from trellis.records.delete import delete_record
from trellis.records.history import history_of
from trellis.runtime import Platform

WHO = "rita"
POINTERS: Mapping[str, JsonObject] = {
    "set_null": reference("part", on_delete="set_null"),
    "restrict": reference("part", on_delete="restrict"),
    "cascade": reference("part", on_delete="cascade"),
    "fixed": {**reference("part"), "readOnly": True},
    "tree": {"type": "string", "crm": {"field": "tree", "reverse": "below"}},
    "anything": {"type": "object", "crm": {"field": "any_reference", "to": ["part", "account"]}},
}
PART: JsonObject = {
    "title": "Part",
    "type": "object",
    "properties": {
        "name": TEXT,
        "code": {"type": "string", "crm": {"unique": True}},
        "number": {"type": "string", "crm": {"unique": True}},
        "children": {"type": "integer"},
        "account": reference("account"),
        "site": TEXT,
        "friends": {
            "type": "array",
            "title": "Friends",
            "crm": {"field": "many_to_many", "to": "part", "reverse": "friend_of"},
        },
    },
    "crm": {"plural": "Parts"},
}
RULES = """ruleset parts "Parts" version 1

rule count on part before save {
    set children to count(kids)
}

validate placed on part {
    require site is empty or anchor is not empty message "Where in it?"
}
"""


@dataclass(frozen=True)
class World:
    """Parts on a platform, of which one field, `anchor`, leads to another."""

    platform: Platform
    is_any: bool

    def part(self, name: str, above: str | None = None, **values: object) -> str:
        """Makes a part."""
        made = make(self.platform, WHO, "part", name=name, **values)
        if above is not None:
            self.place(made, above)
        return made

    def place(self, part: str, above: str | None) -> None:
        """Lets a part lead to another one."""
        value: object = {"object": "part", "id": above} if self.is_any and above else above
        change(self.platform, "part", part, anchor=value)

    def merge(self, survivor: str, *others: str, **fields: str) -> None:
        """Makes them one."""
        merge(self.platform, "part", survivor, others, Wish(fields), by=WHO)

    def unmerge(self, survivor: str) -> Unmerge:
        """Takes that back."""
        return unmerge(self.platform, "part", survivor, by=WHO)

    def delete(self, object_name: str, record_id: str) -> None:
        """Deletes a record."""
        with system(self.platform) as unit:
            delete_record(unit, object_name, record_id, channel="api")

    def anchor(self, part: str) -> str | None:
        """Gives where a part leads to."""
        found = stored(self.platform, "part", part)["anchor"]
        return None if found is None else str(found)

    def friends(self, part: str) -> set[str]:
        """Gives with which others a part is linked."""
        with system(self.platform) as unit:
            found: dict[str, Any] = unit.records().get("part", part, nested=True) or {}
        return {one["id"] for one in found["friends"]}

    def rows(self) -> list[tuple[tuple[str, Any], ...]]:
        """Gives all parts and what joins them, deleted ones too, but for their stamps."""
        with system(self.platform) as unit:
            tables = [table for name, table in unit.catalog.tables.items() if "part" in name]
            assert len(tables) == 2
            found = [row for table in tables for row in unit.connection.execute(sa.select(table))]
        stamps = {"version", "updated_at", "updated_by"}
        told = [{k: v for k, v in row._mapping.items() if k not in stamps} for row in found]
        return sorted((tuple(sorted(one.items())) for one in told), key=repr)


def publish_parts(platform: Platform, kind: str, required: Sequence[str] = ()) -> World:
    """Publishes parts with an anchor of one kind."""
    anchor = {**POINTERS[kind], "crm": {**POINTERS[kind]["crm"], "reverse": "kids"}}
    body = {**PART, "properties": {**PART["properties"], "anchor": anchor}}
    body["required"] = list(required)
    rules = RULES if kind != "anything" else RULES.replace("count(kids)", "0")
    publish_more(platform, {"part": body}, {"rules/parts": {"text": rules}})
    return World(platform, kind == "anything")


@pytest.fixture(params=list(POINTERS))
def world(platform: Platform, request: pytest.FixtureRequest) -> World:
    """Gives parts that lead to one another in one of the ways there are."""
    return publish_parts(platform, str(request.param))


@pytest.fixture
def plain(platform: Platform) -> World:
    """Gives parts of which a deletion takes nothing but the way to them."""
    return publish_parts(platform, "set_null")


# Each part with the one that it leads to, and which become part of which; there is more around.
CASES: dict[str, tuple[Sequence[tuple[str, str]], str, Sequence[str]]] = {
    "a parent into its child": ([("a", "b")], "a", "b"),
    "a child into its parent": ([("b", "a")], "a", "b"),
    "a parent and its child into a third": ([("c", "b")], "a", "bc"),
    "a child and its parent into a third": ([("b", "c")], "a", "bc"),
    "a parent that has a parent": ([("a", "b"), ("b", "c")], "a", "b"),
    "three in a row": ([("a", "b"), ("b", "c")], "a", "bc"),
    "the middle stays": ([("a", "b"), ("b", "c")], "b", "ac"),
    "the top stays": ([("a", "b"), ("b", "c")], "c", "ab"),
    "two children": ([("a", "c"), ("b", "c")], "a", "bc"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_merged_is_as_it_was_when_that_is_undone(world: World, case: str) -> None:
    leads, survivor, others = CASES[case]
    parts = {name: world.part(name, number=f"n-{name}") for name in "abc"}
    for child, above in leads:
        world.place(parts[child], parts[above])
    kid, top = world.part("kid", parts["b"]), world.part("top")
    if "c" not in dict(leads):
        world.place(parts["c"], top)
    before = world.rows()
    world.merge(parts[survivor], *(parts[one] for one in others))
    gone = {name for name in parts if stored(world.platform, "part", parts[name])["deleted_at"]}
    assert gone == set(others)
    assert (
        world.anchor(kid) == parts["a" if survivor == "a" else survivor if "b" in others else "b"]
    )
    assert world.anchor(parts[survivor]) not in {parts[name] for name in gone}
    done = world.unmerge(parts[survivor])
    assert (set(done.restored), done.kept) == ({parts[one] for one in others}, ())
    assert world.rows() == before


def test_merging_twice_is_undone_in_turn(world: World) -> None:
    a, b, c = (world.part(name) for name in "abc")
    world.place(b, a)
    world.place(c, b)
    before = world.rows()
    world.merge(c, b)
    world.merge(c, a)
    assert (world.anchor(c), stored(world.platform, "part", c)["deleted_at"]) == (None, None)
    for back in (a, b):
        done = world.unmerge(c)
        assert (done.restored, done.kept) == ((back,), ())
    assert world.rows() == before


def test_links_among_merged_records_come_back(plain: World) -> None:
    other = plain.part("other")
    b = plain.part("b", friends=[other])
    c = plain.part("c", friends=[b, other])
    a = plain.part("a", friends=[b, c])
    change(plain.platform, "part", b, friends=[other, a])
    before, friends = plain.rows(), [plain.friends(one) for one in (a, b, c)]
    plain.merge(a, b, c)
    assert plain.friends(a) == {other}
    done = plain.unmerge(a)
    assert (set(done.restored), done.kept) == ({b, c}, ())
    assert [plain.friends(one) for one in (a, b, c)] == friends
    assert plain.rows() == before


def told(done: Unmerge) -> set[tuple[str, str, str]]:
    return {(one.object, one.record, one.field) for one in done.kept}


def test_what_led_to_a_record_that_is_gone_is_left_and_named(plain: World) -> None:
    """The rest is given back all the same."""
    platform = plain.platform
    accounts = [make(platform, "rita", "account", name=name) for name in "xy"]
    gone = plain.part("b", account=accounts[1], number="2")
    keep = plain.part("a", gone, account=accounts[0], number="1")
    plain.merge(keep, gone, account=gone, number=gone)
    plain.delete("account", accounts[0])
    done = plain.unmerge(keep)
    assert (done.restored, done.fields) == ((gone,), ("number", "anchor"))
    assert told(done) == {("part", keep, "account")}
    found = stored(platform, "part", keep)
    assert (found["account"], found["number"], found["anchor"]) == (accounts[1], "1", gone)
    assert stored(platform, "part", gone)["number"] == "2"


def test_a_value_that_another_record_has_by_now_stays_there(plain: World) -> None:
    """The survivor's of before, and the one of the record that comes back."""
    platform = plain.platform
    keep = plain.part("a", code="mine")
    gone = plain.part("b", code="yours", number="7")
    plain.merge(keep, gone, code=gone)
    change(platform, "part", keep, number=None)
    others = plain.part("c", code="mine"), plain.part("d", number="7")
    done = plain.unmerge(keep)
    assert done.restored == (gone,)
    assert told(done) == {
        ("part", keep, "code"),
        ("part", keep, "number"),
        ("part", gone, "code"),
        ("part", gone, "number"),
    }
    values = [stored(platform, "part", one) for one in (keep, gone, *others)]
    assert [(one["code"], one["number"]) for one in values] == [
        ("yours", None),
        (None, None),
        ("mine", None),
        (None, "7"),
    ]
    with acting(platform, WHO) as unit:
        newest = history_of(unit, "part", gone)[0]
        lost = [entry.changes["number"] for entry in newest if "number" in entry.changes]
    assert lost[0] == ("7", None)


def test_a_required_value_that_is_taken_is_told(platform: Platform) -> None:
    world = publish_parts(platform, "set_null", required=["code"])
    keep, gone = world.part("a", code="1"), world.part("b", code="2")
    world.merge(keep, gone)
    taker = world.part("c", code="2")
    before = database_hash(platform)
    with pytest.raises(Refused) as error:
        world.unmerge(keep)
    assert codes(error.value) == [("/code", "unique")]
    assert database_hash(platform) == before
    change(platform, "part", taker, code="3")
    assert world.unmerge(keep).restored == (gone,)


def test_values_that_only_go_together_come_back_together(plain: World) -> None:
    """A validation is against the one as long as the other is not there."""
    gone = plain.part("b", code="2")
    keep = plain.part("a", gone)
    change(plain.platform, "part", keep, site="b")
    before = plain.rows()
    plain.merge(keep, gone, site=gone)
    found = stored(plain.platform, "part", keep)
    assert (found["site"], found["code"], found["anchor"]) == (None, "2", None)
    done = plain.unmerge(keep)
    assert (done.restored, done.kept) == ((gone,), ())
    assert plain.rows() == before


def test_nothing_comes_to_stand_below_itself(platform: Platform) -> None:
    """A record that was put below what was below the merged one stays where it is."""
    world = publish_parts(platform, "tree")
    top, keep = world.part("top"), world.part("a")
    gone = world.part("b", top)
    kid, other = world.part("kid", gone), world.part("other", gone)
    world.merge(keep, gone, anchor=keep)
    world.place(top, kid)
    done = world.unmerge(keep)
    assert (done.restored, told(done)) == ((gone,), {("part", kid, "anchor")})
    ways = {one: world.anchor(one) for one in (top, kid, gone, other)}
    assert ways == {top: kid, kid: keep, gone: top, other: gone}


def test_a_way_that_is_required_must_lead_elsewhere(platform: Platform) -> None:
    """Of two that only lead to one another one would be left without any: it says in what."""
    world = publish_parts(platform, "anything", required=["anchor"])
    account = make(platform, WHO, "account", name="x")
    anchor = {"object": "account", "id": account}
    gone = world.part("b", anchor=anchor)
    keep = world.part("a", anchor={"object": "part", "id": gone})
    world.place(gone, keep)
    before = database_hash(platform)
    with pytest.raises(Refused) as error:
        world.merge(keep, gone)
    assert codes(error.value) == [("/anchor", "required")]
    assert database_hash(platform) == before
    change(platform, "part", keep, anchor=anchor)
    world.merge(keep, gone)
    assert world.anchor(keep) == account
    assert world.unmerge(keep).kept == ()
    assert (world.anchor(keep), world.anchor(gone)) == (account, keep)
