"""Other engines beside ours: rounds in their process take turns with rounds in this one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from metadata.schema import schema_of
from rule_engine import compile_program, parse
from rule_engine.backends.python.scores import compile_points
from rule_engine.services.score import score
from tests.bench.by_hand import by_hand
from tests.bench.clock import Row, medians
from tests.bench.leads import LEAD, leads, ruleset
from tests.bench.peers.texts import ENGINES, Writer, plain_record
from tests.bench.rules import NOW, surroundings

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
READY = ROOT / ".venv-peers" / ".ready"
RECORDS, ROUNDS = 200, 15
AGAINST = "hand-written Python"
MISSING = """\
THE OTHER ENGINES ARE NOT MEASURED: .venv-peers is missing. `make bench` makes it from
requirements-peers.lock; without a package index it cannot.
"""


class Peers:
    """The process of the other engines."""

    def __init__(self, task: Mapping[str, object]) -> None:
        script = Path(__file__).with_name("engines.py")
        self._process = subprocess.Popen(
            [PYTHON, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.wrong: dict[str, str] = self._ask(json.dumps(task))

    def round(self) -> dict[str, float]:
        """Gives seconds per record of each engine that works."""
        found: dict[str, float] = self._ask("again")
        return found

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()

    def _ask(self, line: str) -> Any:
        if self._process.stdin is None or self._process.stdout is None:
            raise AssertionError("both ends are pipes")
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def measure() -> list[Row]:
    """Measures all engines in CPU time, and that all give the same scores."""
    environment = surroundings()
    (definition,) = compile_program([parse(ruleset())], schema_of({"lead": LEAD})).scores
    records = leads(RECORDS)
    written, compiled = by_hand(NOW), compile_points(definition)
    results = [score(definition, record, environment) for record in records]
    peers = Peers(
        {
            "records": [plain_record(record, definition) for record in records],
            "expected": [float(result.total) for result in results if result is not None],
            "texts": {
                name: Writer(words, environment).total(definition)
                for name, words in ENGINES.items()
            },
        }
    )
    taken: dict[str, list[float]] = {name: [] for name in ("hand", "ours", *ENGINES)}
    own = {
        "hand": lambda: [written(record) for record in records],
        "ours": lambda: [compiled(record, environment) for record in records],
    }
    try:
        for _ in range(ROUNDS):
            for name, seconds in medians(own, times=10, rounds=1).items():
                taken[name].append(seconds / len(records))
            for name, seconds in peers.round().items():
                taken[name].append(seconds)
    finally:
        peers.close()
    return rows(taken, peers.wrong)


def rows(taken: Mapping[str, Sequence[float]], wrong: Mapping[str, str]) -> list[Row]:
    """Gives a line per engine; one that does not score as it should says so instead."""
    hand = median(taken["hand"])
    names = {"hand": "score by hand", "ours": "score, compiled"}
    found = []
    for name, seconds in taken.items():
        work, each = names.get(name, name), median(seconds) if seconds else 0.0
        ratio = each / hand if seconds and name != "hand" else None
        found.append(Row(work, each, AGAINST if ratio else "", ratio, note=wrong.get(name, "")))
    return found


def is_ready() -> bool:
    """Says whether the other engines are there; says so loudly when not."""
    if READY.exists():
        return True
    sys.stderr.write(MISSING)
    return False
