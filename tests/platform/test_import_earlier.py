"""Rows of an import that refer to earlier rows of the same file, however these come to be written:
all in one piece or some at a time, in a dry run and in the run alike."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest
import sqlalchemy as sa

from tests.metadata.databases import JsonObject, object_body
from tests.platform.acting import make
from tests.platform.conditional_world import publish_more
from tests.platform.importing import csv_bytes, problems, run, undo, upload
from trellis.runtime import Platform
from trellis.transfer import earlier, import_steps
from trellis.transfer.tables import import_row, import_word

TEXT: JsonObject = {"type": "string"}
NODE = object_body(
    {
        "code": {"type": "string", "crm": {"unique": True}},
        "word": TEXT,
        "name": {**TEXT, "readOnly": True, "crm": {"formula": 'concat("N ", word)'}},
        "kind": TEXT,
        "parent": {"type": "string", "crm": {"field": "tree", "reverse": "below"}},
        "boss": {"type": "string", "crm": {"field": "reference", "to": "node", "reverse": "staff"}},
        "sees": {
            "type": "array",
            "crm": {"field": "many_to_many", "to": "node", "reverse": "seen"},
        },
        "about": {"type": "object", "crm": {"field": "any_reference", "to": ["lead", "node"]}},
    },
    plural="Nodes",
    name_field="name",
)
RULES = """ruleset nodes "Nodes" version 1

