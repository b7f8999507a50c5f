"""Who keeps something beside records and is told of every write: the one list of them.

A follower lives beside what it keeps and imports `trellis.records.written`, never this module or
one that writes records. Whatever writes rows of records calls `keep_up`, or both halves of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from metadata.objects import ObjectDefinition
from metadata.prepared import Write, write_all
from trellis.duplicates.index import follow_keys
from trellis.records.claim_log import follow_claims
from trellis.records.files import follow_files
from trellis.records.people import follow_accounts
from trellis.records.planned import follow_dates
from trellis.records.search import follow_search, search_entries
from trellis.records.written import Companion, Follower, Written
from trellis.scoring.watching import follow_scores
from trellis.unit import Unit

COMPANIONS: Final[tuple[Companion, ...]] = (search_entries,)
FOLLOWERS: Final[tuple[Follower, ...]] = (
    follow_accounts,
    follow_files,
    follow_search,
    follow_claims,
    follow_keys,
    follow_dates,
    follow_scores,
)


def companions(
    unit: Unit, definition: ObjectDefinition, writes: Sequence[Written]
) -> Sequence[Write]:
    """Gives what is to be written along with the rows of records of one object."""
    return [made for companion in COMPANIONS for made in companion(unit, definition, writes)]


def tell_followers(unit: Unit, definition: ObjectDefinition, writes: Sequence[Written]) -> None:
    """Tells all followers of writes to records of one object, in the order of the list."""
    if writes:
        for follow in FOLLOWERS:
            follow(unit, definition, writes)


def keep_up(unit: Unit, definition: ObjectDefinition, writes: Sequence[Written]) -> None:
    """Brings all that is kept beside records in line with writes whose rows are written."""
    write_all(unit.connection, companions(unit, definition, writes))
    tell_followers(unit, definition, writes)
