"""Looking for duplicates among all contacts: keys made, pairs found, the whole job.

Every tenth contact is another one's twin: a letter of the name differs, the phone number is written
otherwise, and one in two has lost its email.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from metadata.access import SYSTEM
from tests.bench.api.instance import add
from tests.bench.clock import Row
from tests.bench.world import World
from trellis.duplicates.scan import start_scan
from trellis.duplicates.tables import duplicate_pair
from trellis.jobs.running_loop import drain_jobs
from trellis.work import writing_as

CONTACTS, TWIN_OF = 100_000, 10
REACH = "≤ 60 s"
FIRST = "Ada Ben Cara Dan Eva Finn Gina Hugo Ida Jan Kira Leo Mia Nils Olga Paul Rosa Sam Tina Uwe"
STARTS = "Al Ber Cor Dal Ed Fal Gru Hal Im Jor Kel Lam Mor Nor"
ENDS = "ba der feld ger"


def people(draw: random.Random) -> Iterator[dict[str, Any]]:
    """Gives contacts; a twin comes after the one that it is a twin of."""
    first, starts, ends = FIRST.split(), STARTS.split(), ENDS.split()
    for number in range(CONTACTS * (TWIN_OF - 1) // TWIN_OF):
        last = draw.choice(starts) + draw.choice("aeiou") + draw.choice(starts).lower()
        name = f"{draw.choice(first)} {last}{draw.choice(ends)}"
        phone = f"{draw.randint(0, 10**8 - 1):08}"
        email = f"{name.split()[1].lower()}{number}@example.com"
        born = f"{draw.randint(1950, 2005)}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}"
        yield {"name": name, "phone": f"+86138{phone}", "email": email, "birthday": born}
        if number % (TWIN_OF - 1) == 0:
            place = draw.randrange(1, len(name) - 1)
            other = name[:place] + draw.choice("aeiou") + name[place + 1 :]
            kept = email if draw.random() < 0.5 else None
            yield {"name": other, "phone": f"+86138{phone}", "email": kept, "birthday": born}


def measure(world: World) -> list[Row]:
    """Fills in the contacts and scans them once; what the scan found is the note."""
    platform = world.platform
    twins = -(-CONTACTS // TWIN_OF)
    add(platform, "contact", people(random.Random(7)), [world.people["rita"]])
    with platform.database.autocommit() as connection:
        connection.exec_driver_sql("ANALYZE")
    with writing_as(platform, SYSTEM) as unit:
        start_scan(unit, "contact")
    start = time.perf_counter()
    drain_jobs(platform)
    taken = time.perf_counter() - start
    with platform.database.read() as connection:
        found = connection.execute(sa.select(sa.func.count()).select_from(duplicate_pair)).scalar()
    return [Row("scan", taken, reach=REACH, note=f"{found:,} pairs of {twins:,} twins")]
