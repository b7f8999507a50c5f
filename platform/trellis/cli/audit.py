"""`trellis audit`: proving that nobody altered what was written down."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import click

from metadata.access import SYSTEM
from trellis.audit.events import write_event
from trellis.audit.evidence import export, findings
from trellis.audit.seals import Seals, seal
from trellis.audit.sequencer import sequence
from trellis.declared import declares
from trellis.terminal import opened

SHOWN = 50


@click.group("audit")
def command() -> None:
    """Seal, check and export the audit."""


@command.command("seal")
@declares("", "administer")
def seal_head() -> None:
    """Sign the head of the chain now; the worker does so every ten minutes."""
    with opened() as platform:
        head = seal(platform.database, platform.settings)
    said = "nothing is new" if head is None else f"sealed {head['sequence']} rows: {head['hash']}"
    click.echo(said)


@command.command("verify")
@declares("", "administer")
def verify_rows() -> None:
    """Check all rows against their hashes and the signed heads; exits 1 when one is wrong."""
    with opened() as platform:
        sequence(platform.database)
        seals = Seals(platform.settings.instance)
        with platform.database.read() as connection:
            found = list(islice(findings(connection, seals.read(), seals.public_key()), SHOWN + 1))
    for finding in found[:SHOWN]:
        click.echo(f"{finding.sequence or '-'}: {finding.text}")
    if found:
        more = "more than " if len(found) > SHOWN else ""
        raise click.ClickException(f"the audit is wrong: {more}{len(found[:SHOWN])} findings")
    click.echo("the audit is right")


@command.command("export")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@declares("", "administer")
def export_rows(folder: Path) -> None:
    """Write the audit into FOLDER, with a program that checks it and needs nothing but Python."""
    with opened() as platform:
        with platform.database.write() as connection:
            now = datetime.now(UTC)
            write_event(connection, "audit_export", by=SYSTEM.name, at=now)
        seal(platform.database, platform.settings)
        with platform.database.read() as connection:
            try:
                count = export(connection, Seals(platform.settings.instance), folder)
            except FileExistsError as error:
                raise click.ClickException(str(error)) from error
    click.echo(f"{count} rows are in {folder}; check them with: python {folder}/verify.py")


COMMAND = command
