"""Everything a record's page shows, collected for one reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from flask import abort

from metadata.conditions import Conditions, fixed_fields, hidden_fields
from metadata.fields.files import FileFacts
from metadata.layouts import LayoutDefinition, Section, Tab
from metadata.objects import ObjectDefinition
from metadata.record_types import RECORD_TYPE
from rule_engine.program import Approval
from rule_engine.services.approval import can_submit
from trellis.approvals import may_recall
from trellis.approvals.inbox import of_record
from trellis.automation.approval_store import Request
from trellis.automation.environment import environment_of
from trellis.automation.holds import Hold, hold_of
from trellis.automation.requests import OPEN
from trellis.duplicates.redirects import parts_of
from trellis.records.history import Entry, history_of
from trellis.unit import Unit
from trellis.web.activities import Composer, activities_of, composer_of, shape_of
from trellis.web.addresses import list_address, record_address
from trellis.web.clocks import LevelCard, level_cards
from trellis.web.columns import Column, Columns, paths_of
from trellis.web.formatting import local, now
from trellis.web.people import names_of
from trellis.web.related import Related, related_lists
from trellis.web.shell import Item
from trellis.web.stages import Stage, needs_of, stage_field, stages_of
from trellis.web.timeline import Group, Timeline
from trellis.web.why import ApprovalCard, ScoreCard, approval_card, people_in, score_cards
from trellis.web.words import gettext

Record = Mapping[str, object]

HISTORY_SHOWN = 60
HIGHLIGHTS = 4


@dataclass(frozen=True, slots=True)
class Line:
    """One field in the details. `why_fixed` says why it cannot be edited."""

    name: str
    column: Column
    edit_href: str | None
    show_href: str
    why_fixed: str = ""


@dataclass(frozen=True, slots=True)
class DetailSection:
    """Lines under a heading."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Parent:
    """The record this one belongs to first."""

    id: str
    name: str
    href: str


@dataclass(frozen=True, slots=True)
class Extra:
    """What one answer adds to the page: problems, and what somebody had typed."""

    problems: tuple[str, ...] = ()
    changed: frozenset[str] = frozenset()
    comment: str = ""
    comment_error: str = ""
    files: tuple[FileFacts, ...] = ()
    composer_error: str = ""

    @property
    def refused(self) -> bool:
        """Says whether what was asked for did not happen."""
        return bool(self.problems or self.comment_error or self.composer_error)


@dataclass(frozen=True, slots=True)
class RecordPage:
    """What the template shows."""

    object: ObjectDefinition
    record: Record
    title: str
    address: str
    list_href: str
    edit_href: str | None
    may_delete: bool
    locked: bool
    parent: Parent | None
    stages: tuple[Stage, ...]
    stage_field: str
    stage_label: str
    stage_address: str
    stage_needs: tuple[str, ...]
    highlights: tuple[Column, ...]
    sections: tuple[DetailSection, ...]
    related: tuple[Related, ...]
    timeline: tuple[Group, ...]
    composer: Composer | None
    levels: tuple[LevelCard, ...]
    scores: tuple[ScoreCard, ...]
    approval: ApprovalCard | None
    may_submit: bool
    may_recall: bool
    quick: tuple[Item, ...]
    extra: Extra = field(default_factory=Extra)

    @property
    def problems(self) -> tuple[str, ...]:
        """Gives what stood in the way of what was just asked for."""
        return self.extra.problems

    @property
    def changed(self) -> frozenset[str]:
        """Gives the fields that were just changed."""
        return self.extra.changed

    @property
    def comment(self) -> str:
        """Gives the comment somebody had typed."""
        return self.extra.comment

    @property
    def comment_error(self) -> str:
        """Gives what is wrong with the comment."""
        return self.extra.comment_error

    @property
    def composer_error(self) -> str:
        """Gives what is wrong with the activity that was written down."""
        return self.extra.composer_error

    @property
    def related_count(self) -> int:
        """Gives the number of related records shown."""
        return sum(len(one.rows) for one in self.related)


