"""Setting an instance up: tables, permissions, packages, the first user. Can be repeated."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from metadata.drift import Drift
from metadata.packages.install import install
from metadata.packages.read import read_package
from metadata.store import keep_program, load_catalog
from trellis.app import create_app
from trellis.bundled import SYSTEM, known_packages
from trellis.checkpoints import BusyError, try_lock
from trellis.config import Settings
from trellis.demo.load import load_demo
from trellis.publishing import conclude
from trellis.runtime import Platform, open_platform
from trellis.security.builder import ADMIN_ROLE
from trellis.security.users import create_user, find_user
from trellis.security.versions import watch_security
from trellis.upkeep import bring_forward, make_tables

logger = logging.getLogger(__name__)

ADMIN = "admin"
BASE_PACKAGE = "crm"
PASSWORD_BYTES = 12


@dataclass(frozen=True, slots=True)
class Report:
    """What `set_up` found or made.

    `demo` counts the records made, by object. Passwords are given only when they were made up
    here; `demo_password` when it is not the one of `admin`.
    """

    instance: Path
    packages: Mapping[str, str]
    made_admin: bool
    password: str | None
    demo: Mapping[str, int]
    demo_password: str | None


def set_up(
    settings: Settings, *, packages: tuple[str, ...] = (BASE_PACKAGE,), with_demo: bool = False
) -> Report:
    """Makes what is missing in an instance and leaves the rest alone.

    With `with_demo` the base package's demo company is made, once.
    """
    settings.run_folder.mkdir(parents=True, exist_ok=True)
    with try_lock(settings.run_folder / "init.lock") as is_ours:
        if not is_ours:
            raise BusyError(f"{settings.instance} is being set up by another process")
        platform = open_platform(settings)
        try:
            return set_up_platform(platform, packages, with_demo=with_demo)
        finally:
            platform.close()


def set_up_platform(
    platform: Platform, packages: tuple[str, ...], *, with_demo: bool = False
) -> Report:
    """Does what `set_up` says with a platform that the caller opened."""
    settings = platform.settings
    set_up_product(platform, packages)
    password = make_admin(platform)
    demo: Mapping[str, int] = {}
    demo_password = None
    if with_demo:
        demo_password = password or settings.admin_password or new_password()
        demo = load_demo(platform, known_packages()[BASE_PACKAGE], password=demo_password)
    with platform.database.read() as connection:
        installed = dict(platform.catalogs.current(connection).packages)
    is_told = settings.admin_password is None
    return Report(
        instance=settings.instance,
        packages=installed,
        made_admin=password is not None,
        password=password if is_told else None,
        demo=demo,
        demo_password=demo_password if demo and is_told and password is None else None,
    )


def set_up_product(platform: Platform, packages: tuple[str, ...] = ()) -> list[Drift]:
    """Makes tables, permissions, the system's own package and others what this product brings.

    Gives what `bring_forward` gives; raises what `install` raises.
    """
    make_tables(platform.database)
    application = create_app(platform.settings, platform=platform, set_up=True)
    application.extensions["trellis_fab_engine"].dispose()
    folders = [SYSTEM, *(known_packages()[name] for name in packages)]
    with platform.database.write(publishing=True) as connection:
        known = load_catalog(connection)
        for folder in folders:
            version = install(connection, read_package(folder), by="system")
            conclude(connection, known, version, by="system", at=datetime.now(UTC))
            known = load_catalog(connection, known)
        keep_program(connection, known)
        watch_security(connection)
    return bring_forward(platform)


def make_admin(platform: Platform) -> str | None:
    """Makes the user `admin` when there is none; gives the password, None when there was one."""
    with platform.database.write() as connection:
        catalog = platform.catalogs.current(connection)
        if find_user(connection, catalog, ADMIN) is not None:
            return None
        password = platform.settings.admin_password or new_password()
        create_user(
            connection,
            catalog,
            {"username": ADMIN, "name": "Administrator", "email": "admin@example.com"},
            password=password,
            roles=[ADMIN_ROLE],
        )
    logger.info("user %s made", ADMIN)
    return password


def new_password() -> str:
    """Makes a password up."""
    return secrets.token_urlsafe(PASSWORD_BYTES)
