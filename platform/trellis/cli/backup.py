"""`trellis backup`: one file that holds an instance without its secrets."""

from __future__ import annotations

from pathlib import Path

import click

from trellis.audit.seals import KEY_FILE
from trellis.backup.errors import BackupError
from trellis.backup.take import back_up
from trellis.config import ENCRYPTION_FILE, SECRET_FILE
from trellis.declared import declares
from trellis.terminal import opened


@click.command("backup")
@click.argument("target", type=click.Path(path_type=Path))
@declares("", "administer")
def command(target: Path) -> None:
    """Write database and stored files of one moment into the new file TARGET.

    The instance stays in use meanwhile. Keys are not in it: keep them in another place.
    """
    with opened() as platform:
        try:
            manifest = back_up(platform, target.absolute())
        except BackupError as error:
            raise click.ClickException(str(error)) from error
    click.echo(f"{target}: {manifest.summary}")
    for address in manifest.lost:
        click.echo(f"note: the content {address} is not in the uploads folder", err=True)
    click.echo(
        f"It can only be restored with {SECRET_FILE}, {ENCRYPTION_FILE} and {KEY_FILE} of the "
        "instance: keep them apart from it."
    )


COMMAND = command
