"""The command line, an open family: each module in this folder holds one `COMMAND`.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage. A module is imported when its command is
called, so that `trellis rules` does not wait for the web framework.
"""

from __future__ import annotations

import logging
import os
import pkgutil
import sys
from importlib import import_module

import click

MODULE_SUFFIX = "_"


class Commands(click.Group):
    """Finds commands by listing this folder. A trailing `_` of a module's name is left out."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Gives the names of all commands."""
        del ctx
        return sorted(found.name.rstrip(MODULE_SUFFIX) for found in pkgutil.iter_modules(__path__))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Gives a command by its name."""
        if cmd_name not in self.list_commands(ctx):
            return None
        names = {found.name for found in pkgutil.iter_modules(__path__)}
        module = cmd_name if cmd_name in names else f"{cmd_name}{MODULE_SUFFIX}"
        command: click.Command = import_module(f"{__name__}.{module}").COMMAND
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="trellis-crm")
def trellis() -> None:
    """Trellis, a low-code CRM platform."""


def main() -> None:
    """Runs the command line."""
    level = os.environ.get("TRELLIS_LOG_LEVEL", "WARNING").upper()
    logging.basicConfig(
        level=level if level in logging.getLevelNamesMapping() else "WARNING",
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    trellis()
