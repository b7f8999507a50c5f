"""The tables of the platform's own, complete whichever parts of the product a process uses."""

from __future__ import annotations

from importlib import import_module
from typing import Final

import sqlalchemy as sa

from trellis.db import SYSTEM_TABLES

MODULES: Final = (
    "audit.tables",
    "automation.assignments",
    "automation.clock",
    "automation.outbox",
    "automation.quarantine",
    "automation.requests",
    "automation.runs",
    "automation.service_levels",
    "channels.in_app",
    "duplicates.tables",
    "files.tables",
    "jobs.running",
    "kept_answers",
    "mail.tables",
    "pausing",
    "records.claim_log",
    "records.history",
    "records.numbers",
    "scoring.tables",
    "security.absences",
    "security.open_sessions",
    "transfer.tables",
    "webhooks.tables",
)
"""All that define tables in `trellis.db.SYSTEM_TABLES`."""


def own_tables() -> sa.MetaData:
    """Gives all tables of the platform's own, but those of definitions and of accounts."""
    for name in MODULES:
        import_module(f"trellis.{name}")
    return SYSTEM_TABLES
