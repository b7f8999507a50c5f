"""`trellis meta purge`: dropping for good what went out of use long ago."""

from __future__ import annotations

from datetime import timedelta

import click

from metadata.changes.purge import find_purgeable, purge
from trellis.audit import note
from trellis.cli.meta.desk import CLI, CONFIRM, desk
from trellis.declared import declares

DAYS = 90


@click.command("purge")
@click.option("--older-than", "days", type=click.IntRange(0), default=DAYS, show_default=True)
@click.option("--dry-run", is_flag=True, help="Only list what would be dropped.")
@CONFIRM
@declares("", "administer")
def command(days: int, dry_run: bool, confirm: tuple[str, ...]) -> None:
    """Drop fields and objects that went out of use more than that many days ago, with their data.

    Nothing brings them back: each has to be confirmed by name.
    """
    with desk() as unit:
        before = unit.moment.now - timedelta(days=days)
        found = find_purgeable(unit.connection, unit.catalog, before)
        for one in found:
            since = one.at.isoformat(timespec="seconds")
            click.echo(f"{one.place}\tout of use since {since}\t{one.rows} rows")
        if dry_run or not found:
            click.echo("nothing to drop" if not found else "nothing was dropped")
            return
        missing = [one.place for one in found if one.place not in confirm]
        if missing:
            names = " ".join(f"--confirm {place}" for place in missing)
            raise click.ClickException(f"to drop these for good: trellis meta purge … {names}")
        version = purge(unit.connection, before=before, by=CLI, at=unit.moment.now, confirm=confirm)
        note(unit, "purge", values={"version": version, "places": [one.place for one in found]})
    click.echo(f"definitions at version {version}")


COMMANDS = (command,)
