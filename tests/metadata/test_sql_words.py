"""Fields may be called what a database calls its own things (SEC-08)."""

from __future__ import annotations

import re

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from metadata.access import SYSTEM
from metadata.migrate import publish
from metadata.parse import REFUSED_FIELDS
from metadata.query import Records
from metadata.store import create_store, load_catalog
from tests.metadata.databases import element, engine_for, object_body
from tests.metadata.worlds import MOMENT

SOME = 30
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
#: SQLite's whole list; it cannot be asked for.
SQLITE = """
abort action add after all alter always analyze and as asc attach autoincrement before begin between
by cascade case cast check collate column commit conflict constraint create cross current
current_date current_time current_timestamp database default deferrable deferred delete desc detach
distinct do drop each else end escape except exclude exclusive exists explain fail filter first
following for foreign from full generated glob group groups having if ignore immediate in index
indexed initially inner insert instead intersect into is isnull join key last left like limit match
materialized natural no not nothing notnull null nulls of offset on or order others outer over
partition plan pragma preceding primary query raise range recursive references regexp reindex
release rename replace restrict returning right rollback row rows savepoint select set table temp
temporary then ties to transaction trigger unbounded union unique update using vacuum values view
virtual when where window with without rowid oid ctid xmin xmax tableoid cmin cmax
"""


def words_of(connection: sa.Connection) -> list[str]:
    """Gives the keywords of both databases that can be names, with columns PostgreSQL has."""
    known = {*SQLITE.split(), *postgresql.base.RESERVED_WORDS}
    if connection.dialect.name == "postgresql":
        known |= set(connection.scalars(sa.text("SELECT word FROM pg_get_keywords()")))
    return sorted(word for word in known - REFUSED_FIELDS if NAME.fullmatch(word))


def test_sec_08_fields_may_be_called_as_databases_call_their_own_things(
    database_url: str,
) -> None:
    with engine_for(database_url) as engine, engine.begin() as connection:
        create_store(connection)
        words = words_of(connection)
        plain = object_body({word: {"type": "string"} for word in words}, name_field="nothing")
        formulas = {
            word: {
                "type": "number",
                "readOnly": True,
                "crm": {"formula": "size + 1", "stored": False},
            }
            for word in words
        }
        body = object_body({"name": {"type": "string"}, "size": {"type": "integer"}, **formulas})
        publish(connection, [element("plain", plain), element("made", body)], by="x")
        catalog = load_catalog(connection)
        for name, value in (("plain", "a"), ("made", 1)):
            table = catalog.tables[name]
            row = {"id": "1", "version": 1, "created_at": MOMENT.now, "updated_at": MOMENT.now}
            keys = words if name == "plain" else ["size"]
            fields = catalog.objects[name].fields
            values = {fields[key].column: value for key in keys}
            connection.execute(sa.insert(table).values({**row, **values}))
        records = Records(catalog, connection, SYSTEM, MOMENT)
        for start in range(0, len(words), SOME):
            some = words[start : start + SOME]
            for name, condition, value in (("plain", '{} = "a"', "a"), ("made", "{} > 1", 2)):
                filter_ = " and ".join(condition.format(word) for word in some)
                sort = [some[0], f"-{some[-1]}"]
                (item,) = records.list(name, fields=some, sort=sort, filter=filter_).items
                assert [item[word] for word in some] == [value] * len(some)
