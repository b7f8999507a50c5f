"""A score of 30 conditions over 25 fields: compiled, with reasons, and as written by hand."""

from __future__ import annotations

from metadata.schema import schema_of
from rule_engine import compile_program, parse
from rule_engine.backends.python.scores import compile_points
from rule_engine.services.score import score, score_all
from tests.bench.by_hand import by_hand
from tests.bench.clock import Row, medians
from tests.bench.leads import LEAD, leads, ruleset
from tests.bench.rules import NOW, surroundings

RECORDS = 500


def measure() -> list[Row]:
    """Measures one score of one record, in CPU time."""
    environment = surroundings()
    (definition,) = compile_program([parse(ruleset())], schema_of({"lead": LEAD})).scores
    records = leads(RECORDS)
    written, compiled = by_hand(NOW), compile_points(definition)
    for record in records:
        wanted, result = written(record), score(definition, record, environment)
        if result is None or not wanted == compiled(record, environment) == (
            result.points,
            result.grade,
        ):
            raise AssertionError(f"the three disagree on {record}")

    def reasons() -> None:
        for record in records:
            result = score(definition, record, environment)
            if result is not None:
                result.items  # noqa: B018  # makes them

    found = medians(
        {
            "hand": lambda: [written(record) for record in records],
            "compiled": lambda: [compiled(record, environment) for record in records],
            "trace": lambda: [score(definition, record, environment) for record in records],
            "reasons": reasons,
            "many": lambda: score_all(definition, records, environment),
        },
        times=3,
        rounds=41,
    )
    each = {name: seconds / len(records) for name, seconds in found.items()}
    against = "hand-written Python"

    def row(work: str, name: str, reach: str, note: str = "") -> Row:
        return Row(work, each[name], against, each[name] / each["hand"], reach, note)

    return [
        Row("score by hand", each["hand"]),
        row("score, compiled", "compiled", "1.3"),
        row("score with trace", "trace", "1.6"),
        row("score with reasons read", "reasons", "", "every item made readable"),
        row("score of many records", "many", "", f"{1 / each['many']:,.0f} records/s"),
    ]
