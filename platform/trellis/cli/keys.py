"""`trellis keys`: which encryption keys are in use, and sealing everything with the first one."""

from __future__ import annotations

import click
import sqlalchemy as sa

from metadata.access import SYSTEM
from metadata.encryption import EncryptionError
from trellis.audit import note
from trellis.declared import declares
from trellis.records.history import record_history
from trellis.runtime import Platform
from trellis.security.rotation import rotate, waiting
from trellis.terminal import opened
from trellis.work import writing_as


@click.group("keys")
def command() -> None:
    """Rotate the keys of field encryption.

    Put a new key in front of TRELLIS_ENCRYPTION_KEYS (or of the file encryption_keys in the
    instance), restart, then run `trellis keys rotate`.
    """


@command.command("list")
@declares("", "administer")
def list_keys() -> None:
    """Show the keys' ids, and what still needs each of the older ones."""
    with opened() as platform:
        cipher = platform.settings.cipher
        if cipher is None:
            raise click.ClickException("there are no encryption keys; run `trellis init`")
        with platform.database.read() as connection:
            left = waiting(connection, platform.catalogs.current(connection))
        for place, key in enumerate(cipher.keys):
            told = history_entries(platform, key.id)
            use = "seals" if place == 0 else "opens only"
            click.echo(f"{key.id}  {use}; {told} history entries need it")
        for field, number in left.items():
            click.echo(f"{field}: {number} values wait for `trellis keys rotate`")


@command.command("rotate")
@declares("", "administer")
def rotate_keys() -> None:
    """Seal all encrypted values with the first key; can be broken off and repeated.

    Histories are never changed: keep the older keys in the list for as long as they are kept.
    """
    with opened() as platform:
        if platform.settings.cipher is None:
            raise click.ClickException("there are no encryption keys; run `trellis init`")
        with platform.database.read() as connection:
            catalog = platform.catalogs.current(connection)
        try:
            done = rotate(platform.database, catalog)
        except EncryptionError as error:
            raise click.ClickException(str(error)) from error
        with writing_as(platform, SYSTEM) as unit:
            key = platform.settings.cipher.keys[0].id
            note(unit, "rotate", values={"values": done, "key": key})
    click.echo(f"{done} values were sealed with the first key")


def history_entries(platform: Platform, key_id: str) -> int:
    """Gives how many entries of histories hold a value that a key sealed."""
    text = sa.cast(record_history.c.changes, sa.Text)
    query = sa.select(sa.func.count()).where(text.contains(f'"v1.{key_id}.', autoescape=True))
    with platform.database.read() as connection:
        return int(connection.scalar(query.select_from(record_history)) or 0)


COMMAND = command
