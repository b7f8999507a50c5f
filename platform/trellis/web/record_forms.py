"""Forms for records: new, edit, and the one field of an inline edit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from werkzeug.datastructures import MultiDict

from metadata.fields.inputs import WireField
from metadata.forms import RecordForm, attach_problems, form_class
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from trellis import current
from trellis.unit import Unit
from trellis.web.addresses import list_address, record_address
from trellis.web.inputs import FormLine, form_lines
from trellis.web.words import gettext

Record = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class FormSection:
    """Inputs under a heading."""

    title: str
    columns: int
    lines: tuple[FormLine, ...]


@dataclass(frozen=True, slots=True)
class SummaryItem:
    """One thing to correct; `anchor` leads to its input."""

    anchor: str
    label: str
    message: str


@dataclass(frozen=True, slots=True)
class ConflictLine:
    """A field that somebody else has saved differently meanwhile."""

    label: str
    theirs: str
    yours: str


@dataclass(frozen=True, slots=True)
class FormPage:
    """What the template shows."""

    object: ObjectDefinition
    title: str
    address: str
    back_href: str
    is_new: bool
    version: int | None
    kept: tuple[tuple[str, str], ...]
    sections: tuple[FormSection, ...]
    summary: tuple[SummaryItem, ...]
    conflicts: tuple[ConflictLine, ...] = ()


class Editing:
    """One form of one object for who asks."""

    def __init__(
        self, unit: Unit, definition: ObjectDefinition, record: Record | None = None
    ) -> None:
        self.unit, self.object, self.record = unit, definition, record
        self.language = current.language()
        self.layout = unit.catalog.layout(definition.name, "form", roles=unit.principal.roles)

    def form(
        self,
        sent: MultiDict[str, str] | None,
        values: Record | None = None,
        fields: Iterable[str] | None = None,
    ) -> RecordForm:
        """Gives the form, filled from what was sent, else from `values`."""
        made = form_class(
            self.unit.catalog,
            self.object,
            self.unit.principal.access(self.object.name),
            self.language,
            fields=self.field_names() if fields is None else fields,
            zone=current.zone(),
        )
        return made(sent, values)

    def field_names(self) -> list[str]:
        """Gives the layout's fields, and required ones that it forgot."""
        names = dict.fromkeys(self.layout.fields)
        for known in self.object.own_fields:
            if known.required and known.default is None:
                names[known.name] = None
        return list(names)

    def refuse(self, form: RecordForm, problems: Iterable[Problem]) -> None:
        """Puts problems at their inputs."""
        attach_problems(form, problems, self.language)

    def page(
        self,
        form: RecordForm,
        *,
        kept: tuple[tuple[str, str], ...] = (),
        version: int | None = None,
        conflicts: tuple[ConflictLine, ...] = (),
        back: str | None = None,
    ) -> FormPage:
        """Gives everything the template shows."""
        noun = self.object.label(self.language)
        if self.record is None:
            title = gettext("New: %(object)s", object=noun)
            home = list_address(self.object.name)
            address = f"{home}new"
        else:
            name = str(self.record.get(self.object.name_field) or noun)
            title = gettext("Edit %(name)s", name=name)
            home = record_address(self.object.name, str(self.record["id"]))
            address = f"{home}/edit"
        return FormPage(
            object=self.object,
            title=title,
            address=address,
            back_href=back or home,
            is_new=self.record is None,
            version=version,
            kept=kept,
            sections=self.sections(form),
            summary=summary_of(form),
            conflicts=conflicts,
        )

    def sections(self, form: RecordForm) -> tuple[FormSection, ...]:
        """Gives the inputs as the layout groups them; forgotten ones come last."""
        found, shown = [], set()
        for section in self.layout.sections:
            names = [name for name in section.fields if name in form and name not in shown]
            shown.update(names)
            lines = form_lines(self.unit, form, names, self.language)
            if lines:
                title = section.label(self.language) or gettext("Details")
                found.append(FormSection(title, section.columns, tuple(lines)))
        rest = [name for name in form._fields if name not in shown]
        if rest:
            lines = form_lines(self.unit, form, rest, self.language)
            found.append(FormSection(gettext("More"), 2, tuple(lines)))
        return tuple(found)

    def conflicts(self, form: RecordForm, newest: Record) -> tuple[ConflictLine, ...]:
        """Gives the fields in which what was sent differs from what is saved now."""
        found = []
        for name, known in form._fields.items():
            if not isinstance(known, WireField):
                continue
            definition = self.object.fields[name]
            value = newest.get(name)
            wire = None if value is None else definition.type.to_wire(value, definition)
            if wire == known.data or not self.unit.principal.access(self.object.name).reads(name):
                continue
            theirs = (
                "" if value is None else definition.type.to_text(value, definition, self.language)
            )
            label = definition.label(self.language)
            found.append(ConflictLine(label, theirs or "–", known.shown or "–"))
        return tuple(found)


def summary_of(form: RecordForm) -> tuple[SummaryItem, ...]:
    """Gives everything that is to be corrected, with links to the inputs."""
    found = [
        SummaryItem(known.id, known.label.text, str(error))
        for known in form._fields.values()
        for error in known.errors
    ]
    return tuple(found) + tuple(SummaryItem("", "", text) for text in form.problems_elsewhere)
