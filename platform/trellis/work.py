"""Opening units of work: the one way from a door (page, API, job) to the use cases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import sqlalchemy as sa

from metadata.access import Principal
from metadata.catalog import Catalog
from metadata.problems import Problem
from metadata.query import Moment
from metadata.scopes import Scopes
from metadata.store import READ_VERSIONS
from trellis import current
from trellis.audit.requests import witness
from trellis.catalogs import Snapshot
from trellis.errors import NotAllowed
from trellis.runtime import Platform
from trellis.security.directory import UserDirectory
from trellis.unit import Unit
from trellis.whole import whole as whole_of_request


def unit_for(
    here: Platform,
    connection: sa.Connection,
    catalog: Catalog,
    principal: Principal,
    now: datetime | None = None,
) -> Unit:
    """Gives a unit of work on a connection that the caller opened, at the present moment."""
    moment = Moment(milliseconds(now or datetime.now(UTC)), here.settings.zone)
    directory = UserDirectory(connection, catalog, moment.today)
    allowed = here.settings.outbound_allowed
    return Unit(connection, catalog, principal, moment, directory, own_networks=allowed)


def milliseconds(instant: datetime) -> datetime:
    """Gives an instant as the database keeps it."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


@contextmanager
def writing(
    here: Platform,
    account_id: int,
    *,
    publishing: bool = False,
    scopes: Scopes | None = None,
    opened: sa.Connection | None = None,
) -> Iterator[Unit]:
    """Gives an account a unit of work in a write transaction: committed at the end, or not at all.

    Definitions and rights are those of the transaction, not the ones the request began with; an
    API key is kept to its `scopes`.
    Catch what a use case raises outside of the `with`, so that its transaction is rolled back.
    Whoever changes definitions is `publishing`. One `opened` for reading may lend itself.
    """
    begun = here.database.write(publishing=publishing, first=READ_VERSIONS, opened=opened)
    with begun as connection:
        snapshot = here.catalogs.snapshot(connection)
        yield acting_unit(here, connection, snapshot, account_id, scopes)


def acting_unit(
    here: Platform,
    connection: sa.Connection,
    snapshot: Snapshot,
    account_id: int,
    scopes: Scopes | None,
) -> Unit:
    """Gives an account's unit of work. Raises NotAllowed when the account may not act."""
    principal = here.accounts.principal_for(connection, snapshot, account_id, scopes)
    if principal is None:
        raise NotAllowed([Problem("", "account_inactive", {})])
    return unit_for(here, connection, snapshot.catalog, principal)


@contextmanager
def writing_as(here: Platform, principal: Principal) -> Iterator[Unit]:
    """Gives the system (`metadata.access.SYSTEM`) a unit of work in a write transaction."""
    with here.database.write() as connection:
        yield unit_for(here, connection, here.catalogs.current(connection), principal)


def reading() -> Unit:
    """Gives the unit of work of the request at hand, for reading as who asks."""
    connection, catalog, moment = current.connection(), current.catalog(), current.moment()
    directory = UserDirectory(connection, catalog, moment.today)
    return Unit(connection, catalog, current.principal(), moment, directory, witness=witness())


@contextmanager
def writing_now(*, publishing: bool = False) -> Iterator[Unit]:
    """Gives who asks a unit of work in a write transaction; see `writing`.

    Afterwards the request reads what it has written, and is not repeated any more.
    """
    account = current.account()
    if account is None:
        raise NotAllowed([Problem("", "account_inactive", {})])
    if account.real is not None:
        raise NotAllowed([Problem("", "preview_read_only")])
    here, whole = current.platform(), whole_of_request()
    if whole is not None:
        with whole.part(publishing=publishing) as (connection, snapshot):
            yield acting_unit(here, connection, snapshot, account.id, account.scopes)
        return
    opened, scopes = current.opened(), account.scopes
    with writing(here, account.id, publishing=publishing, scopes=scopes, opened=opened) as unit:
        yield unit
    current.note_written()
    current.look_again()
