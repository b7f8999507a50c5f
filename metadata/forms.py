"""Forms from definitions: a WTForms class with the inputs that somebody may use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from wtforms.fields.core import UnboundField
from wtforms.form import BaseForm
from wtforms.meta import DefaultMeta

from metadata.access import Access
from metadata.catalog import Catalog
from metadata.coerce import defaults
from metadata.fields.base import ENGLISH, UTC, FieldDefinition, FormSetting
from metadata.fields.inputs import WireField
from metadata.objects import ObjectDefinition
from metadata.problems import Problem, sentence

Attributes = dict[str, str | bool]


class RecordForm(BaseForm):
    """A form for a record of one object.

    Inputs are reached by `form["name"]`, never as attributes: a field may be called `data`.
    `record` holds values in their Python form; without one the defaults are shown. What was sent
    comes out of `values` in wire form.
    """

    inputs: ClassVar[Mapping[str, UnboundField[Any]]] = {}
    definition: ClassVar[ObjectDefinition]

    def __init__(
        self,
        formdata: Any = None,
        record: Mapping[str, object] | None = None,
        prefix: str = "",
    ) -> None:
        super().__init__(self.inputs, prefix=prefix, meta=DefaultMeta())
        self.was_sent = formdata is not None
        shown = defaults(self.definition) if record is None else record
        self.process(formdata, data=dict(shown))

    @property
    def values(self) -> dict[str, object]:
        """Gives the wire form of the inputs that were sent."""
        return {
            name: field.data
            for name, field in self._fields.items()
            if isinstance(field, WireField) and field.is_sent
        }

    @property
    def problems_elsewhere(self) -> Sequence[str]:
        """Gives the sentences about what no input of this form stands for."""
        return tuple(self.form_errors)


def form_class(
    catalog: Catalog,
    definition: ObjectDefinition,
    access: Access,
    language: str = ENGLISH,
    *,
    fields: Iterable[str] | None = None,
    zone: ZoneInfo = UTC,
    rows: Mapping[str, type[RecordForm]] = MappingProxyType({}),
) -> type[RecordForm]:
    """Gives a form with inputs for the fields that may be written with these rights.

    `fields` gives order and choice; without it all own fields are there; `rows` are the forms of
    the rows of nested ones. The class carries
    neither CSRF nor validators: `coerce` judges what is sent, `attach_problems` shows it.
    """
    inputs = {
        field.name: field.type.form_field(
            field, replace(setting_of(catalog, field, language, zone), rows=rows.get(field.name))
        )
        for field in writable_fields(definition, access, fields)
    }
    members = {"inputs": inputs, "definition": definition}
    return type(f"{definition.name.title().replace('_', '')}Form", (RecordForm,), members)


def writable_fields(
    definition: ObjectDefinition, access: Access, fields: Iterable[str] | None
) -> Iterator[FieldDefinition]:
    """Gives the fields a form has, each once."""
    names = dict.fromkeys(fields if fields is not None else definition.fields)
    for name in names:
        field = definition.fields.get(name)
        if field is not None and field.writable and access.edits(name):
            yield field


def setting_of(
    catalog: Catalog, field: FieldDefinition, language: str, zone: ZoneInfo
) -> FormSetting:
    """Gives how an input is shown, with the HTML attributes that the definition implies."""
    attributes: Attributes = dict(field.type.input_attributes(field))
    if field.required:
        attributes["required"] = True
    placeholder = field.text("placeholder")
    if placeholder is not None:
        attributes["placeholder"] = placeholder
    target = catalog.objects.get(field.target or "")
    if target is not None:
        attributes["data-object"] = target.name
        attributes["data-object-label"] = target.label(language)
    return FormSetting(language, zone, attributes)


def attach_problems(form: RecordForm, problems: Iterable[Problem], language: str = ENGLISH) -> None:
    """Puts problems at the inputs they are about; all others become errors of the form."""
    for problem in problems:
        name, *place = problem.path.removeprefix("/").split("/")
        text = sentence(problem, language)
        known = form[name] if name in form else None  # noqa: SIM401  # a form has no get
        if isinstance(known, WireField):
            known.refuse(place, text)
        else:
            form.form_errors.append(text)
