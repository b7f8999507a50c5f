"""How the inputs of a record's form look: which control, with what beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from metadata.catalog import Catalog
from metadata.fields.base import choose_label
from metadata.fields.inputs import WireField
from metadata.forms import RecordForm
from trellis.unit import Unit
from trellis.web.nested_inputs import more_for, names_of

KEPT_ATTRIBUTES = ("inputmode", "autocomplete", "step", "min", "max", "maxlength")


@dataclass(frozen=True, slots=True)
class Input:
    """What stands around a control. `text` is what a reference shows, `lookup` where its picker
    asks; a hidden or a fixed one is not sent. `more` is what some controls need besides."""

    kind: str
    required: bool
    help: str = ""
    placeholder: str = ""
    text: str = ""
    lookup: str = ""
    html_type: str = "text"
    hidden: bool = False
    fixed: bool = False
    more: object = None
    attributes: Mapping[str, object] = field(default_factory=dict)

    def described_by(self, known: WireField) -> str:
        """Gives the ids of what explains the input: its help and its errors."""
        ids = [f"{known.id}-help"] if self.help else []
        ids += [f"{known.id}-error{place or ''}" for place, _error in enumerate(known.errors)]
        return " ".join(ids)


@dataclass(frozen=True, slots=True)
class FormLine:
    """One field of a form and its control."""

    field: WireField
    input: Input


def form_lines(unit: Unit, form: RecordForm, names: Iterable[str], language: str) -> list[FormLine]:
    """Gives the inputs of a form that are named, in this order."""
    found = (form[name] for name in names if name in form)
    return lines_of(unit, [known for known in found if isinstance(known, WireField)], language)


def lines_of(unit: Unit, fields: Sequence[WireField], language: str) -> list[FormLine]:
    """Gives inputs with their controls; names of records take one statement per object."""
    texts = reference_texts(unit, fields)

    def line(known: WireField) -> FormLine:
        made = make_input(unit.catalog, known, texts.get(known.name, ""), language)
        more = more_for(unit, known, language, partial(lines_of, unit, language=language))
        return FormLine(known, made if more is None else replace(made, more=more))

    return [line(known) for known in fields]


def make_input(catalog: Catalog, known: WireField, text: str, language: str) -> Input:
    """Gives the control of an input."""
    definition = known.definition
    given: Mapping[str, Any] = known.render_kw or {}
    return Input(
        kind=known.control,
        required=definition.required,
        help=choose_label(definition.help, language),
        placeholder=str(given.get("placeholder") or ""),
        text=text,
        lookup=f"/o/{definition.target}/lookup" if definition.target else "",
        html_type=str(getattr(known.widget, "input_type", "text")),
        attributes={name: given[name] for name in KEPT_ATTRIBUTES if name in given},
    )


def reference_texts(unit: Unit, fields: Iterable[WireField]) -> dict[str, str]:
    """Gives what references show: the names of the records, as who asks sees them."""
    chosen: dict[str, dict[str, str]] = {}
    for known in fields:
        target, value = known.definition.target, known.data
        if target is not None and isinstance(value, str) and value:
            chosen.setdefault(target, {})[known.name] = value
    texts: dict[str, str] = {}
    for target, values in chosen.items():
        names = names_of(unit, target, values.values())
        texts |= {place: names.get(value, value) for place, value in values.items()}
    return texts
