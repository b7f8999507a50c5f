"""One field of an object's document, from and to the inspector's form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from metadata.fields.base import FieldType
from metadata.fields.read import COMPUTED
from metadata.fields.registry import field_types
from metadata.json_text import mapping, read_json, sequence
from metadata.problems import Problem
from trellis.errors import Missing, Refused
from trellis.web.setup.controls import Offers
from trellis.web.setup.documents import FieldDraft, ObjectDraft
from trellis.web.setup.field_form import OPTIONS, FieldForm, listed_options, make_form, read_form
from trellis.web.setup.reshaping import reshaped

ZH_OF_OPTION: Final = "~zh"
"""The last part of the name of an option's Chinese title."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A field as the form has it, with what the form was made of.

    `was` is the field's name until now, empty for a new one; `base` the field's document and
    `before` its type when the form was made. Texts that the form does not hold are None.
    """

    was: str
    name: str
    kind: FieldType
    before: str
    base: Mapping[str, Any]
    computed: str
    form: MultiDict[str, str]

    @property
    def is_reshaped(self) -> bool:
        """Says whether the field is to have another type than the form was made for."""
        return self.before != self.kind.name

    def text(self, name: str) -> str | None:
        """Gives a text of the form."""
        return None if name not in self.form else self.form[name].strip()

    def fields(self) -> FieldForm:
        """Gives the controls that the form was made of."""
        before = field_types().get(self.before, self.kind)
        return make_form(before, self.base, Offers(), self.computed)

    def document(self) -> dict[str, Any]:
        """Gives the field's document: what the form does not hold of it stays as it was."""
        described = read_form(self.fields(), self.base, self.form)
        write_texts(described, self)
        if self.is_reshaped:
            return reshaped(described, self.before, self.kind)
        if not self.base:
            described.setdefault("type", self.kind.json_types[0])
            described["crm"] = {"field": self.kind.name, **mapping(described.get("crm"))}
        return described

    def option_titles(self) -> dict[str, str] | None:
        """Gives the Chinese titles of the options; None where the form has none."""
        rows = self.fields().options()
        if rows is None or rows.name not in self.form:
            return None
        return {
            key: self.form.get(f"{rows.name}/{number}/{ZH_OF_OPTION}", "").strip()
            for number, key, _ in rows.read_rows(self.form)
        }

    def as_draft(self, draft: ObjectDraft) -> FieldDraft:
        """Gives what was typed back to the form."""
        described = self.document()
        shown = draft.field(self.was or self.name, described)
        required = "required" in self.form and bool(self.form.getlist("required")[-1])
        titles = self.option_titles()
        return shown.retold(
            name=self.name,
            kind=self.kind.name,
            required=required if "required" in self.form else shown.required,
            title_zh=self.text("title_zh"),
            option_titles=titles,
        )


def fresh(kind: FieldType) -> FieldDraft:
    """Gives a field that nobody has described yet."""
    return FieldDraft("", "", "", kind.name, False, "", {}, ())


def read_field(draft: ObjectDraft, form: MultiDict[str, str]) -> Sent:
    """Gives the form that was sent. Raises Missing for a field or a type that is not there."""
    was = form.get("was", "").strip()
    if was and was not in draft.properties:
        raise Missing
    base = read_base(form.get("base")) if "base" in form else draft.properties.get(was, {})
    kind = field_types().get(form.get("kind", "").strip())
    if kind is None:
        raise Missing
    before = form.get("before") or (draft.field(was, base).kind if was else kind.name)
    computed = form.get("computed", "")
    return Sent(
        was=was,
        name=form.get("name", was).strip(),
        kind=kind,
        before=before,
        base=mapping(base),
        computed=computed if computed in COMPUTED else "",
        form=form,
    )


def read_base(sent: str | None) -> Mapping[str, Any]:
    """Gives the document that a form was made of."""
    return mapping(read_json(sent or "{}")[0])


