"""`trellis restore`: an instance as it was when a backup was made."""

from __future__ import annotations

from pathlib import Path

import click

from trellis.backup.errors import BackupError
from trellis.backup.restore import Choices, check, restore
from trellis.config import read_settings
from trellis.declared import declares
from trellis.terminal import refusing


@click.command("restore")
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Destroy what the database holds.")
@click.option("--hold", is_flag=True, help="Pause mail and webhooks: what waits may have left.")
@click.option(
    "--new-secrets",
    is_flag=True,
    help="Go on with another secret key, which ends API keys, or another key of the audit.",
)
@click.option("--check", "only_check", is_flag=True, help="Only look whether it can be restored.")
@declares("", "administer")
def command(source: Path, replace: bool, hold: bool, new_secrets: bool, only_check: bool) -> None:
    """Bring back what the file SOURCE holds, with all processes stopped.

    The keys of the instance have to be in place. Everything is checked before anything is changed.
    """
    with refusing():
        try:
            choices = Choices(replace=replace, hold=hold, new_secrets=new_secrets)
            if only_check:
                told = check(read_settings(), source, choices).summary
                click.echo(f"{source} is whole and these keys open it: {told}")
                return
            manifest, held = restore(read_settings(), source, choices)
        except BackupError as error:
            raise click.ClickException(str(error)) from error
    rows = manifest.audit.sequence
    click.echo(f"restored {manifest.summary}")
    click.echo(f"The tables are what the manifest says; {rows} rows of the audit verify.")
    if hold:
        click.echo(f"Letters and webhooks are paused, {held} wait: see Setup > Background work.")


COMMAND = command