validate bad on node { forbid kind = "bad" message "Bad" at kind }
validate under on node { forbid parent.kind = "leaf" message "Below a leaf" at parent }
"""
HEADERS = ["code", "word", "kind", "parent", "boss", "sees"]
COLUMNS = {"parent": "parent.by.code", "boss": "boss.by.name", "sees": "sees"}
ROWS = 14
Row = Sequence[str]


@pytest.fixture
def nodes(platform: Platform) -> Platform:
    publish_more(platform, {"node": NODE}, {"rules/nodes": {"text": RULES}})
    return platform


def in_order(rows: list[Row], _: random.Random) -> None:
    """Leaves parents before their children."""


def backwards(rows: list[Row], _: random.Random) -> None:
    rows.reverse()


def shuffled(rows: list[Row], chance: random.Random) -> None:
    chance.shuffle(rows)


def tree(chance: random.Random, seed: str) -> list[Row]:
    """Gives rows of which most are below the ones before, some bad and some below nothing."""
    rows: list[Row] = []
    for number in range(ROWS):
        known = range(number)
        up = chance.choice([*known, *known, "gone"]) if number else ""
        boss = chance.choice(["", *known])
        sees = chance.choice(["", "", *known])
        kind = chance.choice(["", "", "", "", "leaf", "bad"])
        rows.append(
            [
                f"{seed}-{number}",
                f"{seed} {number}",
                kind,
                "" if up == "" else f"{seed}-{up}",
                "" if boss == "" else f"N {seed} {boss}",
                "" if sees == "" else f"{seed}-{sees}",
            ]
        )
    return rows


def expected(rows: Sequence[Row]) -> list[str]:
    """Gives what becomes of rows, done one after the other."""
    kinds: dict[str, str] = {}
    told = []
    for code, word, kind, *wanted in rows:
        found = all(not one or one in kinds for one in wanted)
        fits = kind != "bad" and kinds.get(wanted[0]) != "leaf"
        told.append("create" if found and fits else "error")
        if told[-1] == "create":
            kinds |= {code: kind, f"N {word}": kind}
    return told


def outcomes(platform: Platform, column: sa.Column[str], run_id: str) -> list[str]:
    query = sa.select(column).where(import_row.c.run == run_id).order_by(import_row.c.number)
    with platform.database.read() as connection:
        return list(connection.scalars(query))


@pytest.mark.parametrize("order", [in_order, backwards, shuffled])
@pytest.mark.parametrize("at_once", [1, 2, 5, 500])
def test_earlier_rows_count_whatever_the_order_and_the_chunk(
    nodes: Platform,
    monkeypatch: pytest.MonkeyPatch,
    order: Callable[[list[Row], random.Random], None],
    at_once: int,
) -> None:
    """What a row becomes is what it becomes when all are done one after the other."""
    monkeypatch.setattr(import_steps, "ROWS_AT_ONCE", at_once)
    chance = random.Random(at_once)
    for seed in range(4):
        rows = tree(chance, f"s{seed}")
        order(rows, chance)
        started = upload(nodes, "admin", "node", csv_bytes([HEADERS, *rows]))
        dry = run(nodes, "admin", started, dry=True, columns=COLUMNS)
        assert outcomes(nodes, import_row.c.checked, started.id) == expected(rows)
        foreseen = problems(nodes, "admin", started)
        assert run(nodes, "admin", started) == dry
        assert outcomes(nodes, import_row.c.result, started.id) == expected(rows)
        assert problems(nodes, "admin", started) == foreseen


@pytest.mark.parametrize("policy", ["create", "upsert", "skip"])
def test_rows_of_one_key_end_as_the_dry_run_foresees(
    nodes: Platform, monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    chance = random.Random(policy)
    headers = ["code", "word", "kind", "boss"]
    for seed in range(6):
        monkeypatch.setattr(import_steps, "ROWS_AT_ONCE", chance.choice([1, 3, 6, 500]))
        codes = [f"{policy}{seed}-{number}" for number in range(5)]
        make(nodes, "admin", "node", code=codes[0])
        rows = [
            [
                chance.choice(codes),
                str(number),
                chance.choice(["", "", "bad"]),
                chance.choice(["", *codes]),
            ]
            for number in range(ROWS)
        ]
        started = upload(nodes, "admin", "node", csv_bytes([headers, *rows]))
        settings = {"columns": {"boss": "boss.by.code"}, "policy": policy, "match": "code"}
        run(nodes, "admin", started, dry=True, **settings)
        foreseen = problems(nodes, "admin", started)
        run(nodes, "admin", started)
        checked = outcomes(nodes, import_row.c.checked, started.id)
        assert outcomes(nodes, import_row.c.result, started.id) == checked, (seed, rows)
        assert problems(nodes, "admin", started) == foreseen


def test_a_row_that_failed_made_nothing(nodes: Platform) -> None:
    content = csv_bytes([["code", "kind", "parent"], ["A", "bad", ""], ["B", "", "A"]])
    started = upload(nodes, "admin", "node", content)
    told = {2: [("/kind", "rule")], 3: [("/parent", "unknown_reference")]}
    for dry in (True, False):
        assert run(nodes, "admin", started, dry=dry, columns={"parent": "parent.by.code"}) == {
            "error": 2
        }
        assert problems(nodes, "admin", started) == told


def test_any_reference_leads_to_an_earlier_row_too(nodes: Platform) -> None:
    rows = [["code", "about"], ["A", ""], ["B", "node:A"], ["C", "node:C"]]
    started = upload(nodes, "admin", "node", csv_bytes(rows))
    for dry in (True, False):
        assert run(nodes, "admin", started, dry=dry) == {"create": 2, "error": 1}


def test_two_earlier_rows_of_one_name_are_ambiguous(
    nodes: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_steps, "ROWS_AT_ONCE", 1)
    rows = [["code", "word", "boss"], ["A", "x", ""], ["B", "x", ""], ["C", "", "N x"]]
    started = upload(nodes, "admin", "node", csv_bytes(rows))
    for dry in (True, False):
        counts = run(nodes, "admin", started, dry=dry, columns={"boss": "boss.by.name"})
        assert counts == {"create": 2, "error": 1}
        assert problems(nodes, "admin", started) == {4: [("/boss", "ambiguous_reference")]}


def test_long_chains_are_checked_without_their_far_ends(
    nodes: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a dry run makes once more has a bound; what it foresees is true all the same."""
    monkeypatch.setattr(import_steps, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(earlier, "MOST_AGAIN", 3)
    chain = [[f"c{n}", f"c{n - 1}" if n else ""] for n in range(20)]
    started = upload(nodes, "admin", "node", csv_bytes([["code", "boss"], *chain]))
    for dry in (True, False):
        assert run(nodes, "admin", started, dry=dry, columns={"boss": "boss.by.code"}) == {
            "create": 20
        }
    assert undo(nodes, "admin", started) == {"undone": 20}


def test_words_are_kept_of_one_dry_run_and_only_where_rows_may_refer_to_rows(
    nodes: Platform,
) -> None:
    def kept() -> int:
        with nodes.database.read() as connection:
            return len(connection.execute(sa.select(import_word)).all())

    plain = upload(nodes, "admin", "node", csv_bytes([["code"], ["A"], ["B"]]))
    run(nodes, "admin", plain, dry=True)
    assert kept() == 0
    told = upload(nodes, "admin", "node", csv_bytes([["code", "boss"], ["A", ""], ["B", "A"]]))
    for _ in range(2):
        assert run(nodes, "admin", told, dry=True) == {"create": 2}
        assert kept() == 4
