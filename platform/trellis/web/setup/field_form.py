"""The inspector's controls: of a field's type, and of what all fields have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from metadata.documents import load_schema
from metadata.fields.base import FieldType
from metadata.fields.currencies import USUAL
from metadata.fields.read import COMPUTED
from metadata.json_text import mapping, sequence
from trellis.web.setup.controls import (
    MISSING,
    Automatic,
    Boxes,
    Choice,
    Control,
    Form,
    Json,
    Line,
    Number,
    Offers,
    Schema,
    Select,
    Words,
    yes_or_no,
)
from trellis.web.setup.groups import Rows, merge
from trellis.web.setup.labels import help_of, label_of
from trellis.web.setup.making import Described, Place, make_control
from trellis.web.words import lazy_gettext

OPTIONS: Final = "options"
DEFAULT: Final = "default"
FIRST_HUES: Final = ("sky", "violet", "amber")
SELDOM: Final = frozenset({"replaced_options"})
"""Keywords of types that are wanted too seldom to be shown at once."""
SECTIONS: Final[Mapping[str, tuple[Any, tuple[str, ...]]]] = {
    "limits": (lazy_gettext("Limits"), ()),
    "computed": (lazy_gettext("Computed"), (*COMPUTED, "as", "stored")),
    "conditions": (
        lazy_gettext("Conditions"),
        ("required_when", "visible_when", "read_only_when"),
    ),
    "protection": (lazy_gettext("Protection"), ("sensitivity", "mask", "encrypted")),
    "more": (
        lazy_gettext("More"),
        ("readOnly", "placeholder", "unique", "index", "track", "deprecated"),
    ),
}
"""What all fields have, by section; the type's own keywords come before."""
BY_HAND: Final = frozenset(
    ("type", "title", "description", "help", "crm", "field", "enum", "items", "retired")
)
"""Keywords that the inspector writes without a control of their own."""
ONLY_JSON: Final = frozenset(
    ("format", "const", "nullable", "example", "examples", "$comment", "writeOnly")
)
"""Keywords that say nothing an administrator needs: they are kept, and changed as JSON."""
KEPT: Final = frozenset(("renamed_from", "id", "column", "converted_from", "package"))
"""Keywords that the product writes itself."""


@dataclass(frozen=True, slots=True)
class Section:
    """Controls under a title. `is_open` shows them at once."""

    name: str
    title: str
    controls: tuple[Control, ...]
    is_open: bool


@dataclass(frozen=True, slots=True)
class FieldForm:
    """All controls of a field."""

    sections: tuple[Section, ...]

    def controls(self) -> Iterator[Control]:
        """Gives the controls of all sections."""
        return (control for section in self.sections for control in section.controls)

    def options(self) -> Rows | None:
        """Gives the control of the options of a choice."""
        return next(
            (c for c in self.controls() if isinstance(c, Rows) and c.name == f"/crm/{OPTIONS}"),
            None,
        )


def common_schemas() -> dict[str, Schema]:
    """Gives the schemas of what all fields have, by place."""
    definitions = mapping(load_schema("object")["$defs"])
    standard = mapping(mapping(definitions["property"])["properties"])
    own = mapping(mapping(definitions["field"])["properties"])
    return {f"/{name}": mapping(schema) for name, schema in standard.items()} | {
        f"/crm/{name}": mapping(schema) for name, schema in own.items()
    }


def make_form(
    kind: FieldType, document: Schema, offers: Offers, computed: str = "", *, is_new: bool = False
) -> FieldForm:
    """Gives the controls of a field; `computed` is how a new one is to be computed."""
    offers = replace(
        offers,
        options=tuple(option_choices(document)),
        suggestions={"currency": USUAL},
    )
    asked = FormRequest(kind, document, offers, computed, is_new)
    found = [Section("values", "", tuple(asked.own()), is_open=True)]
    groups = {name: tuple(asked.shared(keywords)) for name, (_, keywords) in SECTIONS.items()}
    groups["limits"] = tuple(asked.limits())
    for name, controls in groups.items():
        title = SECTIONS[name][0]
        is_open = any(control.is_set for control in controls) or name == computed_section(computed)
        found.append(Section(name, str(title), controls, is_open))
    return FieldForm(tuple(section for section in found if section.controls))


def computed_section(computed: str) -> str:
    """Gives the section that is open for a new computed field."""
    return "computed" if computed in COMPUTED else ""


