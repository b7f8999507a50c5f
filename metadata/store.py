"""The definitions in the database: elements, their history as numbered versions, and drafts."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import cast

import sqlalchemy as sa

from metadata.catalog import Catalog, build_catalog
from metadata.elements import LOCAL, Element, by_key
from metadata.json_text import mapping
from metadata.merge import crm_of, with_crm
from rule_engine.columns import Instant
from rule_engine.errors import RuleError
from rule_engine.storage import engine_version, write_program

logger = logging.getLogger(__name__)

STORE = sa.MetaData()

META_VERSION = sa.Table(
    "meta_version",
    STORE,
    sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("catalog", sa.Integer, nullable=False),
    sa.Column("security", sa.Integer, nullable=False),
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
)
META_PROGRAM = sa.Table(
    "meta_program",
    STORE,
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("engine", sa.Text, nullable=False, comment="the engine that can read it"),
    sa.Column("document", sa.Text, nullable=False),
)

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


@dataclass(frozen=True, slots=True)
class Draft:
    """What an author has changed and not published; `body` is None for a deletion."""

    kind: str
    name: str
    body: Mapping[str, object] | None


def create_store(connection: sa.Connection) -> None:
    """Makes the tables of definitions where they are not there yet, with version 0."""
    STORE.create_all(connection)
    if connection.execute(sa.select(META_VERSION.c.id)).first() is None:
        connection.execute(META_VERSION.insert().values(id=1, catalog=0, security=0))


def read_versions(connection: sa.Connection) -> Versions:
    """Gives the counters by one statement whose text never changes."""
    row = connection.exec_driver_sql(READ_VERSIONS).one()
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
    order = (META_ELEMENT.c.kind, META_ELEMENT.c.name)
    rows = connection.execute(sa.select(META_ELEMENT).order_by(*order))
    return [Element(row.id, row.kind, row.name, row.package, read_body(row.body)) for row in rows]


def load_catalog(connection: sa.Connection) -> Catalog:
    """Builds the catalog of the version in force."""
    version = read_versions(connection).catalog
    elements = load_elements(connection)
    return build_catalog(version, elements, _load_program(connection, version))


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
        document = write_program(catalog.program)
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


def history(connection: sa.Connection, limit: int = 200) -> list[Entry]:
    """Gives the published versions, the newest first."""
    chosen = sa.select(META_HISTORY).order_by(META_HISTORY.c.version.desc()).limit(limit)
    return [
        Entry(row.version, row.at, row.by, row.message, tuple(json.loads(row.operations)))
        for row in connection.execute(chosen)
    ]


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


def save_draft(
    connection: sa.Connection,
    author: str,
    kind: str,
    name: str,
    body: Mapping[str, object] | None,
    *,
    at: datetime | None = None,
) -> None:
    """Keeps what an author made of an element; body None means that it is to be deleted."""
    discard_drafts(connection, author, kind, name)
    connection.execute(
        META_DRAFT.insert().values(
            author=author,
            kind=kind,
            name=name,
            body=None if body is None else write_body(body),
            deleted=body is None,
            updated_at=at or datetime.now(UTC),
        )
    )


def drafts(connection: sa.Connection, author: str) -> list[Draft]:
    """Gives what an author has changed and not published, the oldest first."""
    chosen = sa.select(META_DRAFT).where(META_DRAFT.c.author == author)
    rows = connection.execute(chosen.order_by(META_DRAFT.c.updated_at, META_DRAFT.c.name))
    return [Draft(row.kind, row.name, None if row.deleted else read_body(row.body)) for row in rows]


def discard_drafts(
    connection: sa.Connection, author: str, kind: str | None = None, name: str | None = None
) -> None:
    """Forgets an author's drafts: all, those of a kind, or one."""
    statement = META_DRAFT.delete().where(META_DRAFT.c.author == author)
    if kind is not None:
        statement = statement.where(META_DRAFT.c.kind == kind)
    if name is not None:
        statement = statement.where(META_DRAFT.c.name == name)
    connection.execute(statement)


def with_drafts(elements: Sequence[Element], changes: Iterable[Draft]) -> list[Element]:
    """Gives the elements as they would be with an author's drafts published."""
    found = by_key(elements)
    for draft in changes:
        key = (draft.kind, draft.name)
        known = found.get(key)
        if draft.body is None:
            found.pop(key, None)
        elif known is None:
            found[key] = Element("", draft.kind, draft.name, LOCAL, draft.body)
        else:
            found[key] = replace(known, body=draft_body(known, draft.body))
    return list(found.values())


def draft_body(known: Element, body: Mapping[str, object]) -> Mapping[str, object]:
    """Gives a drafted document; fields added to a package's object belong to this installation."""
    if known.kind != "object" or known.package == LOCAL:
        return body
    there = mapping(known.body.get("properties"))
    properties = {
        name: one if name in there or owner_of(one) else with_crm(mapping(one), package=LOCAL)
        for name, one in mapping(body.get("properties")).items()
    }
    return {**body, "properties": properties}


def owner_of(document: object) -> object:
    """Gives the package that a field says it belongs to."""
    return crm_of(mapping(document)).get("package")
