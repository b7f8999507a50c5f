"""Clocks of service levels come due while workers die and their hosts' clocks jump: none is missed,
none goes off twice, and none before its time by the clock of the database.

Their promises are in days of zones whose clocks change in between: a promise of 200 days ends at
the same time of day, an hour of real time earlier or later.
"""

from __future__ import annotations

import logging
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from metadata.access import SYSTEM
from metadata.migrate import publish
from metadata.store import load_elements
from tests.conftest import leave_out
from tests.metadata.databases import JsonObject, element, object_body
from tests.platform.conftest import make_settings
from tests.platform.serving import descendants, kill
from tests.platform.test_durability import database
from tests.platform.test_worker import environment
from tests.platform.wrong_clock import faked, find_library
from trellis.automation.outbox import DEAD, outbox
from trellis.automation.service_levels import service_level
from trellis.channels.in_app import notification
from trellis.config import Settings
from trellis.installation import set_up_platform
from trellis.records.save import save_record
from trellis.runtime import Platform, open_platform
from trellis.service_levels.replanning import begin_some
from trellis.work import writing_as

logger = logging.getLogger(__name__)

WORKERS, BATCH = 2, 500
DAYS = timedelta(days=200)
LEFT_SECONDS = 600
LATE_SECONDS, OVERDUE_SECONDS = 5, 60
ZONES = {
    "newyork": "America/New_York",
    "london": "Europe/London",
    "lordhowe": "Australia/Lord_Howe",
    "shanghai": "Asia/Shanghai",
}
JUMPS = ("-2h", "+3650d", "+1h", "-30d", "+0")
RULES = "\n".join(
    f"""
calendar {name} "{zone}" {{
    timezone "{zone}"
    hours monday to sunday from 00:00 to 00:00
}}
sla promise_{name} "{zone}" on parcel {{
    applies when zone = "{name}"
    calendar {name}
    clock from begun_at
    target answer "Answer" {{
        met when zone is empty
        otherwise within 200 days
        at 100% {{ notify user "admin" using "due" }}
    }}
}}
"""
    for name, zone in ZONES.items()
)


@dataclass
class Hosts:
    """Workers on hosts with clocks of their own."""

    settings: Settings
    folder: Path
    library: Path | None
    workers: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    def offset(self, number: int) -> Path:
        """Gives the file with how wrong a host's clock is."""
        return self.folder / f"clock-{number}"

    def start(self, number: int) -> None:
        known, command = environment(self.settings), ["-m", "trellis", "worker"]
        if self.library is not None:
            self.offset(number).write_text("+0\n")
            known = faked(known, self.library, self.offset(number))
            command = ["-m", "tests.platform.wrong_clock"]
        log = (self.folder / f"worker-{number}.log").open("ab")
        with log:
            self.workers[number] = subprocess.Popen(
                [sys.executable, *command], env=known, stderr=log
            )

    def kill_worker(self) -> None:
        """Kills what works; who started it starts another one."""
        starter = random.choice(list(self.workers.values()))
        for pid, _ in descendants(starter.pid):
            kill(pid)

    def kill_host(self) -> None:
        """Kills who started what works, too, and starts the host anew."""
        number = random.choice(list(self.workers))
        self.end(number)
        self.start(number)

    def jump(self) -> None:
        """Sets the clocks of all hosts, each in its own way."""
        for number in self.workers:
            self.offset(number).write_text(f"{random.choice(JUMPS)}\n")

    def end(self, number: int) -> None:
        process = self.workers.pop(number)
        for pid, _ in [*descendants(process.pid)]:
            kill(pid)
        process.kill()
        process.wait()


def year_of(environment: dict[str, str]) -> int:
    """Gives the year that a process believes in."""
    command = [sys.executable, "-c", "import datetime; print(datetime.datetime.now().year)"]
    return int(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)


@pytest.fixture
def hosts(dialect: str, tmp_path: Path) -> Iterator[Hosts]:
    library = find_library()
    if library is None and dialect == "postgresql":
        leave_out(
            "libfaketime (Debian: faketime) not found: clocks of hosts that jump are LEFT OUT"
        )
    with ExitStack() as stack:
        url, _ = stack.enter_context(database(dialect, tmp_path))
        settings = replace(make_settings(url, tmp_path), redis_url=None)
        platform = open_platform(settings)
        set_up_platform(platform, ())
        fields: dict[str, JsonObject] = {
            "name": {"type": "string"},
            "zone": {"type": "string"},
            "begun_at": {"type": "string", "crm": {"field": "datetime"}},
        }
        more = [
            element("parcel", object_body(fields, owner=False)),
            element("local/promises.rules", {"text": RULES}, kind="rules"),
        ]
        with platform.database.write(publishing=True) as connection:
            publish(connection, [*load_elements(connection), *more], by="test")
        platform.close()
        # With SQLite the clock of the only host is the one that counts: it must not jump.
        found = Hosts(settings, tmp_path, library if dialect == "postgresql" else None)
        yield found
        for number in list(found.workers):
            found.end(number)


def begun(due: datetime, zone: ZoneInfo) -> datetime:
    """Gives when a promise of 200 days began: at the same time of day there."""
    there = due.astimezone(zone).replace(tzinfo=None) - DAYS
    return there.replace(tzinfo=zone).astimezone(UTC)


