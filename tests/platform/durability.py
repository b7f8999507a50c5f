"""Writers as processes of their own: each write is repeated until it is known to be committed.

`python -m tests.platform.durability <writer> <writes>`, with the environment of an instance.
"""

from __future__ import annotations

import random
import sys
import time

import sqlalchemy as sa

from metadata.access import SYSTEM
from metadata.locks import Busy
from trellis.config import load_settings
from trellis.records.save import save_record
from trellis.runtime import Platform, open_platform
from trellis.work import writing_as

OBJECT = "parcel"
UPDATES = 0.3
PAUSE = 0.2


def save(platform: Platform, record_id: str | None, values: dict[str, object]) -> str:
    """Saves a record in a transaction of its own."""
    with writing_as(platform, SYSTEM) as unit:
        return save_record(unit, OBJECT, record_id, values, channel="api").id


def stored(platform: Platform, name: str) -> tuple[str, int] | None:
    """Gives a record's id and number as they were committed; waits for the database."""
    while True:
        try:
            with platform.database.read() as connection:
                table = platform.catalogs.current(connection).tables[OBJECT]
                query = sa.select(table.c.id, table.c.n).where(table.c.name == name)
                row = connection.execute(query).first()
                return None if row is None else (row.id, int(row.n))
        except sa.exc.DBAPIError:
            time.sleep(PAUSE)


def write(platform: Platform, name: str, number: int, record_id: str | None) -> str:
    """Writes until it is committed; what became of a try that was broken off is looked up."""
    while True:
        try:
            return save(platform, record_id, {"name": name, "n": number})
        except (sa.exc.DBAPIError, Busy):
            time.sleep(PAUSE)
            found = stored(platform, name)
            if found is not None and found[1] == number:
                return found[0]


def main(writer: str, writes: int) -> None:
    """Makes so many writes, new records and changes of those made before."""
    platform, draw = open_platform(load_settings()), random.Random(writer)
    mine: list[tuple[str, str]] = []
    for number in range(writes):
        if mine and draw.random() < UPDATES:
            name, record_id = draw.choice(mine)
            write(platform, name, number, record_id)
        else:
            name = f"{writer}-{number}"
            mine.append((name, write(platform, name, number, None)))
    platform.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
