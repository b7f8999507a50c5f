"""The definitions in the database: elements, their history as numbered versions, and drafts.

Tables of the product change in ONE way, those of STORE here and of the platform's SYSTEM_TABLES:
declare what is to be there. A new table, a new index, a new column that is nullable or has a
`server_default`: that is all, `metadata.alter.add_missing` makes it in older databases whenever
`trellis init` or `trellis serve` starts. Primary keys, types and names are never changed and
nothing is taken away: a table that has to look different is a new one. Only when rows have to
move, a function goes to the end of `metadata.store_steps.STEPS`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

import sqlalchemy as sa

from metadata.alter import add_missing
from metadata.catalog import Catalog, build_catalog
from metadata.elements import Element
from metadata.prepared import ask
from metadata.search.tables import make_index
from metadata.store_steps import STEPS
from metadata.stored_tables import STORE
from rule_engine.columns import Instant
from rule_engine.errors import RuleError
from rule_engine.storage import engine_version, write_program

logger = logging.getLogger(__name__)

MOST_VERSION: Final = 2**31 - 1

META_VERSION = sa.Table(
    "meta_version",
    STORE,
    sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("catalog", sa.Integer, nullable=False),
    sa.Column("security", sa.Integer, nullable=False),
    sa.Column("store", sa.Integer, nullable=False, server_default="0", comment="steps done"),
)
META_ELEMENT = sa.Table(
    "meta_element",
    STORE,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("package", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Index("ux_meta_element_name", "kind", "name", unique=True),
)
META_HISTORY = sa.Table(
    "meta_history",
    STORE,
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", Instant(), nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("operations", sa.Text, nullable=False),
)
META_CHANGE = sa.Table(
    "meta_change",
    STORE,
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("element", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("package", sa.Text, nullable=False),
    sa.Column("body", sa.Text, comment="empty: the element was removed"),
)
META_DRAFT = sa.Table(
    "meta_draft",
    STORE,
    sa.Column("author", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("body", sa.Text),
    sa.Column("deleted", sa.Boolean, nullable=False),
    sa.Column("updated_at", Instant(), nullable=False),
    sa.Column("base", sa.Integer, comment="the version that the author began with"),
)
META_DRAFT_STEP = sa.Table(
    "meta_draft_step",
    STORE,
    sa.Column("author", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("action", sa.Integer, nullable=False, comment="steps of one action go together"),
    sa.Column("at", Instant(), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("before", sa.Text, comment="what stood in the draft; empty: nothing"),
    sa.Column("after", sa.Text, comment="likewise"),
    sa.Column("base", sa.Integer),
    sa.Column("undone", sa.Boolean, nullable=False),
)
META_PROGRAM = sa.Table(
    "meta_program",
    STORE,
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("engine", sa.Text, nullable=False, comment="the engine that can read it"),
    sa.Column("document", sa.Text, nullable=False),
)
META_FILE = sa.Table(
    "meta_file",
    STORE,
    sa.Column("digest", sa.Text, primary_key=True, comment="SHA-256: one content is kept once"),
    sa.Column("content", sa.LargeBinary, nullable=False),
)
META_UPLOAD = sa.Table(
    "meta_upload",
    STORE,
    sa.Column("token", sa.Text, primary_key=True),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("at", Instant(), nullable=False),
    sa.Column("packages", sa.Text, nullable=False, comment="the digests of each one's files"),
)
META_STEP = sa.Table(
    "meta_step",
    STORE,
    sa.Column("name", sa.Text, primary_key=True, comment="the index to be built"),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("due", Instant(), nullable=False),
)

PREPARING = 5_241_301
"""PostgreSQL's advisory lock of whoever prepares the tables."""
READ_VERSIONS = "SELECT catalog, security FROM meta_version"


