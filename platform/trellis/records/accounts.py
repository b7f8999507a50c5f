"""What administrators do with people's accounts: passwords and roles."""

from __future__ import annotations

from collections.abc import Sequence

from metadata.problems import Problem
from trellis.audit import note
from trellis.errors import NotAllowed, Refused
from trellis.records.people import USER
from trellis.records.reach import definition_of, stale, target_of
from trellis.security.administrators import keep_administrator
from trellis.security.open_sessions import end_sessions
from trellis.security.users import UserError, account_of, set_password, set_roles
from trellis.unit import Unit


def give_password(unit: Unit, user_id: str, password: str) -> None:
    """Gives somebody a new password; sessions and tokens made with the old one are void.

    Raises Missing, NotAllowed for who may not administer, and Refused for a weak one.
    """
    administered(unit, user_id, None)
    try:
        set_password(unit.connection, unit.catalog, user_id, password)
    except UserError as error:
        raise Refused(error.problems) from error
    note(unit, "password", object=USER, record_ids=[user_id])


def end_logins(unit: Unit, user_id: str) -> int:
    """Ends all sessions and tokens of somebody; gives how many sessions there were.

    Raises Missing, and NotAllowed for who may not administer.
    """
    administered(unit, user_id, None)
    account_id = account_of(unit.connection, unit.catalog, user_id)
    number = end_sessions(unit.connection, account_id)
    note(unit, "logout", object=USER, record_ids=[user_id], values={"ended": number})
    return number


def give_roles(unit: Unit, user_id: str, roles: Sequence[str], version: int | None) -> int:
    """Gives somebody exactly these roles; gives the version of her record then.

    Raises Missing, NotAllowed for who may not administer, Stale, Refused for roles that are not
    known or may not be held together, and Conflict when nobody could administer any more.
    """
    administered(unit, user_id, version)
    try:
        set_roles(unit.connection, unit.catalog, user_id, roles)
    except UserError as error:
        raise Refused(error.problems) from error
    keep_administrator(unit.connection, unit.catalog, "/roles")
    note(unit, "roles", object=USER, record_ids=[user_id], values={"roles": sorted({*roles})})
    after = target_of(unit.as_automation(), unit.catalog.objects[USER], user_id, "update")
    return int(str(after["version"]))


def administered(unit: Unit, user_id: str, version: int | None) -> None:
    """Locks a user's record. Raises Missing, NotAllowed for who may not administer, and Stale."""
    definition = definition_of(unit, USER)
    found = target_of(unit, definition, user_id, "read")
    if not unit.principal.may_administer:
        raise NotAllowed([Problem("", "administer_needed")])
    if version is not None and version != found["version"]:
        raise stale(unit, definition, user_id)
