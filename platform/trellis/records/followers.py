"""Who keeps something beside records and is told of every write: the one list of them.

A follower lives beside what it keeps and imports `trellis.records.written`, never this module or
one that writes records. Whatever writes rows of records calls `tell_followers`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from metadata.objects import ObjectDefinition
from trellis.duplicates.index import follow_keys
from trellis.records.claim_log import follow_claims
from trellis.records.files import follow_files
from trellis.records.people import follow_accounts
from trellis.records.search import follow_search
from trellis.records.written import Follower, Written
from trellis.unit import Unit

FOLLOWERS: Final[tuple[Follower, ...]] = (
    follow_accounts,
    follow_files,
    follow_search,
    follow_claims,
    follow_keys,
)


def tell_followers(unit: Unit, definition: ObjectDefinition, writes: Sequence[Written]) -> None:
    """Tells all followers of writes to records of one object, in the order of the list."""
    if writes:
        for follow in FOLLOWERS:
            follow(unit, definition, writes)