def make_clocks(
    platform: Platform, number: int, first: datetime, seconds: float
) -> dict[str, datetime]:
    """Makes records whose promises end one after the other; gives by record when."""
    dues: dict[str, datetime] = {}
    zones = list(ZONES.items())
    for start in range(0, number, BATCH):
        with writing_as(platform, SYSTEM) as unit:
            silent = replace(unit, silent=True)
            for place in range(start, min(start + BATCH, number)):
                name, zone = zones[place % len(zones)]
                due = first + timedelta(milliseconds=int(1000 * seconds * place / number))
                values = {"zone": name, "begun_at": begun(due, ZoneInfo(zone))}
                made = save_record(silent, "parcel", None, values, channel="api")
                dues[made.id] = due
    for name in ZONES:
        cursor: str | None = None
        while True:
            with writing_as(platform, SYSTEM) as unit:
                definition = unit.catalog.objects["parcel"]
                cursor, _ = begin_some(unit, definition, f"promise_{name}", cursor)
            if cursor is None:
                break
    return dues


def told(platform: Platform) -> list[tuple[str, datetime]]:
    """Gives which record somebody was told of, and when by the clock of the database."""
    here = notification.c
    with platform.database.read() as connection:
        return [
            (str(key), at)
            for key, at in connection.execute(sa.select(here.record_id, here.created_at))
        ]


def count_told(platform: Platform) -> int:
    """Gives of how many records somebody was told."""
    count = sa.select(sa.func.count(notification.c.record_id.distinct()))
    with platform.database.read() as connection:
        return int(connection.execute(count).scalar_one())


def dead(platform: Platform) -> int:
    with platform.database.read() as connection:
        count = sa.select(sa.func.count()).where(outbox.c.state == DEAD)
        return int(connection.execute(count).scalar_one())


def wait_told(platform: Platform, number: int, seconds: float) -> None:
    """Waits until somebody was told of so many records."""
    end = time.monotonic() + seconds
    while (count := count_told(platform)) < number:
        assert time.monotonic() < end, f"only {count} of {number} went off"
        time.sleep(0.5)


def run(hosts: Hosts, number: int, kills: int, seconds: float, lead: float) -> list[float]:
    """Lets clocks come due while workers die and clocks jump; gives how late each went off."""
    platform = open_platform(hosts.settings)
    first = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=lead)
    dues = make_clocks(platform, number, first, seconds)
    with platform.database.read() as connection:
        begun_on = connection.execute(sa.select(service_level.c.record_id)).scalars().all()
    assert sorted(begun_on) == sorted(dues)
    for one in range(WORKERS):
        hosts.start(one)
    faults = [hosts.kill_worker] * kills
    faults[1::5] = [hosts.kill_host] * len(faults[1::5])
    for place, fault in enumerate(faults, 1):
        moment = first + timedelta(seconds=seconds * place / (len(faults) + 1))
        time.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()))
        fault()
        if hosts.library is not None:
            hosts.jump()
    wait_told(platform, number, LEFT_SECONDS + seconds)
    time.sleep(2.0)  # what went off twice would be told by now
    found = told(platform)
    assert dead(platform) == 0
    platform.close()
    assert Counter(key for key, _ in found) == Counter(dues.keys())
    late = [(at - dues[key]).total_seconds() for key, at in found]
    assert min(late) >= 0
    return late


def run_overdue(
    hosts: Hosts, number: int, seconds: float, lead: float, workers: int
) -> list[datetime]:
    """Lets clocks go off that came due while nobody worked; gives when they were due, in the order
    in which they went off."""
    platform = open_platform(hosts.settings)
    last = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=lead)
    dues = make_clocks(platform, number, last - timedelta(seconds=1), seconds=1)
    time.sleep(max(0.0, (last - datetime.now(UTC)).total_seconds()))
    began = time.monotonic()
    for one in range(workers):
        replace(hosts, library=None).start(one)
    wait_told(platform, number, seconds)
    logger.warning("%d went off in %.1f s", number, time.monotonic() - began)
    found = told(platform)
    platform.close()
    assert Counter(key for key, _ in found) == Counter(dues.keys())
    return [dues[key] for _, _, key in sorted((at, dues[key], key) for key, at in found)]


def test_clocks_go_off_once_whatever_dies_and_jumps(hosts: Hosts) -> None:
    if hosts.library is not None:
        hosts.offset(0).write_text("+3650d\n")
        known = faked(environment(hosts.settings), hosts.library, hosts.offset(0))
        assert year_of(known) > datetime.now(UTC).year + 8
    run(hosts, number=160, kills=2, seconds=4, lead=2)


@pytest.mark.soak_only
def test_ten_thousand_clocks_and_twenty_kills(hosts: Hosts) -> None:
    late = run(hosts, number=10_000, kills=20, seconds=240, lead=90)
    p99 = quantiles(late, n=100)[98]
    logger.warning("p99 %.1f s late", p99)
    assert p99 <= LATE_SECONDS, f"p99 {p99:.1f} s late"


def test_what_came_due_while_nobody_worked_goes_off_at_once_in_its_order(hosts: Hosts) -> None:
    found = run_overdue(hosts, number=600, seconds=OVERDUE_SECONDS, lead=20, workers=1)
    assert found == sorted(found)


@pytest.mark.soak_only
def test_ten_thousand_overdue_go_off_within_a_minute(hosts: Hosts) -> None:
    run_overdue(hosts, number=10_000, seconds=OVERDUE_SECONDS, lead=90, workers=WORKERS)
