"""`trellis worker`: background work; may run on any number of hosts."""

from __future__ import annotations

import click

from trellis.declared import declares
from trellis.terminal import refusing, settings_of_instance
from trellis.worker import run_workers


@click.command("worker")
@click.option("--processes", default=1, show_default=True, type=click.IntRange(1, 64))
@declares("", "")
def command(processes: int) -> None:
    """Run effects and jobs until stopped."""
    with refusing():
        run_workers(settings_of_instance(), processes)


COMMAND = command
