"""Every process knows all tables of the platform's own, whichever parts of the product it uses."""

from __future__ import annotations

import subprocess
import sys

ALL_MODULES = """
import importlib, pkgutil, trellis
from trellis.db import SYSTEM_TABLES
for one in pkgutil.walk_packages(trellis.__path__, "trellis."):
    if one.name not in ("trellis.__main__", "trellis.wsgi"):
        importlib.import_module(one.name)
print(*sorted(SYSTEM_TABLES.tables))
"""
COMMAND = """
import trellis.cli.{command}, trellis.upkeep
print(*sorted(trellis.upkeep.own_tables().tables))
"""


def test_every_command_knows_all_tables() -> None:
    """Also those of parts that it does not use itself: an older product may not have them yet."""
    commands = ["serve", "init", "worker", "doctor"]
    scripts = [ALL_MODULES, *(COMMAND.format(command=command) for command in commands)]
    everything, *known = [
        subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout
        for script in scripts
    ]
    assert len(everything.split()) > 40
    assert known == [everything] * len(commands)
