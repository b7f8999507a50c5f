"""What a backup has to know of the moment it shows, read in that moment's snapshot."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from metadata.store import read_versions
from trellis.audit.canonical import plain
from trellis.audit.sequencer import head_of
from trellis.automation.dispatcher import database_now
from trellis.files.tables import stored_file


@dataclass(frozen=True, slots=True)
class Facts:
    """What a snapshot says. `contents` are the addresses of what its files hold."""

    taken_at: str
    version: str
    catalog: int
    sequence: int
    hash: str
    contents: tuple[str, ...]


def read_facts(connection: sa.Connection) -> Facts:
    """Reads what a snapshot says."""
    is_sqlite = connection.dialect.name == "sqlite"
    version = "SELECT sqlite_version()" if is_sqlite else "SHOW server_version"
    number, digest = head_of(connection)
    addresses: set[str] = set()
    for column in (stored_file.c.sha256, stored_file.c.thumbnail):
        addresses.update(connection.scalars(sa.select(column).where(column.is_not(None))))
    return Facts(
        taken_at=str(plain(database_now(connection))),
        version=str(connection.exec_driver_sql(version).scalar_one()),
        catalog=read_versions(connection).catalog,
        sequence=number,
        hash=digest,
        contents=tuple(sorted(addresses)),
    )
