"""`trellis user`: add, lock and list users."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime

import click
import sqlalchemy as sa

from metadata.access import SYSTEM
from metadata.catalog import Catalog
from metadata.problems import sentence
from trellis.audit.events import NOTHING, write_event
from trellis.automation.relief import relieve_soon
from trellis.declared import declares
from trellis.departing.depart import depart
from trellis.departing.successors import MANAGER, RULES
from trellis.errors import RecordError
from trellis.records.people import USER
from trellis.security.users import account_of, create_user, find_user, list_users, set_active
from trellis.terminal import opened
from trellis.work import writing


@click.group("user")
def command() -> None:
    """Add, lock and list users."""


@command.command("add")
@click.argument("username")
@click.option("--email", required=True)
@click.option("--name", help="Full name; the user name when not given.")
@click.option("--role", "roles", multiple=True, help="API name of a role; may be repeated.")
@click.option("--manager", help="User name of the manager.")
@click.option("--region")
@click.option("--language", type=click.Choice(["en", "zh"]))
@click.option("--timezone")
@click.option("--password", help="A random one is made and printed when not given.")
@declares("user", "administer")
def add(username: str, roles: tuple[str, ...], password: str | None, **given: str | None) -> None:
    """Add the user USERNAME."""
    chosen = password or secrets.token_urlsafe(12)
    manager = given.pop("manager")
    with opened() as platform, platform.database.write() as connection:
        catalog = platform.catalogs.current(connection)
        values: dict[str, object] = {"username": username, "name": username}
        values |= {key: value for key, value in given.items() if value is not None}
        if manager is not None:
            values["manager"] = known_user(find_user(connection, catalog, manager), manager)
        user_id = create_user(connection, catalog, values, password=chosen, roles=roles)
        note_person(connection, catalog, "roles", user_id, {"roles": sorted({*roles})})
    click.echo(f"added {username}" + ("" if password else f", password {chosen}"))


@command.command("lock")
@click.argument("username")
@click.option("--undo", is_flag=True, help="Let the user in again.")
@declares("user", "administer")
def lock(username: str, undo: bool) -> None:
    """Put USERNAME out of every session and let nobody log in as her."""
    with opened() as platform, platform.database.write() as connection:
        catalog = platform.catalogs.current(connection)
        user_id = known_user(find_user(connection, catalog, username), username)
        try:
            set_active(connection, catalog, user_id, active=undo)
        except RecordError as error:
            raise refusal(error) from error
        if not undo:
            relieve_soon(connection, user_id)
        note_person(connection, catalog, "unlocked" if undo else "locked", user_id)
    click.echo(f"{'unlocked' if undo else 'locked'} {username}")


@command.command("depart")
@click.argument("username")
@click.option("--rule", type=click.Choice(RULES), default=MANAGER, show_default=True)
@click.option("--to", help="User name, team or queue that takes over; none for the manager.")
@click.option("--by", default="admin", show_default=True, help="Administrator who has it done.")
@declares("user", "administer")
def leave(username: str, rule: str, to: str | None, by: str) -> None:
    """Lock USERNAME out for good and hand over what she owned; a worker does the rest."""
    with opened() as platform:
        with platform.database.read() as connection:
            catalog = platform.catalogs.current(connection)
            user_id = known_user(find_user(connection, catalog, username), username)
            account = account_of(
                connection, catalog, known_user(find_user(connection, catalog, by), by)
            )
        try:
            with writing(platform, account) as unit:
                found = depart(unit, user_id, rule, to, channel="system")
        except RecordError as error:
            raise refusal(error) from error
    owned = ", ".join(f"{number} {name}" for name, number in found.owned.items()) or "nothing"
    click.echo(f"locked {username}, who owned {owned}; job {found.job} hands it over")
    for name, titles in found.webhooks.items():
        click.echo(f"nobody acts for {name}: {', '.join(titles)}; choose somebody in `acts_as`")
    if found.reports:
        click.echo(f"{username} managed {', '.join(found.reports)}; choose another `manager`")


@command.command("list")
@declares("user", "administer")
def show() -> None:
    """List all users: user name, state, roles, email, name."""
    with opened() as platform, platform.database.read() as connection:
        users = list_users(connection, platform.catalogs.current(connection))
    for user in users:
        state = "active" if user.active else "locked"
        click.echo("\t".join([user.username, state, user.roles, user.email, user.name]))


def note_person(
    connection: sa.Connection,
    catalog: Catalog,
    kind: str,
    user_id: str,
    values: Mapping[str, object] = NOTHING,
) -> None:
    """Writes into the audit what the operator did with a person."""
    write_event(
        connection,
        kind,
        by=SYSTEM.name,
        at=datetime.now(UTC),
        object_id=catalog.objects[USER].id,
        record_ids=[user_id],
        values=values,
    )


def refusal(error: RecordError) -> click.ClickException:
    """Gives what the command says of a use case that refused."""
    return click.ClickException("\n".join(sentence(problem) for problem in error.problems))


def known_user(user_id: str | None, username: str) -> str:
    """Gives the id, or ends with a message."""
    if user_id is None:
        raise click.ClickException(f"no user {username!r}; `trellis user list` shows all")
    return user_id


COMMAND = command