def write_texts(described: dict[str, Any], sent: Sent) -> None:
    """Writes title and help, each where it stood, when it was changed."""
    title = sent.text("title")
    if title is not None and title != (described.get("title") or sent.was):
        described["title"] = title
    crm = mapping(described.get("crm"))
    help_text = sent.text("help")
    if help_text is None or help_text == help_of(described).strip():
        return
    if "help" in crm:
        put(described["crm"], "help", help_text)
    else:
        put(described, "description", help_text)


def help_of(document: Mapping[str, Any]) -> str:
    """Gives the help text of a field."""
    own = mapping(document.get("crm")).get("help")
    return str(own or document.get("description") or "")


def put(document: dict[str, Any], name: str, value: object) -> None:
    """Sets a keyword, or takes it away where it would say nothing."""
    if value in ("", None):
        document.pop(name, None)
    else:
        document[name] = value


def write_field(draft: ObjectDraft, sent: Sent) -> None:
    """Writes a field into an object's draft. Raises Refused for a name that is taken."""
    if sent.name != sent.was and sent.name in draft.properties:
        place = f"/properties/{sent.name}"
        raise Refused([Problem(place, "name_taken", {"name": sent.name})])
    before = draft.field(sent.was, mapping(draft.properties.get(sent.was)))
    described = sent.document()
    is_required = before.required if sent.was else False
    if "required" in sent.form:
        is_required = bool(sent.form.getlist("required")[-1])
    if sent.was and sent.name != sent.was:
        rename(draft, sent.was, sent.name, described)
    note_renamed_options(draft, sent, described)
    draft.properties[sent.name] = described
    set_required(draft, sent.name, is_required)
    write_chinese(draft, sent, before)


def note_renamed_options(draft: ObjectDraft, sent: Sent, described: dict[str, Any]) -> None:
    """Has options in force say which value they had, so that records follow."""
    rows = sent.fields().options()
    in_force = listed_options(mapping(draft.published_fields().get(sent.was)))
    options = mapping(mapping(described.get("crm")).get(OPTIONS))
    for old, new in (rows.renames(sent.form) if rows is not None else {}).items():
        if old in in_force and isinstance(options.get(new), dict):
            described["crm"][OPTIONS][new].setdefault("renamed_from", old)


def rename(draft: ObjectDraft, was: str, name: str, described: dict[str, Any]) -> None:
    """Gives a field another name wherever the object itself mentions it."""
    properties = dict(draft.properties)
    draft.properties.clear()
    for key, value in properties.items():
        draft.properties[name if key == was else key] = described if key == was else value
    if was in draft.published_fields():
        described.setdefault("crm", {})["renamed_from"] = was
    required = draft.body.get("required")
    if isinstance(required, list):
        draft.body["required"] = [name if one == was else one for one in required]
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
    listed = list(sequence(draft.body.get("required")))
    if required is not (name in listed):
        others = [one for one in listed if one != name]
        draft.body["required"] = [*others, name] if required else others


def write_chinese(draft: ObjectDraft, sent: Sent, before: FieldDraft) -> None:
    """Writes the Chinese titles of a field and its options that were changed."""
    title, titles = sent.text("title_zh"), sent.option_titles()
    if title is not None and title != before.title_zh:
        put(draft.zh("fields", sent.name), "title", title)
    if titles is None:
        return
    known = {option.value: option.title_zh for option in before.options}
    changed = {value: zh for value, zh in titles.items() if zh != known.get(value, "")}
    written = mapping(
        mapping(mapping(draft.known_zh().get("fields")).get(sent.name)).get("options")
    )
    gone = [value for value in written if value not in titles]
    if changed or gone:
        place = draft.zh("fields", sent.name)
        kept = {value: zh for value, zh in written.items() if value not in gone}
        put(place, "options", {v: zh for v, zh in {**kept, **changed}.items() if zh} or None)


def remove_field(draft: ObjectDraft, name: str) -> None:
    """Takes a field out of an object's draft."""
    del draft.properties[name]
    set_required(draft, name, required=False)
    search = draft.crm.get("search")
    if isinstance(search, list):
        draft.crm["search"] = [one for one in search if one != name]
