"""Rules after a save and around a deletion: carried out in the transaction, each once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from metadata.access import Principal, everything
from metadata.elements import Element
from metadata.problems import sentence
from tests.metadata.databases import JsonObject, element, object_body
from tests.platform.computed_world import (
    NUMBER,
    TEXT,
    World,
    computed,
    reference,
    rules,
    world_of,
)
from trellis.automation.holds import hold_of
from trellis.automation.outbox import outbox
from trellis.db import Database
from trellis.errors import Missing, Refused
from trellis.records.batch import Op, save_batch
from trellis.records.handover import hand_over
from trellis.records.history import history_of
from trellis.records.reach import target_of
from trellis.records.save import save_record

STATE: JsonObject = {
    "type": "string",
    "enum": ["new", "won", "lost"],
    "default": "new",
}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


def objects(**more: JsonObject) -> list[Element]:
    """Gives accounts, deals of them, and tasks of deals."""
    total = computed(NUMBER, rollup="sum(deals.n)")
    return [
        element("account", object_body({"name": TEXT, "n": NUMBER, "note": TEXT, "total": total})),
        element(
            "deal",
            object_body(
                {
                    "name": TEXT,
                    "n": NUMBER,
                    "state": STATE,
                    "note": TEXT,
                    "account": reference("account", reverse="deals"),
                    **more,
                }
            ),
        ),
        element("task", object_body({"name": TEXT, "deal": reference("deal"), "rank": NUMBER})),
    ]


def all_of(world: World, object_name: str) -> list[dict[str, Any]]:
    """Gives the living records of an object, oldest first."""
    table = world.catalog.tables[object_name]
    ids = world.connection.execute(
        sa.select(table.c.id).where(table.c.deleted_at.is_(None)).order_by(table.c.id)
    ).scalars()
    return [dict(world.get(object_name, one)) for one in ids.all()]


def person(world: World) -> str:
    """Gives the id of somebody who can be told."""
    now = world.unit.moment.now
    row = {"id": "boss", "name": "Boss", "version": 1, "created_at": now, "updated_at": now}
    world.connection.execute(sa.insert(world.catalog.tables["user"]).values(row))
    return "boss"


def told(world: World) -> list[tuple[str, list[str]]]:
    """Gives what is to be told, and to whom."""
    rows = world.connection.execute(sa.select(outbox).order_by(outbox.c.id)).all()
    assert {row.action for row in rows} <= {"notify"}
    return [(row.payload["kind"], row.payload["recipients"]) for row in rows]


WON = """
rule won on deal after create, update order 1 {
    when state changed and state = "won"
    set note to "won"
    create task { name: "thank", deal: id, rank: 2 }
    set account.note to "customer"
    lock
    notify owner using "deal_won"
}
rule ranked on task after create {
    when rank > 1
    set deal.n to 7
}
"""


def test_a_rule_after_a_save_does_all_that_it_says_in_the_same_transaction(
    database: Database,
) -> None:
    with world_of(database, [*objects(), rules(WON)]) as world:
        boss = person(world)
        account = world.save("account", name="A")
        saved = save_record(
            world.unit,
            "deal",
            None,
            {"name": "D", "account": account, "owner": boss},
            channel="api",
        )
        assert (saved.version, told(world), all_of(world, "task")) == (1, [], [])
        after = save_record(world.unit, "deal", saved.id, {"state": "won"}, channel="api")
        deal = world.get("deal", saved.id)
        # The person's change, the rule's own fields, and what the rule of the task wrote back.
        assert (after.version, deal["version"]) == (4, 4)
        assert (deal["note"], deal["n"], dict(after.record)["n"]) == ("won", Decimal(7), Decimal(7))
        assert world.get("account", account)["note"] == "customer"
        assert world.get("account", account)["total"] == Decimal(7)
        assert [(one["name"], one["deal"]) for one in all_of(world, "task")] == [
            ("thank", saved.id)
        ]
        assert told(world) == [("deal_won", [boss])]
        hold = hold_of(world.unit, world.catalog.objects["deal"], saved.id)
        assert hold is not None
        assert hold.cause == "won"
        entries, _ = history_of(world.unit, "deal", saved.id)
        causes = {one.version: (one.channel, one.rules) for one in entries}
        assert causes == {
            1: ("api", ()),
            2: ("api", ()),
            3: ("rule", ("won",)),
            4: ("rule", ("ranked",)),
        }


def test_nothing_runs_when_nothing_changed_or_no_condition_holds(database: Database) -> None:
    with world_of(database, [*objects(), rules(WON)]) as world:
        deal = world.save("deal", name="D", state="won")
        assert len(all_of(world, "task")) == 1
        version = world.get("deal", deal)["version"]
        world.save("deal", deal, state="won")
        world.save("deal", deal, name="E")
        assert len(all_of(world, "task")) == 1
        assert world.get("deal", deal)["version"] == int(str(version)) + 1


def test_rules_that_wake_each_other_end(database: Database) -> None:
    text = """
    rule up on deal after update max depth 8 { when n changed set account.n to n + 1 }
    rule down on account after update max depth 8 { when n changed create deal { n: n } }
    """
    with world_of(database, [*objects(), rules(text)]) as world:
        account = world.save("account", name="A", n=1)
        deal = world.save("deal", account=account, n=1)
        world.save("deal", deal, n=5)
        assert world.get("account", account)["n"] == Decimal(6)
        assert [one["n"] for one in all_of(world, "deal")] == [Decimal(5), Decimal(6)]


def test_a_rule_that_fails_refuses_the_save_and_all_it_set_off(database: Database) -> None:
    text = """
    rule first on deal after create order 1 { create task { name: "made" } }
    rule never on task after create { when name = "made" fail "No tasks today" }
    """
    with world_of(database, [*objects(), rules(text)]) as world:
        inner = world.connection.begin_nested()
        with pytest.raises(Refused) as caught:
            world.save("deal", name="D")
        inner.rollback()
        (problem,) = caught.value.problems
        assert (problem.path, problem.code) == ("", "rule_failed")
        assert sentence(problem) == 'The rule "first" failed in Task: No tasks today'
        assert (all_of(world, "deal"), all_of(world, "task")) == ([], [])


def test_of_rules_that_woke_each_other_the_one_that_failed_is_named(database: Database) -> None:
    text = """
    rule one on account after create { create deal { name: "made", account: id } }
    rule two on deal after create { create task { name: "made" } }
    rule never on task after create { fail "No tasks today" }
    """
    with world_of(database, [*objects(), rules(text)]) as world:
        with pytest.raises(Refused) as caught:
            world.save("account", name="A")
        (problem,) = caught.value.problems
        assert sentence(problem) == 'The rule "two" failed in Task: No tasks today'


def test_what_a_rule_writes_must_be_right(database: Database) -> None:
    required = element("task", {**object_body({"name": TEXT, "deal": reference("deal")}),
                                "required": ["name"]})  # fmt: skip
    text = "rule first on deal after create { create task { deal: id } }"
    world_objects = [*objects()[:2], required, rules(text)]
    with world_of(database, world_objects) as world, pytest.raises(Refused) as caught:
        world.save("deal", name="D")
    (problem,) = caught.value.problems
    assert problem.code == "rule_failed"
    assert sentence(problem) == 'The rule "first" failed in Task: Name: Must be filled in'
    assert sentence(problem, "zh") == "规则“first”执行失败（Task：Name: 必须填写）"


def test_somebody_hears_nothing_of_an_object_that_she_does_not_know(database: Database) -> None:
    text = """
    rule first on deal after create { create task { name: "made" } }
    rule never on task after create { fail "No tasks today" }
    """
    with world_of(database, [*objects(), rules(text)]) as world:
        her = Principal("p", {"id": "p"}, grants={"deal": everything("deal")})
        with pytest.raises(Refused) as caught:
            save_record(replace(world.unit, principal=her), "deal", None, {}, channel="api")
        assert [sentence(one) for one in caught.value.problems] == ['The rule "first" failed']


DELETION = """
rule kept on deal before delete { when state = "won" fail "Won deals stay" }
rule gone on deal after delete {
    set account.note to "lost one"
    notify account.owner using "deal_gone"
}
"""


def test_rules_around_a_deletion(database: Database) -> None:
    with world_of(database, [*objects(), rules(DELETION)]) as world:
        boss = person(world)
        account = world.save("account", name="A", owner=boss)
        won = world.save("deal", name="D", state="won", account=account)
        with pytest.raises(Refused) as caught:
            world.delete("deal", won)
        assert sentence(caught.value.problems[0]) == "Won deals stay"
        assert world.get("deal", won)["deleted_at"] is None
        open_deal = world.save("deal", name="E", account=account)
        world.delete("deal", open_deal)
        assert world.get("account", account)["note"] == "lost one"
        assert told(world) == [("deal_gone", [boss])]
        with pytest.raises(Missing):
            world.save("deal", open_deal, note="no")


def test_a_record_that_is_gone_is_left_alone(database: Database) -> None:
    text = 'rule r on deal after update { when n changed set account.note to "seen" }'
    with world_of(database, [*objects(), rules(text)]) as world:
        account = world.save("account", name="A")
        deal = world.save("deal", account=account, n=1)
        table = world.catalog.tables["account"]
        world.connection.execute(
            sa.update(table).where(table.c.id == account).values(deleted_at=world.unit.moment.now)
        )
        world.save("deal", deal, n=2)
        assert world.get("deal", deal)["n"] == Decimal(2)


def test_what_others_compute_wakes_their_rules(database: Database) -> None:
    text = """
    rule seen on account before save { when total > 100 { set n to 1 } }
    rule big on account after update { when n changed set note to "big" }
    """
    with world_of(database, [*objects(), rules(text)]) as world:
        account = world.save("account", name="A")
        world.save("deal", account=account, n=500)
        found = world.get("account", account)
        assert (found["total"], found["n"], found["note"]) == (Decimal(500), Decimal(1), "big")


def test_many_at_once_run_their_rules_one_by_one(database: Database) -> None:
    with world_of(database, [*objects(), rules(WON)]) as world:
        asked = [Op("create", None, {"name": str(k), "state": "won"}) for k in range(3)]
        done = save_batch(world.unit, "deal", asked, channel="api", mode="all")
        assert [one.error for one in done] == [None] * 3
        assert len(all_of(world, "task")) == 3


def test_who_gets_a_record_is_told_by_its_rules(database: Database) -> None:
    text = 'rule given on deal after update { when owner changed notify owner using "yours" }'
    with world_of(database, [*objects(), rules(text)]) as world:
        boss = person(world)
        deal = world.save("deal", name="D")
        definition = world.catalog.objects["deal"]
        old = target_of(world.unit, definition, deal, "update")
        values = {"owner": boss, "owner_team": None, "owner_queue": None}
        hand_over(world.unit, definition, old, values, channel="api")
        assert told(world) == [("yours", [boss])]


def test_a_silent_write_runs_no_rules(database: Database) -> None:
    with world_of(database, [*objects(), rules(WON + DELETION)]) as world:
        unit = replace(world.unit, silent=True)
        save_record(unit, "deal", None, {"name": "D", "state": "won"}, channel="import")
        assert (all_of(world, "task"), told(world)) == ([], [])
