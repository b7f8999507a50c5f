"""Tables whose rows are only ever added, and which the sequencer follows."""

from __future__ import annotations

import sqlalchemy as sa
import sqlalchemy.event

FREEZE = {
    "sqlite": (
        "CREATE TRIGGER IF NOT EXISTS {table}_update BEFORE UPDATE ON {table} "
        "BEGIN SELECT RAISE(ABORT, '{table} is never changed'); END",
        "CREATE TRIGGER IF NOT EXISTS {table}_delete BEFORE DELETE ON {table} "
        "BEGIN SELECT RAISE(ABORT, '{table} is never changed'); END",
    ),
    "postgresql": (
        "CREATE OR REPLACE FUNCTION {table}_frozen() RETURNS trigger AS $$ "
        "BEGIN RAISE EXCEPTION '{table} is never changed'; END $$ LANGUAGE plpgsql",
        "CREATE OR REPLACE TRIGGER {table}_frozen BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION {table}_frozen()",
        "CREATE OR REPLACE TRIGGER {table}_kept BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION {table}_frozen()",
    ),
}
FOLLOW = {
    "sqlite": (
        "CREATE TRIGGER IF NOT EXISTS {table}_pends AFTER INSERT ON {table} BEGIN "
        "INSERT INTO audit_pending (source, row_id) VALUES ('{table}', NEW.id); END",
    ),
    "postgresql": (
        "CREATE OR REPLACE FUNCTION {table}_pends() RETURNS trigger AS $$ BEGIN "
        "INSERT INTO audit_pending (source, row_id) VALUES ('{table}', NEW.id); "
        "RETURN NULL; END $$ LANGUAGE plpgsql",
        "CREATE OR REPLACE TRIGGER {table}_pends AFTER INSERT ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION {table}_pends()",
    ),
}


def freeze_rows(table: sa.Table) -> None:
    """Has the database itself refuse to change or remove rows of `table`."""

    @sa.event.listens_for(table, "after_create")
    def freeze(_table: sa.Table, connection: sa.Connection, **_: object) -> None:
        make_triggers(connection, table, FREEZE)


def follow_rows(table: sa.Table) -> None:
    """Has the database itself tell the sequencer of each row that is added to `table`."""

    @sa.event.listens_for(table, "after_create")
    def follow(_table: sa.Table, connection: sa.Connection, **_: object) -> None:
        make_triggers(connection, table, FOLLOW)


def make_triggers(
    connection: sa.Connection, table: sa.Table, statements: dict[str, tuple[str, ...]]
) -> None:
    """Makes triggers of a table, those that are there already once more."""
    for statement in statements[connection.dialect.name]:
        connection.exec_driver_sql(statement.format(table=table.name))
