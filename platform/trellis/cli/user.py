"""`trellis user`: add, lock and list users."""

from __future__ import annotations

import secrets

import click

from trellis.security.users import create_user, find_user, list_users, set_active
from trellis.terminal import opened


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
        create_user(connection, catalog, values, password=chosen, roles=roles)
    click.echo(f"added {username}" + ("" if password else f", password {chosen}"))


@command.command("lock")
@click.argument("username")
@click.option("--undo", is_flag=True, help="Let the user in again.")
def lock(username: str, undo: bool) -> None:
    """Put USERNAME out of every session and let nobody log in as her."""
    with opened() as platform, platform.database.write() as connection:
        catalog = platform.catalogs.current(connection)
        user_id = known_user(find_user(connection, catalog, username), username)
        set_active(connection, catalog, user_id, active=undo)
    click.echo(f"{'unlocked' if undo else 'locked'} {username}")


@command.command("list")
def show() -> None:
    """List all users: user name, state, roles, email, name."""
    with opened() as platform, platform.database.read() as connection:
        users = list_users(connection, platform.catalogs.current(connection))
    for user in users:
        state = "active" if user.active else "locked"
        click.echo("\t".join([user.username, state, user.roles, user.email, user.name]))


def known_user(user_id: str | None, username: str) -> str:
    """Gives the id, or ends with a message."""
    if user_id is None:
        raise click.ClickException(f"no user {username!r}; `trellis user list` shows all")
    return user_id


COMMAND = command
