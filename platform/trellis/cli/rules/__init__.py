"""`trellis rules`: check, format, test, evaluate and explain texts of the rule language."""

from __future__ import annotations

import click

from trellis.cli.rules import check, evaluate, explain, graph, reformat, test


@click.group("rules")
def command() -> None:
    """Check, format, test, evaluate and explain rules."""


for one in (check, reformat, test, evaluate, explain, graph):
    command.add_command(one.command)

COMMAND = command