@dataclass(frozen=True, slots=True)
class Versions:
    """The two counters that tell every process whether its snapshots are still good."""

    catalog: int
    security: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One published version; `operations` are in the form of `diff.Operation.to_json`."""

    version: int
    at: datetime
    by: str
    message: str
    operations: tuple[Mapping[str, object], ...]


def create_store(connection: sa.Connection) -> None:
    """Makes what is missing of the tables of definitions, with version 0 in new ones.

    Older tables are brought forward; who comes second waits and finds nothing to do.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(PREPARING)))
    add_missing(connection, STORE.sorted_tables)
    make_index(connection)
    done = connection.scalar(sa.select(META_VERSION.c.store))
    if done is None:
        row = {"id": 1, "catalog": 0, "security": 0, "store": len(STEPS)}
        connection.execute(META_VERSION.insert().values(row))
        return
    for step in STEPS[done:]:
        step(connection)
    if done < len(STEPS):
        connection.execute(META_VERSION.update().values(store=len(STEPS)))


def is_behind(connection: sa.Connection) -> bool:
    """Says whether there are steps that an older database has not done."""
    done = connection.scalar(sa.select(META_VERSION.c.store))
    return done is not None and done < len(STEPS)


def read_versions(connection: sa.Connection) -> Versions:
    """Gives the counters by one statement whose text never changes."""
    row = ask(connection, READ_VERSIONS)
    if row is None:
        raise sa.exc.NoResultFound("there are no definitions: the instance is not set up")
    return Versions(int(row[0]), int(row[1]))


def lock_versions(connection: sa.Connection) -> Versions:
    """Gives the counters and lets nobody else publish before the transaction ends."""
    columns = (META_VERSION.c.catalog, META_VERSION.c.security)
    row = connection.execute(sa.select(*columns).with_for_update()).one()
    return Versions(row.catalog, row.security)


def bump_security(connection: sa.Connection) -> int:
    """Makes every process forget the rights it knows; gives the new counter."""
    connection.execute(META_VERSION.update().values(security=META_VERSION.c.security + 1))
    return read_versions(connection).security


def load_elements(connection: sa.Connection) -> list[Element]:
    """Gives all elements in force, by kind and name."""
    rows = connection.execute(sa.select(META_ELEMENT))
    found = [Element(row.id, row.kind, row.name, row.package, read_body(row.body)) for row in rows]
    return sorted(found, key=lambda element: element.key)


def load_catalog(connection: sa.Connection, previous: Catalog | None = None) -> Catalog:
    """Builds the catalog of the version in force.

    With the one of an older version at hand only what has changed since is read and made anew.
    """
    version = read_versions(connection).catalog
    program = _load_program(connection, version)
    if previous is None or not 0 < previous.version <= version:
        return build_catalog(version, load_elements(connection), program)
    elements = _renew_elements(connection, previous)
    return build_catalog(version, elements, program, previous=previous)


def _renew_elements(connection: sa.Connection, previous: Catalog) -> list[Element]:
    """Gives the elements in force; those that are as they were in `previous` are the same ones."""
    chosen = sa.select(META_CHANGE).where(META_CHANGE.c.version > previous.version)
    found = {element.id: element for element in previous.elements}
    for row in connection.execute(chosen.order_by(META_CHANGE.c.version)):
        if row.body is None:
            found.pop(row.element, None)
        else:
            body = read_body(row.body)
            found[row.element] = Element(row.element, row.kind, row.name, row.package, body)
    return sorted(found.values(), key=lambda element: element.key)


def keep_program(connection: sa.Connection, catalog: Catalog) -> None:
    """Keeps the compiled rules of the version in force, so that no process need parse them.

    Rules that do not compile or cannot be stored are parsed wherever they are needed.
    """
    if _load_program(connection, catalog.version) is not None:
        return
    connection.execute(META_PROGRAM.delete())
    if not catalog.rules:
        return
    try:
        document = write_program(catalog.written)
    except RuleError as error:
        logger.warning("the rules of version %s are not stored: %s", catalog.version, error)
        return
    row = {"version": catalog.version, "engine": engine_version(), "document": document}
    connection.execute(META_PROGRAM.insert().values(row))


def _load_program(connection: sa.Connection, version: int) -> str | None:
    chosen = sa.select(META_PROGRAM.c.document).where(
        META_PROGRAM.c.version == version, META_PROGRAM.c.engine == engine_version()
    )
    return connection.execute(chosen).scalar_one_or_none()


def read_body(text: str) -> dict[str, object]:
    """Gives a stored document."""
    return cast("dict[str, object]", json.loads(text))


