"""Names of people in histories and approvals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from metadata.query import UnknownObject
from trellis.unit import Unit
from trellis.web.words import gettext


def names_of(unit: Unit, ids: Iterable[str]) -> Mapping[str, str]:
    """Gives the names of users as who asks sees them; the others are absent. One statement."""
    wanted = {one for one in ids if one}
    if not wanted:
        return {}
    try:
        return unit.records().names("user", wanted)
    except UnknownObject:
        return {}


def name_of(names: Mapping[str, str], user_id: str) -> str:
    """Gives somebody's name in a sentence."""
    if user_id in names:
        return names[user_id]
    fixed = {"system": gettext("The system"), "automation": gettext("A rule")}
    return fixed.get(user_id) or gettext("Somebody")
