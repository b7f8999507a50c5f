"""Keys that many records have, with the eyes of who asks.

A key of more than `MOST_OF_KEY` records says nothing. For who does not read all records that must
not rest on those she does not read: she could make as many of her own with a value that she
guesses, and see by their silence that somebody else has it, too. Those that she reads are counted.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from metadata.duplicates.definitions import DuplicateRule
from metadata.objects import ObjectDefinition
from trellis.duplicates.tables import duplicate_key
from trellis.unit import Unit

MOST_OF_KEY: Final = 100
"""Records under one key that are looked at; a key of more says nothing."""
MOST_READ: Final = 10_000
"""Records under one key that are gone through for those that somebody reads: a key that everybody
has is not, and to bring a key there by guessing takes far more than the hundred that count."""


def reads_all(unit: Unit, definition: ObjectDefinition) -> bool:
    """Says whether the principal reads every record of an object."""
    principal = unit.principal
    whole = definition.link_of is None and principal.access(definition.name).reach("read").all
    return principal.unrestricted or whole


def readable_holders(
    unit: Unit, definition: ObjectDefinition, rule: DuplicateRule, key: int
) -> list[str]:
    """Gives the records under a key that the principal reads; none when these are too many."""
    here = duplicate_key.c
    same = sa.and_(here.object == definition.id, here.rule == rule.name, here.key == key)
    whole = sa.select(sa.literal(1)).where(same).limit(MOST_READ + 1).subquery("whole")
    number = unit.connection.scalar(sa.select(sa.func.count()).select_from(whole)) or 0
    if number > MOST_READ:
        return []
    some = sa.select(here.record).where(same).limit(MOST_OF_KEY + 1)
    found = [str(row[0]) for row in unit.records().beside(definition.name, some, here.record)]
    return found if len(found) <= MOST_OF_KEY else []
