"""Forms for records: new, edit, and the one field of an inline edit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from metadata.fields.inputs import WireField
from metadata.fields.nested import rows_of
from metadata.forms import RecordForm, attach_problems, form_class
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from metadata.record_types import RECORD_TYPE, default_type
from trellis import current
from trellis.unit import Unit
from trellis.web.addresses import list_address, record_address, with_query
from trellis.web.form_logic import LiveForm
from trellis.web.inputs import FormLine, form_lines
from trellis.web.nested_inputs import row_forms
from trellis.web.uploads import know_files
from trellis.web.words import gettext

Record = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class FormSection:
    """Inputs under a heading; `part` is its number in the layout, None for what that forgot."""

    title: str
    columns: int
    lines: tuple[FormLine, ...]
    part: int | None = None
    hidden: bool = False


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
    script: Markup | None = None
    hint: str = ""


class Editing:
    """One form of one object for who asks."""

    def __init__(
        self,
        unit: Unit,
        definition: ObjectDefinition,
        record: Record | None = None,
        record_type: str | None = None,
    ) -> None:
        """`record_type` is the type of a new record, where the object has types."""
        self.unit, self.object, self.record = unit, definition, record
        self.language = current.language()
        self.record_type = record_type_of(unit, definition, record, record_type)
        self.layout = unit.catalog.layout(
            definition.name, "form", roles=unit.principal.roles, record_type=self.record_type
        )

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
            rows=row_forms(self.unit, self.object, self.language, current.zone()),
        )
        form = made(sent, values)
        if sent is not None:
            know_files(self.unit, form)
        return form

    def sent_form(self, sent: MultiDict[str, str]) -> RecordForm:
        """Gives the form of what was sent; prefilled fields outside of the layout count too."""
        others = [name for name in sent if name in self.object.fields]
        return self.form(sent, fields=(*self.field_names(), *others))

    def live(self, form: RecordForm) -> LiveForm:
        """Gives the form as it stands."""
        record_id = None if self.record is None else str(self.record["id"])
        given = {} if self.record_type is None else {RECORD_TYPE: self.record_type}
        return LiveForm(self.unit, self.object, self.layout, form, record_id, given)

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
        if self.record is None and self.record_type is not None:
            kept = (*kept, (RECORD_TYPE, self.record_type))
        live = self.live(form)
        return FormPage(
            object=self.object,
            title=title,
            address=address,
            back_href=back or home,
            is_new=self.record is None,
            version=version,
            kept=kept,
            sections=self.sections(form, live),
            summary=summary_of(form),
            conflicts=conflicts,
            script=live.script(self.live_address()),
            hint=self.type_label(),
        )

    def live_address(self) -> str:
        """Gives where the open form asks what holds."""
        asked = {} if self.record is None else {"id": str(self.record["id"])}
        if self.record is None and self.record_type is not None:
            asked[RECORD_TYPE] = self.record_type
        return with_query(f"{list_address(self.object.name)}live", asked)

    def type_label(self) -> str:
        """Gives the title of the record's type; "" where there are none."""
        types = self.object.record_types
        found = next((one for one in types if one.name == self.record_type), None)
        return found.label(self.language) if found is not None else ""

    def sections(self, form: RecordForm, live: LiveForm) -> tuple[FormSection, ...]:
        """Gives the inputs as the layout groups them; forgotten ones come last.

        The type of a new record was chosen before.
        """
        found, shown = [], set()
        if self.record is None and self.record_type is not None:
            shown.add(RECORD_TYPE)
        for number, part in enumerate(self.layout.parts):
            names = [name for name in part.fields if name in form and name not in shown]
            shown.update(names)
            lines = self.lines(form, live, names)
            if lines:
                title = part.label(self.language) or gettext("Details")
                hidden = all(line.input.hidden for line in lines)
                found.append(FormSection(title, part.columns, lines, number, hidden))
        rest = [name for name in form._fields if name not in shown]
        if rest:
            found.append(FormSection(gettext("More"), 2, self.lines(form, live, rest)))
        return tuple(found)

    def lines(self, form: RecordForm, live: LiveForm, names: Iterable[str]) -> tuple[FormLine, ...]:
        """Gives inputs as the form's state wants them."""
        return tuple(map(live.dressed, form_lines(self.unit, form, names, self.language)))

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
            if definition.nested:
                found += nested_conflict(known, value, definition.label(self.language))
                continue
            theirs = (
                "" if value is None else definition.type.display(value, definition, self.language)
            )
            label = definition.label(self.language)
            found.append(ConflictLine(label, theirs or "–", known.shown or "–"))
        return tuple(found)


def record_type_of(
    unit: Unit, definition: ObjectDefinition, record: Record | None, wanted: str | None
) -> str | None:
    """Gives the type of a record, or of a new one: the wanted one, else the usual one."""
    if record is not None:
        whole = unit.as_automation().records()
        known = RECORD_TYPE in definition.fields
        stored = whole.get(definition.name, str(record["id"]), [RECORD_TYPE]) if known else None
        return None if stored is None else str(stored[RECORD_TYPE])
    if wanted in {one.name for one in definition.record_types if not one.retired}:
        return wanted
    usual = default_type(definition.record_types)
    return usual.name if usual is not None else None


def nested_conflict(known: WireField, value: object, label: str) -> list[ConflictLine]:
    """Gives how many rows or links there are and were sent, where that differs."""
    theirs, yours = (len(rows_of(given)) for given in (value, known.data))
    return [ConflictLine(label, str(theirs), str(yours))] if theirs != yours else []


def summary_of(form: RecordForm) -> tuple[SummaryItem, ...]:
    """Gives everything that is to be corrected, with links to the inputs."""
    found = [
        SummaryItem(*told)
        for known in form._fields.values()
        if isinstance(known, WireField)
        for told in known.told()
    ]
    return tuple(found) + tuple(SummaryItem("", "", text) for text in form.problems_elsewhere)
