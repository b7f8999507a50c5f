"""Records of users: each has an account by which the person logs in."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from trellis.audit import note
from trellis.automation.relief import relieve_soon
from trellis.errors import NotAllowed, Refused
from trellis.records.written import Written
from trellis.security.users import hash_password, insert_account, taken_names, update_account
from trellis.unit import Unit

USER = "user"


def open_account(
    unit: Unit, definition: ObjectDefinition, record: dict[str, object]
) -> dict[str, object]:
    """Gives a new user's record its account, with a password that nobody knows.

    Other records pass as they are. Raises NotAllowed for who may not administer, and Refused when
    user name or address are taken.
    """
    if definition.name != USER:
        return record
    if not unit.principal.may_administer:
        raise NotAllowed([Problem("", "user_by_administrator")])
    problems = taken_names(unit.connection, unit.catalog, record)
    if problems:
        raise Refused(problems)
    unknown = hash_password(secrets.token_urlsafe())
    return {**record, "account": insert_account(unit.connection, record, unknown)}


def follow_accounts(unit: Unit, definition: ObjectDefinition, writes: Sequence[Written]) -> None:
    """Brings accounts in line with records of users."""
    if definition.name == USER:
        for write in writes:
            update_account(unit.connection, unit.catalog, write.id)
            note_standing(unit, write)


def note_standing(unit: Unit, write: Written) -> None:
    """Writes into the audit that somebody was locked out, also by deletion, or let in again; has
    others asked for what waits for who was locked out."""
    if write.old is None:
        return
    before, after = (bool((one or {}).get("active")) for one in (write.old, write.new))
    if before != after:
        note(unit, "unlocked" if after else "locked", object=USER, record_ids=[write.id])
    if before and not after:
        relieve_soon(unit.connection, write.id)
