"""The law of batches: whatever is written together ends as if it were written one by one."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from metadata.elements import Element
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
from trellis.db import Database
from trellis.records.batch import BatchRefused, Op, Outcome, Writing, save_batch
from trellis.records.history import record_history

OPS = 14
SEEDS = 12
RULES = """
rule size "Size" on item before save {
    when n > 50 { set size to "big" }
    otherwise { set size to "small" }
}
rule hold "Hold" on item before save {
    when n = 66 { lock }
    when n = 1 { unlock }
}
rule full "Full" on box before save { when total > 90 set full to "yes" }
score rank "Rank" on item into points {
    base 0
    add 10 when n > 10 because "some"
    add 30 when n > 60 because "many"
}
validate odd "Odd" on item { forbid n = 13 message "thirteen" at n }
"""
LOOKING = """
rule crowd "Crowd" on item before save { when box.total > 80 { set size to "late" } }
"""


def world_elements(text: str) -> list[Element]:
    properties: dict[str, JsonObject] = {
        "code": {**TEXT, "crm": {"unique": True}},
        "n": {**NUMBER, "maximum": 100},
        "size": TEXT,
        "points": {"type": "integer"},
        "twice": computed(NUMBER, formula="n * 2"),
        "box": reference("box", reverse="items", on_delete="set_null"),
    }
    box = {
        "name": {**TEXT, "crm": {"unique": True}},
        "total": computed(NUMBER, rollup="sum(items.n)"),
        "full": TEXT,
    }
    return [
        element("box", object_body(box)),
        element("item", object_body(properties, required=["n"])),
        rules(text),
    ]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


def made(world: World) -> tuple[list[str], list[str]]:
    """Gives some boxes and some items in them."""
    boxes = [world.save("box", name=f"b{place}") for place in range(3)]
    items = [
        world.save("item", code=f"i{place}", n=place * 7, box=boxes[place % 3])
        for place in range(6)
    ]
    return boxes, items


def drawn(draw: random.Random, boxes: Sequence[str], items: Sequence[str]) -> list[Op]:
    """Gives writes of all kinds, many of them wrong in some way."""
    return [one_drawn(draw, boxes, items) for _ in range(OPS)]


def one_drawn(draw: random.Random, boxes: Sequence[str], items: Sequence[str]) -> Op:
    values: dict[str, Any] = {
        "code": draw.choice([None, *(f"i{n}" for n in range(4, 12)), *(f"c{n}" for n in range(9))]),
        "n": draw.choice([0, 1, 13, 20, 55, 66, 70, 99, 101, "x"]),
        "box": draw.choice([None, "nobody", "b1", *boxes]),
    }
    sent = {name: values[name] for name in draw.sample(sorted(values), draw.randint(1, 3))}
    kind = draw.choice(["create", "create", "update", "update", "update", "delete"])
    if kind == "create":
        return Op("create", None, sent)
    version = draw.choice([None, None, None, 1, 2])
    record_id = draw.choice([*items, "missing"])
    return Op("delete" if kind == "delete" else "update", record_id, sent, version)


def told(outcomes: Sequence[Outcome], names: Mapping[str, str]) -> list[object]:
    """Gives outcomes with new records named by their place."""
    return [
        (
            names.get(str(one.id), one.id),
            one.version,
            type(one.error).__name__,
            sorted((problem.path, problem.code) for problem in one.problems),
        )
        for one in outcomes
    ]


def state(world: World, names: Mapping[str, str]) -> list[object]:
    """Gives all records with what history and locks say of them; roll-ups tell it but once."""
    tables, connection = world.catalog.tables, world.connection
    found: list[object] = []
    for name in ("box", "item"):
        for row in connection.execute(sa.select(tables[name])).mappings():
            values = {key: names.get(str(one), one) for key, one in row.items()}
            found.append((name, *sorted(values.items(), key=str)))
    items = world.catalog.objects["item"].id
    columns = record_history.c
    asked = sa.select(columns.record_id, columns.version, columns.changes, columns.rules)
    for key, version, stored, _ in connection.execute(asked.where(columns.object == items)):
        changes = {name: [names.get(str(v), v) for v in two] for name, two in stored.items()}
        found.append(("history", names.get(key, key), version, changes))
    held = connection.exec_driver_sql("SELECT record_id, cause FROM record_lock")
    found += [("lock", names.get(row[0], row[0]), row[1]) for row in held]
    return sorted(found, key=str)


def outcome(world: World, ops: Sequence[Op], *, together: bool) -> tuple[object, object]:
    """Gives what writes come to, undone afterwards."""
    with world.connection.begin_nested() as savepoint:
        if together:
            done = save_batch(world.unit, "item", ops, channel="api", mode="each")
        else:
            writing = Writing(world.unit, "item", "api", None, None)
            done = [writing.one(op) for op in ops]
        new = [str(one.id) for one, op in zip(done, ops, strict=True) if op.op == "create"]
        names = {record_id: f"new {place}" for place, record_id in enumerate(new)}
        found = told(done, names), state(world, names)
        savepoint.rollback()
    return found


@pytest.mark.parametrize("text", [RULES, RULES + LOOKING], ids=["alone", "looking around"])
def test_batches_end_as_single_writes_do(database: Database, text: str) -> None:
    with world_of(database, world_elements(text)) as world:
        boxes, items = made(world)
        for seed in range(SEEDS):
            ops = drawn(random.Random(seed), boxes, items)
            assert outcome(world, ops, together=True) == outcome(world, ops, together=False), seed


def test_all_or_none_tells_everything(database: Database) -> None:
    with world_of(database, world_elements(RULES)) as world:
        ops = [Op("create", None, {"n": n, "code": "same"}) for n in (1, 13, 2)]
        with pytest.raises(BatchRefused) as caught:
            save_batch(world.unit, "item", ops, channel="api", mode="all")
        assert told(caught.value.outcomes, {})[1:] == [
            (None, None, "Refused", [("/n", "rule")]),
            (None, None, "Refused", [("/code", "unique")]),
        ]


def test_statements_do_not_grow_with_the_batch(database: Database) -> None:
    with world_of(database, world_elements(RULES)) as world:
        boxes, _ = made(world)
        counts = []
        for size in (10, 30):
            statements: list[str] = []
            ops = [
                Op("create", None, {"n": 2, "code": f"{size}-{n}", "box": boxes[n % 3]})
                for n in range(size)
            ]

            def note(_c: object, _cursor: object, text: str, *_rest: object) -> None:
                statements.append(text)  # noqa: B023  # used within the round

            sa.event.listen(world.connection, "before_cursor_execute", note)
            outcomes = save_batch(world.unit, "item", ops, channel="api", mode="all")
            sa.event.remove(world.connection, "before_cursor_execute", note)
            assert len(outcomes) == size
            counts.append(len(statements))
        assert counts[0] == counts[1] < 40, statements
