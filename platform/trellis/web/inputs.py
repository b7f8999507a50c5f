"""How the inputs of a record's form look: which control, with what beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from metadata.catalog import Catalog
from metadata.fields import inputs
from metadata.fields.base import choose_label
from metadata.forms import RecordForm
from metadata.query import UnknownObject
from trellis.unit import Unit

KINDS: tuple[tuple[type[inputs.WireField], str], ...] = (
    (inputs.ReferenceField, "reference"),
    (inputs.MoneyField, "money"),
    (inputs.MultiChoiceField, "choices"),
    (inputs.ChoiceField, "choice"),
    (inputs.BooleanField, "check"),
    (inputs.LongTextField, "text_area"),
    (inputs.NumberField, "number"),
)
CURRENCIES = ("CNY", "USD", "EUR", "HKD", "JPY", "GBP")
KEPT_ATTRIBUTES = ("inputmode", "autocomplete", "step", "min", "max", "maxlength")


@dataclass(frozen=True, slots=True)
class Input:
    """One control. `text` is what a reference shows, `lookup` where its picker asks."""

    kind: str
    required: bool
    help: str = ""
    placeholder: str = ""
    text: str = ""
    lookup: str = ""
    html_type: str = "text"
    currencies: tuple[str, ...] = CURRENCIES
    attributes: Mapping[str, object] = field(default_factory=dict)

    def described_by(self, known: inputs.WireField) -> str:
        """Gives the ids of what explains the input: its help and its errors."""
        ids = [f"{known.id}-help"] if self.help else []
        ids += [f"{known.id}-error{place or ''}" for place, _error in enumerate(known.errors)]
        return " ".join(ids)


@dataclass(frozen=True, slots=True)
class FormLine:
    """One field of a form and its control."""

    field: inputs.WireField
    input: Input


def form_lines(unit: Unit, form: RecordForm, names: Iterable[str], language: str) -> list[FormLine]:
    """Gives the inputs of a form that are named, in this order."""
    found = (form[name] for name in names if name in form)
    fields = [known for known in found if isinstance(known, inputs.WireField)]
    texts = reference_texts(unit, fields)
    return [
        FormLine(known, make_input(unit.catalog, known, texts.get(known.name, ""), language))
        for known in fields
    ]


def make_input(catalog: Catalog, known: inputs.WireField, text: str, language: str) -> Input:
    """Gives the control of an input."""
    definition = known.definition
    given: Mapping[str, Any] = known.render_kw or {}
    kind = next((name for kind, name in KINDS if isinstance(known, kind)), "text")
    if definition.type.cell == "percent":
        kind = "percent"
    return Input(
        kind=kind,
        required=definition.required,
        help=choose_label(definition.help, language),
        placeholder=str(given.get("placeholder") or ""),
        text=text,
        lookup=f"/o/{definition.target}/lookup" if definition.target else "",
        html_type=str(getattr(known.widget, "input_type", "text")),
        currencies=currencies_for(known),
        attributes={name: given[name] for name in KEPT_ATTRIBUTES if name in given},
    )


def currencies_for(known: inputs.WireField) -> tuple[str, ...]:
    """Gives the currencies to choose from, the field's own first."""
    if not isinstance(known, inputs.MoneyField):
        return ()
    return tuple(dict.fromkeys(code for code in (known.currency, *CURRENCIES) if code))


def reference_texts(unit: Unit, fields: Iterable[inputs.WireField]) -> dict[str, str]:
    """Gives what references show: the names of the records, as who asks sees them."""
    texts = {}
    records = unit.records()
    for known in fields:
        target, value = known.definition.target, known.data
        if target is None or not isinstance(value, str) or not value:
            continue
        try:
            texts[known.name] = records.names(target, [value]).get(value, value)
        except UnknownObject:
            texts[known.name] = value
    return texts
