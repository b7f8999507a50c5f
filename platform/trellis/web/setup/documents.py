"""An object's document in the draft: reading it, and changing one thing at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from metadata.drafts import published_form
from metadata.fields.read import infer_type
from metadata.json_text import mapping, sequence, text
from metadata.objects import ObjectDefinition
from metadata.parse import parse_object
from trellis.designer.drafts import (
    KINDS,
    Drafted,
    find_drafted,
    list_drafted,
    put_element,
)
from trellis.errors import Missing
from trellis.unit import Unit

Document = dict[str, Any]

CHINESE = "zh"
LOCAL_CHINESE = f"local/{CHINESE}"


@dataclass(frozen=True, slots=True)
class OptionDraft:
    """One option as the editor shows it, besides what its document says."""

    value: str
    title_zh: str


@dataclass(frozen=True, slots=True)
class FieldDraft:
    """One field as its author sees it. `state` is new, changed, retired or empty."""

    name: str
    title: str
    title_zh: str
    kind: str
    required: bool
    help: str
    document: Mapping[str, Any]
    options: tuple[OptionDraft, ...]
    state: str = ""

    def crm(self, keyword: str) -> str:
        """Gives a textual `crm` keyword."""
        return text(mapping(self.document.get("crm")).get(keyword)) or ""

    def limit(self, keyword: str) -> str:
        """Gives a standard keyword as text."""
        value = self.document.get(keyword)
        return "" if value is None else str(value)

    def option_zh(self, value: str) -> str:
        """Gives the Chinese title of an option."""
        return next((one.title_zh for one in self.options if one.value == value), "")

    def retold(
        self,
        *,
        name: str,
        kind: str,
        required: bool,
        title_zh: str | None,
        option_titles: Mapping[str, str] | None,
    ) -> FieldDraft:
        """Gives the field with what was typed beside its document."""
        titles = None if option_titles is None else option_titles.items()
        return replace(
            self,
            name=name,
            kind=kind,
            required=required,
            title_zh=self.title_zh if title_zh is None else title_zh,
            options=self.options if titles is None else tuple(OptionDraft(*o) for o in titles),
        )


class ObjectDraft:
    """An object as its author sees it, with the Chinese titles beside it."""

    def __init__(self, unit: Unit, name: str) -> None:
        self.unit, self.name = unit, name
        self.drafted: Drafted = find_drafted(unit, "object", name)
        self.body: Document = deepcopy(dict(self.drafted.body or {}))
        self.in_force: ObjectDefinition | None = unit.catalog.objects.get(name)
        self.chinese = chinese_of(unit)

    @property
    def crm(self) -> Document:
        """Gives the object's own `crm` part, to be changed in place."""
        part: Document = self.body.setdefault("crm", {})
        return part

    @property
    def properties(self) -> Document:
        """Gives the fields' documents, to be changed in place."""
        part: Document = self.body.setdefault("properties", {})
        return part

    def zh(self, *path: str) -> Document:
        """Gives the Chinese titles below the object, made where they are missing."""
        found: Document = self.chinese.setdefault("objects", {}).setdefault(self.name, {})
        for key in path:
            found = found.setdefault(key, {})
        return found

    def title(self) -> str:
        """Gives the English title."""
        return text(self.body.get("title")) or self.name

    def title_zh(self) -> str:
        """Gives the Chinese title, of the draft or else of a package."""
        drafted = text(mapping(self.known_zh()).get("title"))
        return drafted or (self.in_force.labels.get(CHINESE, "") if self.in_force else "")

    def known_zh(self) -> Mapping[str, Any]:
        """Gives the Chinese titles without making anything."""
        return mapping(mapping(self.chinese.get("objects")).get(self.name))

    def fields(self) -> list[FieldDraft]:
        """Gives the fields in their order, and at the end those that will be taken out of use."""
        before = self.published_fields()
        found = [
            self.field(name, mapping(described), state_of(before.get(name), described))
            for name, described in self.properties.items()
        ]
        renamed = {
            text(mapping(mapping(d).get("crm")).get("renamed_from"))
            for d in self.properties.values()
        }
        gone = [name for name in before if name not in self.properties and name not in renamed]
        return found + [self.field(name, mapping(before[name]), "retired") for name in gone]

    def published(self) -> Mapping[str, Any]:
        """Gives the document in force, as authors write it; empty for a new object."""
        known = next(
            (e for e in self.unit.catalog.elements if e.kind == "object" and e.name == self.name),
            None,
        )
        if known is None:
            return {}
        return published_form(known.body)

    def published_fields(self) -> Mapping[str, Any]:
        """Gives the documents of the fields in force."""
        return mapping(self.published().get("properties"))

    def field(self, name: str, described: Mapping[str, Any], state: str = "") -> FieldDraft:
        """Gives one field."""
        chinese = mapping(mapping(self.known_zh().get("fields")).get(name))
        in_force = self.in_force.fields.get(name) if self.in_force else None
        crm = mapping(described.get("crm"))
        required = self.body.get("required")
        return FieldDraft(
            name=name,
            title=text(described.get("title")) or name,
            title_zh=text(chinese.get("title"))
            or (in_force.labels.get(CHINESE, "") if in_force else ""),
            kind=text(crm.get("field")) or infer_type(described) or "text",
            required=isinstance(required, Sequence) and name in required,
            help=text(crm.get("help")) or text(described.get("description")) or "",
            document=described,
            options=self.options(name, described),
            state=state,
        )

    def options(self, name: str, described: Mapping[str, Any]) -> tuple[OptionDraft, ...]:
        """Gives a choice's options."""
        listed = described.get("enum") or mapping(described.get("items")).get("enum") or []
        details = mapping(mapping(described.get("crm")).get("options"))
        chinese = mapping(mapping(mapping(self.known_zh().get("fields")).get(name)).get("options"))
        in_force = self.in_force.fields.get(name) if self.in_force else None
        known = {o.value: o.labels.get(CHINESE, "") for o in in_force.options} if in_force else {}
        return tuple(
            OptionDraft(value, text(chinese.get(value)) or known.get(value, ""))
            for value in map(str, sequence(listed) or details)
        )

    def save(self) -> None:
        """Keeps object and titles in the draft. Raises Refused with all that is wrong."""
        put_element(self.unit, "object", self.name, self.body)
        if self.chinese.get("objects", {}).get(self.name):
            put_element(self.unit, "translations", LOCAL_CHINESE, self.chinese)


def chinese_of(unit: Unit) -> Document:
    """Gives the workspace's own Chinese titles as its author sees them."""
    try:
        found = find_drafted(unit, "translations", LOCAL_CHINESE)
    except Missing:
        return {}
    return deepcopy(dict(found.body or {}))


def state_of(before: object, now: object) -> str:
    """Says what the draft does with a field."""
    if before is None:
        return "new"
    return "" if before == now else "changed"


def parsed(name: str, drafted: Drafted) -> ObjectDefinition | None:
    """Gives a draft as a definition; None when it cannot be read."""
    if drafted.body is None:
        return None
    return parse_object(name, drafted.body, package=drafted.package)[0]


def changes(unit: Unit) -> int:
    """Gives how many elements the author's draft changes."""
    return sum(one.is_changed for kind in KINDS for one in list_drafted(unit, kind))