class RecordView:
    """One record seen by who asks, on its way to the page."""

    def __init__(
        self, unit: Unit, definition: ObjectDefinition, record_id: str, language: str
    ) -> None:
        self.unit, self.object, self.id, self.language = unit, definition, record_id, language
        self.records = unit.records()
        self.access = unit.principal.access(definition.name)
        self.columns = Columns(unit.catalog, self.records, language)
        every = self.columns.of(definition.name, definition.fields)
        self.column = {column.path: column for column in every}
        found = self.records.get(definition.name, record_id, paths_of(every))
        if found is None:
            abort(404)
        self.record: Record = found
        self.surroundings = environment_of(unit)
        self.layout: LayoutDefinition = unit.catalog.layout(
            definition.name,
            "record",
            roles=unit.principal.roles,
            record_type=self.whole.get(RECORD_TYPE) if definition.record_types else None,
        )
        self.address = record_address(definition.name, record_id)
        self.hold: Hold | None = hold_of(unit, definition, record_id)
        self.may_update = self.may("update")

    def may(self, action: str) -> bool:
        """Says whether the reader may do this with the record."""
        if self.object.append_only or not self.access.may(action):
            return False
        return self.records.reaches(self.object.name, self.id, action)

    @cached_property
    def whole(self) -> Record:
        """Gives all of the record, whatever of it the reader sees: conditions look at that."""
        records = self.unit.as_automation().records()
        return records.get(self.object.name, self.id) or self.record

    @cached_property
    def conditions(self) -> Conditions:
        """Gives the conditions of the object."""
        return self.unit.catalog.conditions(self.object.name)

    @cached_property
    def hidden(self) -> frozenset[str]:
        """Gives the fields that the record as it stands does not show."""
        if not self.conditions.has_any:
            return frozenset()
        return hidden_fields(self.conditions.fields, self.whole, self.surroundings)

    @cached_property
    def fixed(self) -> frozenset[str]:
        """Gives the fields that may not be changed while the record is as it is."""
        if not self.conditions.has_any:
            return frozenset()
        return fixed_fields(self.conditions.fields, self.whole, self.surroundings, self.whole)

    def shows(self, part: Section | Tab) -> bool:
        """Says whether the record as it stands shows a part of its layout."""
        if part.visible_when is None:
            return True
        test = self.unit.catalog.test(self.object.name, part.visible_when)
        return test.holds(self.whole, self.surroundings)

    @property
    def title(self) -> str:
        """Gives the record's name."""
        return str(self.record.get(self.object.name_field) or gettext("Untitled"))

    def line(self, name: str) -> Line | None:
        """Gives a field as a line of the details; None when it does not exist for the reader."""
        column = self.column.get(name)
        if column is None or name in self.hidden:
            return None
        address = f"{self.address}/field/{name}"
        why = self.why_fixed(name)
        return Line(name, column, None if why else address, f"{address}?show=1", why)

    def why_fixed(self, name: str) -> str:
        """Says why a field cannot be edited here; nothing when it can."""
        known = self.object.fields[name]
        if not known.writable:
            return gettext("Filled in by the system")
        if self.object.append_only:
            return gettext("Kept as it was made")
        if not self.may_update or not self.access.edits(name):
            return gettext("You may not change this")
        if self.hold is not None and not self.hold.allows(name, self.unit.user_id):
            cause = self.unit.catalog.message(self.hold.cause or "", self.language)
            return gettext("Locked by %(cause)s", cause=cause)
        return gettext("Not to be changed now") if name in self.fixed else ""

    def sections(self) -> tuple[DetailSection, ...]:
        """Gives the details as the layout groups them, and the system's own fields last."""
        found = []
        for section in filter(self.shows, self.layout.parts):
            lines = tuple(filter(None, map(self.line, section.fields)))
            if lines:
                title = section.label(self.language) or gettext("Details")
                found.append(DetailSection(title, lines))
        shown = {line.name for section in found for line in section.lines}
        names = (RECORD_TYPE, "owner", "created_at", "created_by", "updated_at", "updated_by")
        system = tuple(filter(None, (self.line(name) for name in names if name not in shown)))
        return (*found, DetailSection(gettext("System"), system)) if system else tuple(found)

    def highlights(self) -> tuple[Column, ...]:
        """Gives the key fields."""
        shown = (name for name in self.layout.header if name not in self.hidden)
        found = [self.column[name] for name in shown if name in self.column]
        return tuple(found[:HIGHLIGHTS])

    def parent(self) -> Parent | None:
        """Gives the first record this one refers to, other than people."""
        for column in self.column.values():
            if not column.is_reference or column.field.type.name == "user" or column.field.system:
                continue
            name = self.record.get(column.name_path or "")
            if name:
                key = str(self.record[column.path])
                return Parent(key, str(name), record_address(str(column.field.target), key))
        return None

    def page(self, extra: Extra | None = None) -> RecordPage:
        """Gives everything."""
        unit, name = self.unit, self.object.name
        parts = parts_of(unit, name, self.id)
        entries, _next = history_of(unit, name, self.id, parts=parts, limit=HISTORY_SHOWN)
        requests = of_record(unit, name, self.id)
        shape = shape_of(unit, self.object)
        activities = activities_of(unit, shape, self.id, self.language) if shape else []
        staged = self.stage_column()
        may_submit = self.may_submit(requests, self.whole)
        layout = replace(self.layout, tabs=tuple(filter(self.shows, self.layout.tabs)))
        return RecordPage(
            object=self.object,
            record=self.record,
            title=self.title,
            address=self.address,
            list_href=list_address(name),
            edit_href=f"{self.address}/edit" if self.may_update and not self.is_held else None,
            may_delete=self.may("delete"),
            locked=self.hold is not None and self.hold.cause is not None,
            parent=self.parent(),
            stages=self.stages(staged, [one for one in entries if one.record == self.id]),
            stage_field=staged.path if staged else "",
            stage_label=staged.label if staged else "",
            stage_address=f"{self.address}/field/{staged.path}" if staged else "",
            stage_needs=self.stage_needs(staged),
            highlights=self.highlights(),
            sections=self.sections(),
            related=related_lists(unit, self.object, layout, self.id, self.language),
            timeline=Timeline(unit, self.object, self.columns, self.id).groups(
                entries, requests, activities
            ),
            composer=composer_of(unit, shape, self.address, self.language) if shape else None,
            levels=level_cards(unit, self.object, self.id, self.language),
            scores=score_cards(unit, self.object, self.record, self.language),
            approval=self.approval(requests),
            may_submit=may_submit,
            may_recall=bool(requests) and self.may_recall(requests[0]),
            quick=self.quick(),
            extra=extra or Extra(),
        )

    @property
    def is_held(self) -> bool:
        """Says whether a lock keeps the whole form from being edited."""
        return self.hold is not None and self.hold.cause is not None

    def stage_column(self) -> Column | None:
        """Gives the field of the stage path."""
        known = stage_field(self.object)
        return self.column.get(known.name) if known else None

    def stages(self, column: Column | None, entries: Sequence[Entry]) -> tuple[Stage, ...]:
        """Gives the stage path, with the days spent in the present stage."""
        if column is None:
            return ()
        may_edit = not self.why_fixed(column.path)
        days = days_since_change(column.path, entries)
        note = gettext("%(number)s d", number=days) if days else ""
        return stages_of(column.field, self.record, self.language, may_edit=may_edit, note=note)

    def stage_needs(self, column: Column | None) -> tuple[str, ...]:
        """Gives what has to be done before the record may be moved on from its stage."""
        if column is None or self.why_fixed(column.path):
            return ()
        found = needs_of(self.conditions, column.field, self.whole, self.surroundings, self.hidden)
        seen = [self.column[name].label for name in found.fields if name in self.column]
        asked = [gettext("fill in %(field)s", field=label) for label in seen]
        if found.unmet:
            asked.append(self.unit.catalog.message(found.unmet, self.language))
        return tuple(asked)

    def approval(self, requests: Sequence[Request]) -> ApprovalCard | None:
        """Gives the newest request as a card."""
        if not requests:
            return None
        newest = requests[0]
        rules = self.unit.catalog.written.for_object(self.object.name).approvals
        rule = next((one for one in rules if one.name == newest.approval), None)
        people = names_of(self.unit, people_in([newest]))
        return approval_card(self.unit, newest, rule, people, self.object, self.language)

    def may_submit(self, requests: Sequence[Request], whole: Record) -> bool:
        """Says whether the record may enter an approval now, as far as this reader is concerned."""
        if any(request.status == OPEN for request in requests) or self.unit.user_id is None:
            return False
        rules: Sequence[Approval] = self.unit.catalog.program.for_object(self.object.name).approvals
        tried = [rule for rule in rules if rule.submitters or self.may_update]
        found = (can_submit(rule, whole, self.surroundings) for rule in tried)
        return any(trace is None or trace.value is True for trace in found)

    def may_recall(self, request: Request) -> bool:
        """Says whether the reader may take the request back."""
        return request.status == OPEN and may_recall(self.unit, request)

    def quick(self) -> tuple[Item, ...]:
        """Gives what a thumb wants first: call, mail, edit."""
        icons = {
            "phone": ("phone", "tel:", gettext("Call")),
            "email": ("mail", "mailto:", gettext("Email")),
        }
        found: dict[str, Item] = {}
        for column in self.column.values():
            value = self.record.get(column.path)
            if column.cell in icons and value and column.cell not in found:
                icon, scheme, label = icons[column.cell]
                found[column.cell] = Item(label, icon, f"{scheme}{value}")
        if self.may_update and not self.is_held:
            found["edit"] = Item(gettext("Edit"), "pencil", f"{self.address}/edit")
        return tuple(found.values())


def days_since_change(name: str, entries: Sequence[Entry]) -> int | None:
    """Gives for how many days a field has its value; None when the history does not say."""
    changed = next((entry.at for entry in entries if name in entry.changes), None)
    if changed is None:
        return None
    return (now().date() - local(changed).date()).days
