"""The settings of an object as a form: read, checked, written into its document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Final

from metadata.documents import load_schema
from metadata.json_text import mapping, read_json, text
from trellis.designer.drafts import list_drafted, put_element
from trellis.unit import Unit
from trellis.web.setup.controls import MISSING, Control, Form, Offers
from trellis.web.setup.documents import CHINESE, ObjectDraft
from trellis.web.setup.grants import GRANTS, NOTHING, set_level
from trellis.web.setup.groups import merge
from trellis.web.setup.making import Place, make_control
from trellis.web.words import gettext

API_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
TITLE_LENGTH = 120
KEYWORDS: Final = (
    *("name_field", "search", "append_only", "record_types"),
    *("unique", "unique_when", "no_overlap", "duplicates", "track"),
)
"""Keywords of objects that have controls, in their order."""
BY_HAND: Final = ("plural", "icon", "hue", "owner")
"""Keywords of objects that the settings write themselves."""
ONLY_JSON: Final = ("activities",)
"""Keywords without effect so far: they are kept, and changed as JSON."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the form holds, as it was typed."""

    name: str = ""
    title: str = ""
    title_zh: str = ""
    plural: str = ""
    plural_zh: str = ""
    icon: str = "box"
    hue: str = "blue"
    owner: str = ""
    name_title: str = ""
    name_title_zh: str = ""


def read_settings(sent: Mapping[str, str]) -> Settings:
    """Gives the form that was sent."""
    known = (one.name for one in fields(Settings))
    return Settings(**{name: sent.get(name, "").strip() for name in known})


def settings_of(draft: ObjectDraft) -> Settings:
    """Gives an object's settings for the form."""
    chinese, known = draft.known_zh(), draft.in_force
    plural_zh = known.plurals.get(CHINESE, "") if known else ""
    return Settings(
        name=draft.name,
        title=draft.title(),
        title_zh=draft.title_zh(),
        plural=text(draft.crm.get("plural")) or "",
        plural_zh=text(chinese.get("plural")) or plural_zh,
        icon=text(draft.crm.get("icon")) or "box",
        hue=text(draft.crm.get("hue")) or "",
        owner="1" if draft.crm.get("owner") is not False else "",
    )


def base_of(draft: ObjectDraft) -> dict[str, object]:
    """Gives what the controls of an object's settings are made of."""
    return {keyword: draft.crm[keyword] for keyword in KEYWORDS if keyword in draft.crm}


def controls_of(base: Mapping[str, object], offers: Offers) -> tuple[Control, ...]:
    """Gives the controls of what else an object says about its records."""
    known = mapping(mapping(load_schema("object")["$defs"])["object"])
    schemas = mapping(known["properties"])
    every = replace(offers, options=())
    return tuple(
        make_control(
            Place("/crm", keyword, base.get(keyword, MISSING), every),
            mapping(schemas[keyword]),
        )
        for keyword in KEYWORDS
    )


def write_controls(draft: ObjectDraft, offers: Offers, sent: Form) -> None:
    """Writes what the controls say into an object's draft; what they do not know stays."""
    base = mapping(read_json(sent["base"])[0]) if "base" in sent else base_of(draft)
    found = {
        control.name.removeprefix("/crm/"): control.read(sent)
        for control in controls_of(base, offers)
    }
    merged = merge(draft.crm, found)
    draft.crm.clear()
    draft.crm.update(merged)


def flaws(unit: Unit, settings: Settings) -> tuple[str, ...]:
    """Says what is wrong with a new object before it becomes a document."""
    found = []
    if not settings.title:
        found.append(gettext("Give the object a title."))
    if not API_NAME.fullmatch(settings.name):
        found.append(
            gettext("The API name starts with a small letter, then letters, digits and _.")
        )
    elif any(one.name == settings.name for one in list_drafted(unit, "object")):
        found.append(gettext("There already is an object named %(name)s.", name=settings.name))
    return tuple(found)


def create(unit: Unit, settings: Settings, levels: Mapping[str, str]) -> None:
    """Puts a new object into the draft, with its title field and who may use it."""
    body = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": settings.name,
        "title": settings.title,
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {
                "type": "string",
                "title": settings.name_title or "Name",
                "minLength": 1,
                "maxLength": TITLE_LENGTH,
                "crm": {"field": "text"},
            }
        },
        "crm": {"name_field": "name", "owner": bool(settings.owner), "search": ["name"]},
    }
    put_element(unit, "object", settings.name, body)
    draft = ObjectDraft(unit, settings.name)
    if settings.name_title_zh:
        draft.zh("fields", "name")["title"] = settings.name_title_zh
    write(draft, settings)
    for role, level in levels.items():
        if level in GRANTS and level != NOTHING:
            set_level(unit, role, settings.name, level)


def write(draft: ObjectDraft, settings: Settings) -> None:
    """Writes settings into an object's draft, those that differ from what it says."""
    before = settings_of(draft)
    if settings.title != before.title:
        draft.body["title"] = settings.title
    if settings.plural != before.plural or not settings.plural:
        draft.crm["plural"] = settings.plural or f"{settings.title}s"
    if settings.icon != before.icon:
        draft.crm["icon"] = settings.icon or "box"
    if settings.owner != before.owner:
        draft.crm["owner"] = bool(settings.owner)
    if settings.hue and settings.hue != before.hue:
        draft.crm["hue"] = settings.hue
    write_chinese(draft, settings, before)
    draft.save()


def write_chinese(draft: ObjectDraft, settings: Settings, before: Settings) -> None:
    """Writes the Chinese titles that were changed."""
    changed = {
        "title": (settings.title_zh, before.title_zh),
        "plural": (settings.plural_zh, before.plural_zh),
    }
    for key, (value, old) in changed.items():
        if value and value != old:
            draft.zh()[key] = value
        elif not value and key in draft.known_zh():
            del draft.zh()[key]
    if settings.title_zh and not settings.plural_zh:
        draft.zh()["plural"] = settings.title_zh
