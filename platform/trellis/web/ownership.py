"""Whose a record became, when and why, and who was passed over: in words for a page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from trellis.records.explain_owner import explain_owner
from trellis.unit import Unit
from trellis.web.people import name_of, names_of
from trellis.web.words import gettext


@dataclass(frozen=True, slots=True)
class Turn:
    """One decision. `user` is empty for a queue and for nobody; `skipped` are who and why."""

    at: datetime
    user: str
    name: str
    because: str
    skipped: tuple[tuple[str, str], ...]


def turns_of(unit: Unit, object_name: str, record_id: str, language: str) -> tuple[Turn, ...]:
    """Gives what made people owners of a record, the newest first."""
    found = explain_owner(unit, object_name, record_id)
    met = {one.user for _, one in found if one.user}
    met |= {other.user for _, one in found for other in one.skipped if other.user}
    people = names_of(unit, met)
    return tuple(
        Turn(
            at,
            one.user or "",
            name_of(people, one.user) if one.user else one.queue or gettext("nobody"),
            one.because.in_language(language),
            tuple(
                (name_of(people, other.user) if other.user else "", other.why.in_language(language))
                for other in one.skipped
            ),
        )
        for at, one in found
    )
