"""Publishing for people: what stands in the way of a version, as an answer to who wants it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

import sqlalchemy as sa

from metadata.catalog import Catalog
from metadata.changes.moved import changes_since
from metadata.elements import Element
from metadata.migrate import PublishConflict, Unconfirmed
from metadata.problems import DefinitionError, Problem
from metadata.store import META_CHANGE, load_catalog, load_elements
from trellis.audit import write_event
from trellis.automation.pinned import follow_names
from trellis.errors import Conflict, Refused
from trellis.security.administrators import has_administrator, keep_administrator
from trellis.security.users import user_names

TOKEN = "/token"  # noqa: S105  # the path of a plan's token in a body


@contextmanager
def answering(
    connection: sa.Connection,
    catalog: Catalog,
    base: int,
    *,
    path: str = TOKEN,
    names: Sequence[str] = (),
) -> Iterator[None]:
    """Turns what publishing refuses into an answer.

    Conflict tells what was published since version `base`, at `path`; Refused what has to be
    confirmed (`names`; without any, all that goes out of use), and what does not fit.
    """
    try:
        yield
    except PublishConflict as error:
        raise Conflict([moved_on(connection, catalog, base, error.current, path)]) from error
    except Unconfirmed as error:
        wanted = tuple(names) or error.names
        raise Refused([Problem("/confirm", "unconfirmed", {"names": wanted})]) from error
    except DefinitionError as error:
        raise Refused(error.problems) from error


def moved_on(
    connection: sa.Connection, catalog: Catalog, base: int, current: int, path: str = TOKEN
) -> Problem:
    """Says what was published since a plan was made, and by whom."""
    since = changes_since(connection, base)
    by = list(dict.fromkeys(one.by for one in since))
    names = user_names(connection, catalog, by)
    values = {
        "base": base,
        "current": current,
        "elements": list(dict.fromkeys(f"{one.kind} {one.name}" for one in since)),
        "by": [names.get(one, one) for one in by],
    }
    return Problem(path, "base_moved", values)


def conclude(
    connection: sa.Connection,
    before: Catalog,
    version: int,
    *,
    by: str,
    at: datetime,
    message: str = "",
) -> int:
    """Does what belongs to every publishing besides the definitions, in its transaction: the rules
    of open requests follow new names, and the audit is told. `before` was in force until now;
    nothing is done where that is the same. Gives the version.

    Raises Conflict for roles by which the last one who administers would no more.
    """
    if version == before.version:
        return version
    elements = load_elements(connection)
    follow_names(connection, before, elements)
    changed = changed_roles(before, elements)
    if changed and has_administrator(connection, before):  # at first there is none yet
        keep_administrator(connection, load_catalog(connection, before), f"/roles/{changed[0]}")
    note_published(connection, version, by=by, at=at, message=message)
    return version


def changed_roles(before: Catalog, elements: Sequence[Element]) -> list[str]:
    """Gives the names of the roles that are otherwise among elements, those that administered
    first."""
    was, now = roles_among(before.elements), roles_among(elements)
    names = (name for name in was.keys() | now.keys() if was.get(name) != now.get(name))
    return sorted(names, key=lambda name: (not was.get(name, {}).get("administer"), name))


def roles_among(elements: Sequence[Element]) -> dict[str, Mapping[str, object]]:
    """Gives the documents of the roles among elements, by name."""
    return {element.name: element.body for element in elements if element.kind == "role"}


def note_published(
    connection: sa.Connection, version: int, *, by: str, at: datetime, message: str
) -> None:
    """Writes into the audit that a version is in force, and by themselves the packages and the
    roles in it."""
    table = META_CHANGE.c
    changed = sa.select(table.kind, table.name, table.body).where(table.version == version)
    rows = connection.execute(changed.order_by(table.kind, table.name)).all()
    elements = [f"{row.kind} {row.name}" for row in rows]
    told = {"version": version, "message": message, "elements": elements}
    write_event(connection, "publish", by=by, at=at, values=told)
    for row in rows:
        if row.kind == "package":
            body = json.loads(row.body or "{}")
            installed = None if body.get("retired") is True else body.get("version")
            package = {"version": version, "package": row.name, "installed": installed}
            write_event(connection, "package", by=by, at=at, values=package)
    if roles := [row.name for row in rows if row.kind == "role"]:
        write_event(connection, "rights", by=by, at=at, values={"version": version, "roles": roles})
