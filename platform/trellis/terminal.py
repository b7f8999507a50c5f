"""What the commands share: the instance they work on, and errors as messages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
import sqlalchemy.exc

from metadata.json_text import strings
from metadata.locks import Busy
from metadata.migrate import PublishConflict, Unconfirmed
from metadata.problems import DefinitionError, Problem
from metadata.stored_tables import STORE
from trellis.checkpoints import BusyError
from trellis.config import Settings, SettingsError, load_settings
from trellis.db import Database
from trellis.runtime import Platform, open_platform
from trellis.security.users import UserError

EXPECTED = (
    SettingsError,
    DefinitionError,
    PublishConflict,
    UserError,
    BusyError,
    Busy,
)


@contextmanager
def refusing() -> Iterator[None]:
    """Turns what a user can cause into a message and exit code 1."""
    try:
        yield
    except EXPECTED as error:
        raise click.ClickException(str(error)) from error
    except Unconfirmed as error:
        names = " ".join(f"--confirm {name}" for name in error.names)
        raise click.ClickException(
            f"this takes things out of use; to do it: trellis package install … {names}"
        ) from error
    except sqlalchemy.exc.OperationalError as error:
        raise click.ClickException(f"the database does not answer: {error.orig}") from error


def with_options(problem: Problem) -> Problem:
    """Gives a problem as the command line tells it: what to confirm, by its options."""
    if problem.code != "unconfirmed":
        return problem
    names = strings(problem.values["names"])
    options = " ".join(f"--confirm {name}" for name in names)
    return Problem("", "unconfirmed_option", {"names": names, "options": options})


def settings_of_instance(*, may_be_older: bool = False) -> Settings:
    """Gives the settings of an instance that is set up; raises SettingsError otherwise.

    One that lacks what a newer version of the product brings is refused, unless it `may_be_older`.
    """
    settings = load_settings()
    database = Database(settings.database_url, synchronous=settings.synchronous)
    try:
        missing = database.missing_tables(STORE.tables)
    finally:
        database.dispose()
    if len(missing) == len(STORE.tables):
        raise SettingsError("the database is empty: run `trellis init` first")
    if missing and not may_be_older:
        raise SettingsError(f"tables are missing: {', '.join(missing)}: run `trellis init`")
    return settings


@contextmanager
def opened(*, may_be_older: bool = False) -> Iterator[Platform]:
    """Gives the platform of the instance, with what a user can cause turned into a message."""
    with refusing():
        platform = open_platform(settings_of_instance(may_be_older=may_be_older))
        try:
            yield platform
        finally:
            platform.close()
