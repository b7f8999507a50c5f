"""A million open clocks: planned anew within two minutes, and listed at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from typing import TypeVar

import pytest
import sqlalchemy as sa

from metadata.access import Principal, Rows, everything
from tests.platform.office import Office
from tests.platform.test_clocks_replanned import CALENDAR, desk, preview, republish, run_job
from trellis.automation.service_timers import begin_looks
from trellis.db import Database
from trellis.service_levels.lists import STATES, list_clocks

RECORDS, OWNERS = 500_000, 500
PLANNED_SECONDS, LISTED_SECONDS, SHOWN_SECONDS = 120, 0.5, 5.0
START = datetime(2046, 3, 5, 1, tzinfo=UTC)
Answer = TypeVar("Answer")
LEVEL = """
sla support "Support" on ticket {
    applies when kind = "fault"
    calendar desk
    target answer "Answer" {
        met when status != "open"
        otherwise within 16 business hours
        at 50%, 100% { notify owner using "late" }
    }
    target solution "Solution" {
        met when status = "done"
        pause when status = "waiting"
        otherwise within 60 business hours
        at 75%, 100% { notify owner using "late" }
    }
}
"""


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    database = Database(database_url)
    yield Office(database, now=START)
    database.dispose()


def multiply(connection: sa.Connection, number: int) -> None:
    """Makes so many tickets of the one there is, with its clocks, a second after each other."""
    for table, values in {
        "o_ticket": {"id": "'r' || n", "owner": f"'u' || n % {OWNERS}"},
        "service_level": {
            "id": "'s' || n",
            "record_id": "'r' || n",
            "state": (
                "jsonb_set(jsonb_set(state::jsonb, '{record_id}', to_jsonb('r' || n)), "
                "'{started_at}', to_jsonb(to_char(timestamptz '2046-03-05 01:00Z' - n * interval "
                "'0.2 second', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"+00:00\"')))::json"
            ),
            "next_at": "next_at - n * interval '0.2 second'",
        },
        "service_target": {
            "id": "'s' || n || '/' || target",
            "service_level": "'s' || n",
            "record_id": "'r' || n",
            "due": "due - n * interval '0.2 second'",
            "at_risk_at": "at_risk_at - n * interval '0.2 second'",
        },
    }.items():
        names = [column["name"] for column in sa.inspect(connection).get_columns(table)]
        listed = ", ".join(f'"{name}"' for name in names)
        given = ", ".join(values.get(name, f'"{name}"') for name in names)
        rows = f"SELECT {given} FROM {table}, generate_series(1, {number}) n"
        statement = f"INSERT INTO {table} ({listed}) {rows}"
        connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
        connection.execute(sa.text(statement.replace(":", "\\:")))


def timed(work: Callable[[], Answer]) -> tuple[float, Answer]:
    begun = time.perf_counter()
    answer = work()
    return time.perf_counter() - begun, answer


@pytest.mark.soak_only
@pytest.mark.on("postgresql")
def test_a_million_open_clocks_are_planned_anew_and_listed(office: Office) -> None:
    measure(office, RECORDS)


def measure(office: Office, records: int) -> dict[str, float]:
    """Measures with two clocks to a record; gives the seconds by what was done."""
    office.publish(desk(CALENDAR, LEVEL))
    office.save("ticket", owner=office.person("amy"))
    with office.database.write() as connection:
        multiply(connection, records - 1)
    with office.database.autocommit() as connection:
        connection.execute(sa.text("VACUUM ANALYZE"))
    closed = CALENDAR.replace("17:00\n", "17:00\n closed 2046-03-06\n")
    found: dict[str, float] = {}
    found["shown"], (plan,) = timed(lambda: preview(office, closed, LEVEL))
    assert (plan.open, plan.kind) == (records, "same")
    assert sum(plan.calendar.moved.values()) > 0
    republish(office, closed, LEVEL)
    found["planned"], _ = timed(lambda: run_job(office, {"calendars": "new"}))
    with office.database.autocommit() as connection:
        connection.execute(sa.text("ANALYZE"))
    own = {**everything("ticket").rows, "read": Rows(owners=frozenset({"u7"}))}
    hers = {"ticket": replace(everything("ticket"), rows=own)}
    people = {
        "all": Principal("p", {"id": "p"}, unrestricted=True),
        "own": Principal("p", {"id": "u7"}, grants=hers),
    }
    lists: dict[str, float] = {}
    for hours, who, state in product((0, 26, 60), people, STATES):
        office.now = START + timedelta(hours=hours)
        with office.database.read() as connection:
            unit = replace(office.unit(connection), principal=people[who])
            list_clocks(unit, state)
            lists[f"{state} {who} +{hours}h"], _ = timed(partial(list_clocks, unit, state))
    office.now = START + timedelta(hours=60)
    with office.database.write() as connection:
        found["begun"], count = timed(partial(begin_looks, office.unit(connection)))
    assert count > 0
    assert {key: seconds for key, seconds in lists.items() if seconds > LISTED_SECONDS} == {}
    assert found["shown"] <= SHOWN_SECONDS
    assert found["planned"] <= PLANNED_SECONDS
    return found | lists
