"""Who gets a letter: a user, or the record of somebody without a login."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from trellis.mail.letters import CannotWriteError, Recipient
from trellis.runtime import Platform
from trellis.unit import Unit
from trellis.webhooks.endpoints import principal_of
from trellis.work import unit_for

USER = "user"


def recipient_of(here: Platform, unit: Unit, message: Mapping[str, Any]) -> Recipient:
    """Gives who gets a letter, as things are now. Raises CannotWriteError for nobody."""
    if message["user_id"] is not None:
        found = user_of(here, unit, str(message["user_id"]))
    else:
        found = person_of(
            here, unit, str(message["addressee_object"]), str(message["addressee_id"])
        )
    if not found.address.isascii():
        raise CannotWriteError(f"{found.address} has letters that mail servers do not take")
    return found


def user_of(here: Platform, unit: Unit, user_id: str) -> Recipient:
    """Gives a user, who reads what she may read."""
    record = unit.records().get(USER, user_id, ["name", "email", "language", "timezone"])
    principal = principal_of(here, unit, user_id)
    if record is None or principal is None:
        raise CannotWriteError("the user may not log in any more")
    return Recipient(
        address=address_in(record["email"], "the user has no address"),
        name=str(record["name"] or ""),
        language=str(record["language"] or here.settings.language),
        zone=zone_named(record["timezone"]) or here.settings.zone,
        unit=unit_for(here, unit.connection, unit.catalog, principal),
    )


def person_of(here: Platform, unit: Unit, object_name: str, record_id: str) -> Recipient:
    """Gives somebody without a login by the record of her; her first address counts."""
    definition = unit.catalog.objects.get(object_name)
    if definition is None:
        raise CannotWriteError(f"there is no object {object_name}")
    fields = [one.name for one in definition.fields.values() if one.type.name == "email"]
    if not fields:
        raise CannotWriteError(f"{object_name} has no field for an e-mail address")
    record = unit.records().get(object_name, record_id, [*fields, definition.name_field])
    if record is None:
        raise CannotWriteError("the record of the recipient is gone")
    given = next((record[name] for name in fields if record[name]), None)
    return Recipient(
        address=address_in(given, "the recipient has no e-mail address"),
        name=str(record[definition.name_field] or ""),
        language=here.settings.language,
        zone=here.settings.zone,
        unit=unit,
    )


def address_in(value: object, lacking: str) -> str:
    """Gives an address. Raises CannotWriteError where there is none."""
    if not value:
        raise CannotWriteError(lacking)
    return str(value)


def zone_named(name: object) -> ZoneInfo | None:
    """Gives a person's own zone, if it is one."""
    try:
        return ZoneInfo(str(name)) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        return None
