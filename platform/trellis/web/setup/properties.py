"""One field of an object's document, from and to the inspector's form."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from werkzeug.datastructures import MultiDict

from metadata.fields.registry import field_types
from metadata.json_text import mapping
from metadata.problems import Problem
from trellis.errors import Missing, Refused
from trellis.web.setup.documents import FieldDraft, ObjectDraft, OptionDraft

HUES_IN_TURN = ("sky", "violet", "amber", "orange", "green", "pink", "teal", "blue", "red", "gray")
NUMBERS = ("minimum", "maximum", "maxLength", "minLength")
CRM_NUMBERS = ("scale",)
SWITCHES = ("unique", "index", "track")


@dataclass(frozen=True, slots=True)
class Sent:
    """What the form holds. `was` is the field's name until now, empty for a new one."""

    was: str
    name: str
    kind: str
    title: str
    title_zh: str
    help: str
    required: bool
    unique: bool
    to: str = ""
    currency: str = ""
    limits: Mapping[str, str] = field(default_factory=dict)
    options: tuple[OptionDraft, ...] = ()

    def as_draft(self) -> FieldDraft:
        """Gives what was typed back to the form."""
        crm = {"to": self.to, "currency": self.currency}
        document = {**self.limits, "crm": {k: v for k, v in crm.items() if v}}
        return FieldDraft(
            name=self.name,
            title=self.title,
            title_zh=self.title_zh,
            kind=self.kind,
            required=self.required,
            unique=self.unique,
            read_only=False,
            help=self.help,
            document=document,
            options=self.options,
        )


def fresh(kind: str) -> FieldDraft:
    """Gives a field that nobody has described yet."""
    options = tuple(OptionDraft("", "", "", hue) for hue in HUES_IN_TURN[:3])
    has_options = field_types()[kind].has_options
    return FieldDraft("", "", "", kind, False, False, False, "", {}, options if has_options else ())


def read_field(form: MultiDict[str, str]) -> Sent:
    """Gives the form that was sent."""
    return Sent(
        was=form.get("was", "").strip(),
        name=form.get("name", "").strip(),
        kind=form.get("kind", "").strip(),
        title=form.get("title", "").strip(),
        title_zh=form.get("title_zh", "").strip(),
        help=form.get("help", "").strip(),
        required=bool(form.get("required")),
        unique=bool(form.get("unique")),
        to=form.get("to", "").strip(),
        currency=form.get("currency", "").strip(),
        limits={name: form[name].strip() for name in (*NUMBERS, *CRM_NUMBERS) if form.get(name)},
        options=read_options(form),
    )


def read_options(form: MultiDict[str, str]) -> tuple[OptionDraft, ...]:
    """Gives the options that were typed; one without a title is left out."""
    lists = [form.getlist(f"option_{part}") for part in ("value", "title", "title_zh", "hue")]
    found: dict[str, OptionDraft] = {}
    for value, title, title_zh, hue in zip(*lists, strict=False):
        if title.strip() or value.strip():
            made = OptionDraft(
                value.strip() or option_value(title, found), title.strip(), title_zh.strip(), hue
            )
            found[made.value] = made
    return tuple(found.values())


def option_value(title: str, taken: Mapping[str, object]) -> str:
    """Gives an API value made of a title; a number where no ASCII letter is left."""
    words = re.sub(r"[^a-z0-9]+", "_", title.strip().lower()).strip("_")[:36]
    base = words or f"option_{len(taken) + 1}"
    numbered = (f"{base}_{number}" for number in range(2, len(taken) + 3))
    return next(value for value in (base, *numbered) if value not in taken)


def write_field(draft: ObjectDraft, sent: Sent) -> None:
    """Writes a field into an object's draft. Raises Refused for a name that is taken."""
    if sent.was and sent.was not in draft.properties:
        raise Missing
    if sent.name != sent.was and sent.name in draft.properties:
        place = f"/properties/{sent.name}"
        raise Refused([Problem(place, "name_taken", {"name": sent.name})])
    before = mapping(draft.properties.get(sent.was)) if sent.was else {}
    described = document_of(sent, before)
    if sent.was and sent.name != sent.was:
        rename(draft, sent.was, sent.name, described)
    draft.properties[sent.name] = described
    set_required(draft, sent.name, sent.required)
    write_chinese(draft, sent)


