"""The table of the search index and what each database searches it by.

A row holds the tokens of one record. On PostgreSQL they are a tsvector with a GIN index; on SQLite
a text that triggers bring into an FTS5 table, which has no content of its own. The tokens are
finished words: neither database cuts, folds or stems them.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSVECTOR

from metadata.stored_tables import STORE

SEARCH_ENTRY = sa.Table(
    "search_entry",
    STORE,
    sa.Column(
        "number",
        sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
        sa.Identity(),
        primary_key=True,
    ),
    sa.Column("object", sa.Text, nullable=False, comment="the id of the object"),
    sa.Column("record", sa.Text, nullable=False),
    sa.Column("tokens", sa.Text().with_variant(TSVECTOR(), "postgresql"), nullable=False),
    sa.Index("ux_search_entry_record", "record", "object", unique=True),
)
SEARCH_STATE = sa.Table(
    "search_state",
    STORE,
    sa.Column("object", sa.Text, primary_key=True),
    sa.Column("wanted", sa.Text, nullable=False, comment="what is indexed, as a digest"),
    sa.Column("done", sa.Boolean, nullable=False),
    sa.Column("reached", sa.Text, comment="the record after which the work goes on"),
)
MATCHES: Final = sa.table("search_match", sa.column("rowid", sa.Integer), sa.column("search_match"))
"""SQLite's index; its column of the same name is what MATCH takes."""

REMOVE: Final = (
    "INSERT INTO search_match(search_match, rowid, tokens)"
    " VALUES ('delete', old.number, old.tokens);"
)
ADD: Final = "INSERT INTO search_match(rowid, tokens) VALUES (new.number, new.tokens);"
SQLITE: Final = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS search_match USING fts5("
    "tokens, content='search_entry', content_rowid='number',"
    " tokenize='ascii', detail=none, columnsize=0)",
    f"CREATE TRIGGER IF NOT EXISTS search_entry_added AFTER INSERT ON search_entry BEGIN {ADD} END",
    "CREATE TRIGGER IF NOT EXISTS search_entry_removed AFTER DELETE ON search_entry"
    f" BEGIN {REMOVE} END",
    "CREATE TRIGGER IF NOT EXISTS search_entry_changed AFTER UPDATE OF tokens ON search_entry"
    f" WHEN old.tokens <> new.tokens BEGIN {REMOVE} {ADD} END",
)
POSTGRESQL: Final = (
    "CREATE INDEX IF NOT EXISTS ix_search_entry_tokens ON search_entry USING gin (tokens)",
)


def make_index(connection: sa.Connection) -> None:
    """Makes what the database searches by, where it is missing."""
    is_sqlite = connection.dialect.name == "sqlite"
    for statement in SQLITE if is_sqlite else POSTGRESQL:
        connection.exec_driver_sql(statement)


def renew_index(connection: sa.Connection) -> None:
    """Makes SQLite's index anew from the rows, whatever state it is in."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("INSERT INTO search_match(search_match) VALUES ('rebuild')")
