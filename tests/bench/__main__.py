"""`make bench`: prints what things cost on this machine. No figure decides anything.

It ends with the API over HTTP, against its floor and Flask-AppBuilder. `make bench ARGS="api get
create --deals 100000"` compares only that, of the operations named.
"""

from __future__ import annotations

import platform
import sys

from tests.bench import (
    catalog,
    computed,
    importing,
    publishing,
    requests,
    rescoring,
    rollups,
    scanning,
    scoring,
    starting,
)
from tests.bench.api import comparison
from tests.bench.clock import ROUNDS, table
from tests.bench.peers import run
from tests.bench.world import LEADS, World, worlds


def principal_rows(world: World) -> str:
    """Gives what does not depend on the database."""
    with world.platform.database.read() as connection:
        snapshot = world.platform.catalogs.snapshot(connection)
        users = snapshot.catalog.tables["user"]
        account = connection.execute(
            users.select().with_only_columns(users.c.account).where(users.c.username == "rita")
        ).scalar_one()
        principal = world.platform.accounts.principal_for(connection, snapshot, account)
    if principal is None:
        raise AssertionError("Rita may act")
    return table("Catalog and rights (CPU time)", catalog.measure(principal))


def main() -> None:
    """Measures everything and prints as it goes."""
    if sys.argv[1:2] == ["api"]:
        comparison.main(sys.argv[2:])
        return
    say = sys.stdout.write
    say(f"Python {platform.python_version()}, medians of {ROUNDS} rounds, {LEADS:,} leads\n\n")
    say(table("One score of 30 conditions over 25 fields (CPU time)", scoring.measure()) + "\n")
    if run.is_ready():
        say(table("The same sum in other engines (CPU time)", run.measure()) + "\n")
    say(table(f"{starting.RULES:,} rules (CPU time)", starting.measure()) + "\n")
    with worlds() as each:
        for number, (name, world) in enumerate(each):
            if number == 0:
                say(principal_rows(world) + "\n")
            say(table(f"{name}: rescoring (wall time)", rescoring.measure(world)) + "\n")
            title = f"{name}: duplicates among {scanning.CONTACTS:,} contacts (wall time)"
            say(table(title, scanning.measure(world)) + "\n")
            title = f"{name}: import with rules and check for duplicates (wall time)"
            say(table(title, importing.measure(world)) + "\n")
            say(table(f"{name}: totals of links (wall time)", rollups.measure(world)) + "\n")
            title = f"{name}: computed fields of {computed.PARENTS:,} records (wall time)"
            say(table(title, computed.measure(world)) + "\n")
            say(table(f"{name}: requests (CPU time)", requests.measure(world)) + "\n")
            title = f"{name}: publishing, {publishing.ROWS:,} records (wall time)"
            say(table(title, publishing.measure(world)) + "\n")
            sys.stdout.flush()
    comparison.main([])


if __name__ == "__main__":
    main()