def document_of(sent: Sent, before: Mapping[str, Any]) -> dict[str, Any]:
    """Gives a field's document: what the form does not know of it stays as it was."""
    kind = field_types()[sent.kind]
    described: dict[str, Any] = {**before, "title": sent.title}
    described.setdefault("type", kind.json_types[0])
    crm: dict[str, Any] = {**mapping(before.get("crm")), "field": sent.kind}
    put(described, "description", sent.help)
    put(crm, "unique", sent.unique)
    if "to" in kind.parameters:
        put(crm, "to", sent.to)
    if "currency" in kind.parameters:
        put(crm, "currency", sent.currency)
    for name in NUMBERS:
        if name in kind.keywords:
            put(described, name, as_number(sent.limits.get(name, "")))
    for name in CRM_NUMBERS:
        if name in kind.parameters:
            put(crm, name, as_number(sent.limits.get(name, "")))
    if kind.has_options:
        write_options(described, crm, sent)
    described["crm"] = crm
    return described


def put(document: dict[str, Any], name: str, value: object) -> None:
    """Sets a keyword, or takes it away where it would say nothing."""
    if value in ("", None, False):
        document.pop(name, None)
    else:
        document[name] = value


def as_number(typed: str) -> object:
    """Gives a typed number as JSON has it; text that is none stays, to be refused by name."""
    try:
        value = Decimal(typed)
    except InvalidOperation:
        return typed
    return int(value) if value == value.to_integral_value() else json.loads(str(value))


def write_options(described: dict[str, Any], crm: dict[str, Any], sent: Sent) -> None:
    """Writes a choice's options; their other attributes stay."""
    known = mapping(crm.get("options"))
    values = [option.value for option in sent.options]
    crm["options"] = {
        option.value: {
            **mapping(known.get(option.value)),
            "title": option.title or option.value,
            "hue": option.hue,
        }
        for option in sent.options
    }
    if described.get("type") == "array":
        described["items"] = {**mapping(described.get("items")), "type": "string", "enum": values}
    else:
        described["enum"] = values


def rename(draft: ObjectDraft, was: str, name: str, described: dict[str, Any]) -> None:
    """Gives a field another name wherever the object itself mentions it."""
    properties = dict(draft.properties)
    draft.properties.clear()
    for key, value in properties.items():
        draft.properties[name if key == was else key] = described if key == was else value
    if was in draft.published_fields():
        described["crm"]["renamed_from"] = was
    set_required(draft, was, required=False)
    if draft.crm.get("name_field") == was:
        draft.crm["name_field"] = name
    search = draft.crm.get("search")
    if isinstance(search, list):
        draft.crm["search"] = [name if one == was else one for one in search]
    chinese = draft.known_zh().get("fields")
    if isinstance(chinese, dict) and was in chinese:
        chinese[name] = chinese.pop(was)


def set_required(draft: ObjectDraft, name: str, required: bool) -> None:
    """Adds a field to the required ones or takes it away."""
    listed = [one for one in draft.body.get("required", []) if one != name]
    draft.body["required"] = [*listed, name] if required else listed


def write_chinese(draft: ObjectDraft, sent: Sent) -> None:
    """Writes the Chinese titles of a field and its options."""
    titles = {option.value: option.title_zh for option in sent.options if option.title_zh}
    if (
        not sent.title_zh
        and not titles
        and sent.name not in mapping(draft.known_zh().get("fields"))
    ):
        return
    place = draft.zh("fields", sent.name)
    put(place, "title", sent.title_zh)
    put(place, "options", titles or None)


def remove_field(draft: ObjectDraft, name: str) -> None:
    """Takes a field out of an object's draft."""
    del draft.properties[name]
    set_required(draft, name, required=False)
    search = draft.crm.get("search")
    if isinstance(search, list):
        draft.crm["search"] = [one for one in search if one != name]
