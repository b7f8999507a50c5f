"""Who may do what with an object, in six steps that cover most needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from metadata.fields.base import choose_label
from metadata.json_text import mapping
from metadata.roles import ANY_OBJECT
from trellis import current
from trellis.designer.drafts import find_drafted, list_drafted, put_element
from trellis.unit import Unit
from trellis.web.words import lazy_gettext

NOTHING, READ, OWN, TEAM, SUBTREE, ALL = "none", "read", "own", "team", "subtree", "all"
OTHER = "other"
LEVELS = (
    (NOTHING, lazy_gettext("Nothing")),
    (READ, lazy_gettext("See all")),
    (OWN, lazy_gettext("Own records")),
    (TEAM, lazy_gettext("Records of the team")),
    (SUBTREE, lazy_gettext("Own records and those of people below")),
    (ALL, lazy_gettext("All records")),
)
GRANTS: Mapping[str, Mapping[str, Any]] = {
    NOTHING: {"create": False, "read": "none", "update": "none", "delete": "none"},
    READ: {"create": False, "read": "all", "update": "none", "delete": "none"},
    OWN: {"create": True, "read": "own", "update": "own", "delete": "own"},
    TEAM: {"create": True, "read": "team", "update": "team", "delete": "own"},
    SUBTREE: {"create": True, "read": "subtree", "update": "subtree", "delete": "subtree"},
    ALL: {"create": True, "read": "all", "update": "all", "delete": "all"},
}
COMPARED = ("create", "read", "update", "delete")


@dataclass(frozen=True, slots=True)
class RoleLevel:
    """How far a role reaches on an object; `is_fixed` for those who administer."""

    name: str
    label: str
    level: str
    is_fixed: bool


def role_levels(unit: Unit, object_name: str) -> list[RoleLevel]:
    """Gives every role with its level on an object, as the draft has it."""
    found = []
    for one in list_drafted(unit, "role"):
        if one.body is None:
            continue
        known = unit.catalog.roles.get(one.name)
        labels = known.labels if known else {"en": str(one.body.get("title") or one.name)}
        grants = mapping(one.body.get("grants"))
        given = grants.get(object_name) or grants.get(ANY_OBJECT)
        is_fixed = one.body.get("administer") is True
        label = choose_label(labels, current.language())
        found.append(RoleLevel(one.name, label, level_of(mapping(given)), is_fixed))
    return found


def level_of(grant: Mapping[str, Any]) -> str:
    """Gives the step that a grant is, or `other` for one that was written by hand."""
    if not grant:
        return NOTHING
    asked = {name: grant.get(name, GRANTS[NOTHING][name]) for name in COMPARED}
    return next((level for level, known in GRANTS.items() if known == asked), OTHER)


def set_level(unit: Unit, role: str, object_name: str, level: str) -> None:
    """Writes a role's step for an object into the draft; other rights of the grant stay."""
    body = dict(find_drafted(unit, "role", role).body or {})
    grants = dict(mapping(body.get("grants")))
    before = mapping(grants.get(object_name))
    grants[object_name] = {**before, **GRANTS[level]}
    put_element(unit, "role", role, {**body, "grants": grants})
