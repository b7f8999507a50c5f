"""`trellis worker`: background work; may run on any number of hosts."""

from __future__ import annotations

import click

from trellis.declared import declares
from trellis.terminal import refusing, settings_of_instance
from trellis.worker import run_worker


@click.command("worker")
@declares("", "")
def command() -> None:
    """Run effects and jobs until stopped."""
    with refusing():
        run_worker(settings_of_instance())


COMMAND = command