@dataclass(frozen=True, slots=True)
class FormRequest:
    """The field that controls are made for."""

    kind: FieldType
    document: Schema
    offers: Offers
    computed: str
    is_new: bool

    def value(self, name: str) -> object:
        """Gives what the document says at a place."""
        if name.startswith("/crm/"):
            return mapping(self.document.get("crm")).get(name.removeprefix("/crm/"), MISSING)
        return self.document.get(name.removeprefix("/"), MISSING)

    @property
    def is_computed(self) -> bool:
        """Says whether nobody writes the field."""
        crm = mapping(self.document.get("crm"))
        return bool(self.computed) or any(name in crm for name in COMPUTED)

    def own(self) -> Iterator[Control]:
        """Gives the controls of the type's own keywords."""
        for keyword, schema in self.kind.parameters.items():
            if keyword == OPTIONS and self.kind.has_options:
                yield self.option_rows(schema)
            elif keyword not in SELDOM:
                yield self.control(f"/crm/{keyword}", schema)
        if not self.is_computed or self.value("/default") is not MISSING:
            yield self.default()

    def limits(self) -> Iterator[Control]:
        """Gives the controls of the standard keywords that judge the type's values."""
        for name, schema in common_schemas().items():
            if name.removeprefix("/") in self.kind.keywords:
                yield self.control(name, schema)
        for keyword in SELDOM & set(self.kind.parameters):
            yield self.control(f"/crm/{keyword}", self.kind.parameters[keyword])

    def shared(self, keywords: Iterable[str]) -> Iterator[Control]:
        """Gives the controls of keywords that all fields have, as far as they mean something."""
        schemas = common_schemas()
        for keyword in keywords:
            name = f"/crm/{keyword}" if f"/crm/{keyword}" in schemas else f"/{keyword}"
            if self.is_wanted(keyword) or self.value(name) is not MISSING:
                yield self.control(name, schemas[name])

    def is_wanted(self, keyword: str) -> bool:
        """Says whether a keyword can say anything about the field."""
        crm = mapping(self.document.get("crm"))
        way = self.computed or next((name for name in COMPUTED if name in crm), "")
        if way and keyword in COMPUTED:
            return keyword == way
        if keyword == "as":
            return way in {"", "rollup"}
        if keyword == "encrypted":
            return self.kind.encryptable and not self.is_computed
        return True

    def control(self, name: str, schema: Schema) -> Control:
        """Gives the control of a keyword."""
        parent, _, keyword = name.rpartition("/")
        return make_control(Place(parent, keyword, self.value(name), self.offers), schema)

    def option_rows(self, schema: Schema) -> Control:
        """Gives the rows of a choice's options, in the order in which they are offered."""
        made = self.control(f"/crm/{OPTIONS}", schema)
        shown = dict(options_of(self.document)) or MISSING
        spare = tuple({"hue": hue} for hue in FIRST_HUES) if self.is_new else ()
        return replace(made, before=shown, spare=spare) if isinstance(made, Rows) else made

    def default(self) -> Control:
        """Gives the control of the default, as values of the type are written."""
        name = "/default"
        described = Described(
            name=name,
            label=label_of(DEFAULT),
            help=help_of(DEFAULT, {}) if self.kind.json_types[0] == "array" else "",
            before=self.value(name),
            schema={},
            at="",
        )
        written = self.kind.json_types[0]
        if self.kind.has_options and written == "array":
            return Boxes(**described, choices=self.offers.options)
        if self.kind.has_options:
            return Select(**described, choices=self.offers.options)
        if written == "boolean":
            return Automatic(**described, choices=yes_or_no())
        if written in {"number", "integer"}:
            return Number(**described)
        if written == "array":
            return Words(**described)
        return (Json if written == "object" else Line)(**described)


def listed_options(document: Schema) -> list[str]:
    """Gives the options' values, in the order in which they are offered."""
    listed = document.get("enum") or mapping(document.get("items")).get("enum") or ()
    details = mapping(mapping(document.get("crm")).get(OPTIONS))
    return [str(one) for one in sequence(listed) if one is not None] or list(details)


def options_of(document: Schema) -> Iterator[tuple[str, object]]:
    """Gives the options with what the document says of each."""
    details = mapping(mapping(document.get("crm")).get(OPTIONS))
    return ((value, details.get(value, {})) for value in listed_options(document))


def option_choices(document: Schema) -> Iterator[Choice]:
    """Gives the options of a field to choose from."""
    for value, described in options_of(document):
        yield Choice(value, str(mapping(described).get("title") or value))


def read_form(form: FieldForm, document: Schema, sent: Form) -> dict[str, Any]:
    """Gives the document as the controls say it: what has no control stays as it was."""
    standard: dict[str, object] = {}
    own: dict[str, object] = {}
    options = form.options()
    for control in form.controls():
        if control is options:
            continue
        value = control.read(sent)
        if control.name.startswith("/crm/"):
            own[control.name.removeprefix("/crm/")] = value
        else:
            standard[control.name.removeprefix("/")] = value
    described = merge(document, standard)
    crm = merge(mapping(document.get("crm")), own)
    if options is not None:
        renames = options.renames(sent)
        write_options(described, crm, options.before, options.read(sent), renames)
    if crm or "crm" in document:
        described["crm"] = crm
    return described


def write_options(
    described: dict[str, Any],
    crm: dict[str, Any],
    before: object,
    after: object,
    renames: Mapping[str, str],
) -> None:
    """Writes a choice's options into its document; nothing for those that stayed the same.

    `renames` are new values by old ones: steps between options follow them.
    """
    known, wanted = mapping(before), mapping(after)
    if list(known.items()) == list(wanted.items()):
        return
    written = mapping(crm.get(OPTIONS))
    details = {k: v for k, v in wanted.items() if v or k in written}
    crm.pop(OPTIONS, None)
    if details:
        crm[OPTIONS] = details
    values = list(wanted)
    steps = crm.get("transitions")
    if isinstance(steps, Mapping):
        crm["transitions"] = {
            new: [to for end in sequence(ends) if (to := renames.get(str(end), end)) in wanted]
            for start, ends in steps.items()
            if (new := renames.get(start, start)) in wanted
        }
    if is_list(described):
        described["items"] = {**mapping(described.get("items")), "enum": values}
        described["items"].setdefault("type", "string")
    elif values:
        described["enum"] = values
    else:
        described.pop("enum", None)


def is_list(document: Schema) -> bool:
    """Says whether values are lists."""
    return "array" in (document.get("type"), *sequence(document.get("type")))
