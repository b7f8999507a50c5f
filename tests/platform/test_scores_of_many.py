"""A changed score over many records: foreseen first, then computed in time, and as for one record.

A few leads are saved as people do, with all that their columns hold; the others are copies of them
with numbers of their own.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import product

import pytest
import sqlalchemy as sa

from rule_engine.services.score import score
from tests.platform.acting import acting, make, system
from tests.platform.test_api import Client, call
from tests.platform.test_scoring import BASE, draft
from trellis.automation.environment import environment_of
from trellis.automation.scores import filled
from trellis.jobs.running_loop import drain_jobs
from trellis.runtime import Platform
from trellis.scoring.keeping_up import ask_for_scores
from trellis.scoring.tables import score_change, score_run
from trellis.unit import Unit

__all__ = ["call"]

logger = logging.getLogger(__name__)

SECONDS = 60.0
SAMPLE = 10_000
#: More for everybody, and a grade that begins earlier.
CHANGES = (
    ("base 10", "base 13"),
    ("from 40", "from 30"),
    ("add 15 when industry", "add 19 when industry"),
)
MANY = [(2_000, 500), pytest.param((1_000_000, SAMPLE), marks=pytest.mark.soak_only)]

COPIES = """
INSERT INTO o_{name} ({columns}) SELECT {values} FROM (
  WITH RECURSIVE counted(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM counted WHERE x < {copies})
  SELECT x FROM counted
) n CROSS JOIN o_{name} t
"""
ID = "CAST(10000000 + n.x AS TEXT) || substr(t.{}, 9)"
VARIED = {
    "lead": {
        "id": ID.format("id"),
        "employees": "CASE WHEN n.x % 9 = 0 THEN NULL ELSE (n.x * 37) % 3000 END",
        "emails_opened": "CASE WHEN n.x % 5 = 0 THEN NULL ELSE (n.x * 11) % 30 END",
    },
    "activity": {
        "id": ID.format("id"),
        "lead": ID.format("lead"),
    },
}


def multiply(platform: Platform, object_name: str, copies: int) -> int:
    """Adds so many copies of each record of an object; gives how many there are then."""
    with platform.database.write() as connection:
        table = platform.catalogs.current(connection).tables[object_name]
        varied = VARIED[object_name]
        columns = ", ".join(f'"{column.name}"' for column in table.c)
        values = ", ".join(varied.get(column.name, f't."{column.name}"') for column in table.c)
        made = {"name": object_name, "columns": columns, "values": values, "copies": copies}
        connection.execute(sa.text(COPIES.format(**made)))
        count = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
    with platform.database.autocommit() as connection:
        connection.exec_driver_sql("ANALYZE")
    return int(count)


def populate(platform: Platform, number: int) -> int:
    """Adds so many leads at least, and an activity for each of some; gives how many leads."""
    with acting(platform, "rita") as unit:
        now, long_ago = unit.moment.now.isoformat(), "2020-01-01T00:00:00Z"
    facts = product(
        (None, "software", "manufacturing"),
        ("li@acme.cn", "li@gmail.com"),
        (None, now, long_ago),
        (True, False),
    )
    leads = [
        make(
            platform, "rita", "lead", name="Li", lead_source="web", email=email, industry=industry,
            last_contacted_at=contacted, demo_requested=demo,
        )
        for industry, email, contacted, demo in facts
    ]  # fmt: skip
    for lead in leads[:6]:
        about = {"kind": "meeting", "happened_at": now, "lead": lead}
        make(platform, "rita", "activity", subject="Tea", **about)
    copies = number // len(leads)
    found = multiply(platform, "lead", copies)
    multiply(platform, "activity", copies)
    return found


def wrong(unit: Unit, now_of: Unit, ids: list[str]) -> list[str]:
    """Gives the records whose stored points or grade are not what one record's evaluation gives."""
    definition, environment = unit.catalog.objects["lead"], environment_of(now_of)
    (rules,) = unit.catalog.program.for_object("lead").scores
    found = []
    for place in range(0, len(ids), 500):
        for record_id, record in unit.records().by_ids("lead", ids[place : place + 500]).items():
            result = score(rules, record, environment)
            values = filled(definition, rules, result) if result else {}
            found += [record_id for name, value in values.items() if record[name] != value]
    return sorted(set(found))


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("many", MANY, ids=["some", "million"])
def test_a_changed_score_over_many_records(
    platform: Platform, call: Client, many: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    number, sampled = many
    if number <= SAMPLE:
        monkeypatch.setattr("trellis.scoring.rescoring.BATCH", 300)
    records = populate(platform, number)
    ask_for_scores(platform)
    seconds = {"first": timed(lambda: drain_jobs(platform))}
    draft(call, platform, *CHANGES)
    shown: list[dict[str, object]] = []
    path = f"{BASE}/differences"
    seconds["foreseen"] = timed(lambda: shown.append(call("admin", "GET", path).get_json()))
    (told,) = shown
    assert call("admin", "POST", "meta/publish", {"token": told["token"]}).status_code == 200
    assert ask_for_scores(platform) == 1
    seconds["rescored"] = timed(lambda: drain_jobs(platform))
    ask_for_scores(platform)
    with platform.database.read() as connection:
        newest = sa.select(score_run).order_by(score_run.c.id.desc()).limit(1)
        run = connection.execute(newest).mappings().one()
        kept = sa.select(sa.func.count()).where(score_change.c.run == run["id"])
        assert connection.execute(kept).scalar_one() == run["changed"]
    logger.warning("%s leads, %s changed, seconds: %s", records, run["changed"], seconds)
    assert run["ended_at"] is not None
    assert abs(run["changed"] - int(str(told["records"]))) <= records // 1_000
    assert run["changed"] > records // 2
    with system(platform) as unit:
        ids = list(unit.connection.scalars(sa.select(unit.catalog.tables["lead"].c.id)))
        sample = random.Random(5).sample(ids, min(sampled, len(ids)))
        then = replace(unit, moment=replace(unit.moment, now=run["started_at"]))
        assert wrong(unit, then, sample) == []
    if platform.database.dialect == "postgresql":
        assert seconds["rescored"] <= SECONDS


def timed(work: Callable[[], object]) -> float:
    """Gives how many seconds something takes."""
    begun = time.perf_counter()
    work()
    return round(time.perf_counter() - begun, 1)
