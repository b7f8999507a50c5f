"""`trellis meta`: plan, publish, compare, roll back and purge definitions."""

from __future__ import annotations

import click

from trellis.cli.meta import changes, importing, purging, versions


@click.group("meta")
def command() -> None:
    """Plan, publish, compare, roll back, export and purge definitions."""


for one in (*changes.COMMANDS, *versions.COMMANDS, *purging.COMMANDS, *importing.COMMANDS):
    command.add_command(one)

COMMAND = command
