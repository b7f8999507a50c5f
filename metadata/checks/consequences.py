"""What follows from fields that cannot be read: elsewhere they are broken, not unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from metadata.elements import Element
from metadata.json_text import mapping, text
from metadata.links import snake_case
from metadata.problems import Problem
from rule_engine.messages import Phrase, Title

CAUSES: Final = frozenset({"unknown_type", "unknown_object", "reference_target_missing"})
"""Problems in a field's own keywords that leave it unreadable, or leading nowhere."""
UNKNOWN: Final = '{object} has no field "{name}"'
NO_WAY_BACK: Final = 'nothing leads back to {object} as "{name}"'
NOWHERE: Final = (
    '"{name}" leads to the unknown object "{object}"',
    '"{name}" has no fields of its own',
)
"""What the rule language says of a broken field or of a path through it."""


@dataclass(frozen=True, slots=True)
class Broken:
    """Fields by object and name that have a cause of their own; `backs` are ways back of them."""

    fields: frozenset[tuple[str, str]]
    backs: frozenset[str]

    def explains(self, problem: Problem) -> bool:
        """Says whether a problem is there because of a broken field."""
        values: Mapping[str, object] = problem.values
        if problem.code == "expression" and isinstance(said := values.get("message"), Phrase):
            return self.explains_phrase(said)
        name = str(values.get("name"))
        if problem.code == "unknown_link":
            return name in self.backs
        if problem.code in {"unknown_field", "no_reference"}:
            return (str(values.get("object")), name) in self.fields or name in self.backs
        return False

    def explains_phrase(self, said: Phrase) -> bool:
        """Says whether the rule language found a broken field."""
        name, owner = str(said.values.get("name")), said.values.get("object")
        if said.template in NOWHERE:
            return name in {field for _, field in self.fields}
        if said.template == NO_WAY_BACK:
            return name in self.backs
        if said.template != UNKNOWN or not isinstance(owner, Title):
            return False
        return (owner.name, name) in self.fields or name in self.backs


def broken_fields(
    elements: Iterable[Element], found: Mapping[tuple[str, str], Sequence[Problem]]
) -> Broken:
    """Gives the fields that cannot be read, by what was found in their documents."""
    fields: set[tuple[str, str]] = set()
    backs: set[str] = set()
    for element in elements:
        properties = mapping(element.body.get("properties")) if element.kind == "object" else {}
        for problem in found.get(element.key, ()):
            name = field_of(problem)
            if problem.code in CAUSES and name in properties:
                fields.add((element.name, name))
                backs.add(way_back(element, mapping(mapping(properties[name]).get("crm"))))
    return Broken(frozenset(fields), frozenset(backs))


def field_of(problem: Problem) -> str:
    """Gives the field in whose keywords a problem stands, or nothing."""
    _, *parts = [*problem.path.split("/"), ""]
    is_inside = parts[0] == "properties" and parts[2:4] in (["crm", "field"], ["crm", "to"])
    return parts[1] if is_inside else ""


def way_back(element: Element, crm: Mapping[str, object]) -> str:
    """Gives the name that a field's way back has or would have."""
    title = text(element.body.get("title")) or element.name
    plural = text(mapping(element.body.get("crm")).get("plural")) or f"{title}s"
    return text(crm.get("reverse")) or snake_case(plural) or f"{element.name}s"
