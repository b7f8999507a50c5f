"""The security version: moved by the database itself whenever users, teams or roles change.

Triggers, not listeners: no way of writing - a page, an import, Flask-AppBuilder, a SQL console -
can forget them, and every process sees the new number with its next request.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

ANY_CHANGE = ("INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True, slots=True)
class Watched:
    """A table whose changes may change what somebody may do."""

    table: str
    events: tuple[str, ...] = ANY_CHANGE


# A login writes counters to ab_user: these must not make everybody's rights be read again.
WATCHED = (
    Watched("ab_user", ("UPDATE OF username, email, password, active", "DELETE")),
    Watched("ab_role", ("UPDATE OF name", "DELETE")),
    Watched("ab_user_role"),
    Watched("ab_user_group"),
    Watched("ab_group_role"),
    Watched("ab_permission_view_role"),
    Watched("o_user"),
    Watched("o_team"),
    Watched("o_team$others"),
    Watched("o_territory"),
    Watched("o_territory$members"),
    Watched("o_queue"),
    Watched("o_queue$members"),
    Watched("o_manager_period"),
    Watched("record_share"),
    Watched("login_epoch"),
)

BUMP = "UPDATE meta_version SET security = security + 1"
FUNCTION = f"""
CREATE OR REPLACE FUNCTION trellis_bump_security() RETURNS trigger AS $$
BEGIN
    {BUMP};
    RETURN NULL;
END $$ LANGUAGE plpgsql
"""


def watch_security(connection: sa.Connection) -> None:
    """Makes the triggers on the tables that exist; ones that are there are made anew."""
    existing = set(sa.inspect(connection).get_table_names())
    is_postgresql = connection.dialect.name == "postgresql"
    if is_postgresql:
        connection.exec_driver_sql(FUNCTION)
    for watched in WATCHED:
        if watched.table in existing:
            for event in watched.events:
                make_trigger(connection, watched.table, event, is_postgresql=is_postgresql)


def make_trigger(connection: sa.Connection, table: str, event: str, *, is_postgresql: bool) -> None:
    """Makes one trigger. Names come from `WATCHED`, never from outside."""
    name = f'"security_{table}_{event.split()[0].lower()}"'
    head = f'CREATE TRIGGER {name} AFTER {event} ON "{table}"'
    if is_postgresql:
        connection.exec_driver_sql(f'DROP TRIGGER IF EXISTS {name} ON "{table}"')
        connection.exec_driver_sql(
            f"{head} FOR EACH STATEMENT EXECUTE FUNCTION trellis_bump_security()"
        )
        return
    connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
    connection.exec_driver_sql(f"{head} BEGIN {BUMP}; END")
