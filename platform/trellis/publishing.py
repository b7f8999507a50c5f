"""Publishing for people: what stands in the way of a version, as an answer to who wants it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa

from metadata.catalog import Catalog
from metadata.changes.moved import changes_since
from metadata.migrate import PublishConflict, Unconfirmed
from metadata.problems import DefinitionError, Problem
from trellis.errors import Conflict, Refused
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
