"""The system fields that say who wrote what when."""

from __future__ import annotations

from typing import Final

import uuid_utils

from metadata.objects import ObjectDefinition
from metadata.system_fields import ROW_POSITION
from trellis.unit import Unit

FIRST_VERSION: Final = 1
STAMPS: Final = frozenset(
    {"id", "version", "created_at", "created_by", "updated_at", "updated_by", ROW_POSITION}
)
"""What no history tells: each save has the stamps, and the order of rows is told by the list."""


def stamps_of_new(
    unit: Unit, definition: ObjectDefinition, source: str | None
) -> dict[str, object]:
    """Gives a new record's system fields; it belongs to who makes it, and to that person's team."""
    user = unit.principal.user or {}
    stamps = {
        "id": str(uuid_utils.uuid7()),
        "version": FIRST_VERSION,
        "created_at": unit.moment.now,
        "created_by": unit.user_id,
        "updated_at": unit.moment.now,
        "updated_by": unit.user_id,
        "source": source,
        "owner": unit.user_id,
        "owner_team": user.get("team"),
    }
    return {name: value for name, value in stamps.items() if name in definition.fields}


def stamps_of_change(unit: Unit, version: int) -> dict[str, object]:
    """Gives the system fields that each change sets."""
    return {"version": version, "updated_at": unit.moment.now, "updated_by": unit.user_id}