def write_body(body: Mapping[str, object]) -> str:
    """Gives a document as it is stored: keys keep their order, which is the order of fields."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def replace_elements(
    connection: sa.Connection, old: Sequence[Element], new: Sequence[Element], version: int
) -> None:
    """Writes what differs between two states, as rows in force and as the version's changes."""
    before = {element.id: element for element in old}
    after = {element.id: element for element in new}
    gone = [element for element in old if element.id not in after]
    changed = [element for element in new if before.get(element.id) != element]
    stale = [element.id for element in (*gone, *changed) if element.id in before]
    if stale:
        connection.execute(META_ELEMENT.delete().where(META_ELEMENT.c.id.in_(stale)))
    if changed:
        connection.execute(META_ELEMENT.insert(), [element_row(item) for item in changed])
    changes = [
        *({**element_row(item), "body": None} for item in gone),
        *(element_row(item) for item in changed),
    ]
    if changes:
        rows = [{"version": version, "element": row.pop("id"), **row} for row in changes]
        connection.execute(META_CHANGE.insert(), rows)


def element_row(element: Element) -> dict[str, str | None]:
    """Gives an element as a row."""
    return {
        "id": element.id,
        "kind": element.kind,
        "name": element.name,
        "package": element.package,
        "body": write_body(element.body),
    }


def write_history(connection: sa.Connection, entry: Entry, *, expected: Versions) -> None:
    """Adds a version and moves the counter to it; the caller holds the lock."""
    connection.execute(
        META_HISTORY.insert().values(
            version=entry.version,
            at=entry.at,
            by=entry.by,
            message=entry.message,
            operations=json.dumps(entry.operations, ensure_ascii=False),
        )
    )
    connection.execute(
        META_VERSION.update().values(catalog=entry.version, security=expected.security + 1)
    )


def history(connection: sa.Connection, limit: int | None = 200) -> list[Entry]:
    """Gives the published versions, the newest first; without a limit all of them."""
    chosen = sa.select(META_HISTORY).order_by(META_HISTORY.c.version.desc()).limit(limit)
    return [
        Entry(row.version, row.at, row.by, row.message, tuple(json.loads(row.operations)))
        for row in connection.execute(chosen)
    ]


def find_entry(connection: sa.Connection, version: int) -> Entry | None:
    """Gives one published version; None when there is none of that number."""
    if not 0 < version <= MOST_VERSION:  # no database could hold it
        return None
    chosen = sa.select(META_HISTORY).where(META_HISTORY.c.version == version)
    row = connection.execute(chosen).first()
    if row is None:
        return None
    return Entry(row.version, row.at, row.by, row.message, tuple(json.loads(row.operations)))


def elements_at(connection: sa.Connection, version: int) -> list[Element]:
    """Gives the elements as they were in a version: what a rollback publishes again."""
    newest = (
        sa.select(META_CHANGE.c.element, sa.func.max(META_CHANGE.c.version).label("version"))
        .where(META_CHANGE.c.version <= version)
        .group_by(META_CHANGE.c.element)
        .subquery()
    )
    same = (META_CHANGE.c.element == newest.c.element) & (META_CHANGE.c.version == newest.c.version)
    chosen = sa.select(META_CHANGE).join(newest, same).where(META_CHANGE.c.body.is_not(None))
    rows = connection.execute(chosen.order_by(META_CHANGE.c.kind, META_CHANGE.c.name))
    return [
        Element(row.element, row.kind, row.name, row.package, read_body(row.body)) for row in rows
    ]


def element_history(
    connection: sa.Connection, kind: str, name: str
) -> list[tuple[Entry, Mapping[str, object] | None]]:
    """Gives the versions in which an element of this name changed, oldest first, each with its
    document (None: it was removed)."""
    joined = META_CHANGE.join(META_HISTORY, META_CHANGE.c.version == META_HISTORY.c.version)
    chosen = (
        sa.select(META_HISTORY, META_CHANGE.c.body)
        .select_from(joined)
        .where(META_CHANGE.c.kind == kind, META_CHANGE.c.name == name)
        .order_by(META_HISTORY.c.version)
    )
    return [
        (
            Entry(row.version, row.at, row.by, row.message, tuple(json.loads(row.operations))),
            None if row.body is None else read_body(row.body),
        )
        for row in connection.execute(chosen)
    ]
