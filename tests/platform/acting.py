"""Acting as somebody without a browser: units of work, and what the database holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from metadata.access import SYSTEM
from metadata.migrate import publish
from metadata.store import load_elements
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.security.tables import ab_group_role, ab_role, ab_user_group
from trellis.unit import Unit
from trellis.work import writing, writing_as

# Tables whose rows say who looked when, not what is the case.
UNSTABLE = frozenset({"ab_user", "ab_api_key", "worker"})


@contextmanager
def acting(platform: Platform, username: str) -> Iterator[Unit]:
    """Gives a user a unit of work; committed at the end."""
    with platform.database.read() as connection:
        users = platform.catalogs.current(connection).tables["user"]
        account = connection.execute(
            sa.select(users.c.account).where(users.c.username == username)
        ).scalar_one()
    with writing(platform, account) as unit:
        yield unit


@contextmanager
def trying(platform: Platform, username: str) -> Iterator[Unit]:
    """Gives a user a unit of work of which nothing stays."""
    with acting(platform, username) as unit:
        attempt = unit.connection.begin_nested()
        yield unit
        attempt.rollback()


@contextmanager
def system(platform: Platform) -> Iterator[Unit]:
    """Gives the system a unit of work."""
    with writing_as(platform, SYSTEM) as unit:
        yield unit


def make(platform: Platform, username: str, object_name: str, **values: object) -> str:
    """Creates a record as a user and gives its id."""
    with acting(platform, username) as unit:
        return save_record(unit, object_name, None, values, channel="api").id


def stored(platform: Platform, object_name: str, record_id: str) -> Mapping[str, Any]:
    """Gives all fields of a record, whoever may see them; deleted ones too."""
    with system(platform) as unit:
        found = unit.records().get(object_name, record_id)
        if found is None:
            found = (
                unit.records().get_for_change(object_name, record_id, "delete", deleted=True).record
            )
        return found


def database_hash(platform: Platform) -> str:
    """Gives a digest of every row of every table but UNSTABLE ones."""
    digest = hashlib.sha256()
    with platform.database.read() as connection:
        for name in sorted(sa.inspect(connection).get_table_names()):
            if name in UNSTABLE:
                continue
            rows = connection.exec_driver_sql(f'SELECT * FROM "{name}"').fetchall()
            digest.update(repr((name, sorted(map(repr, rows)))).encode())
    return digest.hexdigest()


def outbox_rows(platform: Platform) -> list[Mapping[str, Any]]:
    """Gives the outbox, oldest first."""
    with platform.database.read() as connection:
        found = connection.exec_driver_sql("SELECT * FROM outbox ORDER BY id").mappings()
        return [dict(row) for row in found]


@contextmanager
def counted(platform: Platform) -> Iterator[list[str]]:
    """Collects the statements that the platform's engine runs meanwhile."""
    statements: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    sa.event.listen(platform.database.engine, "before_cursor_execute", note)
    yield statements
    sa.event.remove(platform.database.engine, "before_cursor_execute", note)


def change_element(
    platform: Platform,
    kind: str,
    name: str,
    change: Callable[[dict[str, Any]], None],
    *,
    confirm: Collection[str] = (),
) -> None:
    """Publishes an element that `change` was let loose on; `confirm` is what may go."""
    with platform.database.write() as connection:
        elements = load_elements(connection)
        (place,) = (n for n, element in enumerate(elements) if element.key == (kind, name))
        body: dict[str, Any] = json.loads(json.dumps(elements[place].body))
        change(body)
        elements[place] = replace(elements[place], body=body)
        publish(connection, elements, by="system", confirm=confirm)


def join_group(connection: sa.Connection, account: int, role: str) -> None:
    """Puts an account into a new group that holds a role."""
    held = connection.scalar(sa.select(ab_role.c.id).where(ab_role.c.name == role))
    connection.exec_driver_sql("INSERT INTO ab_group (id, name) VALUES (7, 'g')")
    connection.execute(sa.insert(ab_group_role).values(id=7, group_id=7, role_id=held))
    connection.execute(sa.insert(ab_user_group).values(id=7, group_id=7, user_id=account))


def set_tests_aside(platform: Platform, name: str) -> None:
    """Publishes a package's file of tests without them: they stand against other rules."""
    change_element(platform, "rules", name, lambda body: body.update(text="# Set aside.\n"))


def restrict_field(platform: Platform, role: str, object_name: str, field: str, right: str) -> None:
    """Publishes a role with another right on one field."""

    def change(body: dict[str, Any]) -> None:
        body["grants"][object_name].setdefault("fields", {})[field] = right

    change_element(platform, "role", role, change)
