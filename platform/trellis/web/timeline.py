"""The timeline of a record: its history, approvals and activities as one line of events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from metadata.objects import ObjectDefinition
from trellis.automation.approval_store import Request
from trellis.records.causes import worded
from trellis.records.history import Entry
from trellis.unit import Unit
from trellis.web.activities import Activity
from trellis.web.addresses import record_address
from trellis.web.columns import Column, Columns
from trellis.web.formatting import heading_of, local, now
from trellis.web.list_changes import ListChanges
from trellis.web.people import name_of, names_of
from trellis.web.why import comment_of, handed, people_in, speaking
from trellis.web.words import gettext, ngettext

CREATED = 1


@dataclass(frozen=True, slots=True)
class Change:
    """One field of one save. `old` and `new` are records for the cell macros."""

    column: Column
    old: Mapping[str, object]
    new: Mapping[str, object]

    @property
    def has_old(self) -> bool:
        """Says whether there was a value before."""
        return self.old.get(self.column.path) is not None


@dataclass(frozen=True, slots=True)
class Event:
    """One line: who did what. `single` is shown in the line, `changes` below it when opened."""

    at: datetime
    icon: str
    text: str
    by: str = ""
    hue: str = ""
    subject: str = ""
    href: str = ""
    body: str = ""
    why: str = ""
    tag: str = ""
    tag_hue: str = "gray"
    single: Change | None = None
    changes: tuple[Change, ...] = ()
    changes_text: str = ""
    why_href: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Events under one heading."""

    label: str
    events: tuple[Event, ...]


class Timeline:
    """Makes the events of one record for one reader."""

    def __init__(
        self, unit: Unit, definition: ObjectDefinition, columns: Columns, record_id: str
    ) -> None:
        self.unit = unit
        self.object = definition
        self.record_id = record_id
        self.columns = columns
        self.lists = ListChanges(unit, definition, columns.language)

    def groups(
        self,
        entries: Sequence[Entry],
        requests: Sequence[Request],
        activities: Sequence[Activity],
    ) -> tuple[Group, ...]:
        """Gives all events, newest first, under days and months."""
        people = names_of(self.unit, [*writers(entries), *deciders(requests)])
        names = self.names_in(entries)
        events = [self.told(entry, people, names) for entry in entries]
        events += [event for request in requests for event in self.asked(request, people)]
        events += [done(activity) for activity in activities]
        events.sort(key=lambda event: event.at, reverse=True)
        today = now().date()
        grouped = groupby(events, key=lambda event: heading_of(local(event.at).date(), today))
        return tuple(Group(label, tuple(found)) for label, found in grouped)

    def names_in(self, entries: Iterable[Entry]) -> Mapping[str, Mapping[str, str]]:
        """Gives by object the names of records that changes mention, as the reader sees them."""
        wanted: dict[str, set[str]] = {}
        for entry in entries:
            for name, pair in entry.changes.items():
                field = self.object.fields.get(name)
                target = field.target if field else None
                linked, ids = self.lists.linked(name, pair)
                if linked:
                    wanted.setdefault(linked, set()).update(ids)
                elif target:
                    wanted.setdefault(target, set()).update(str(one) for one in pair if one)
        records = self.unit.records()
        known = self.unit.principal
        return {
            target: records.names(target, ids)
            for target, ids in wanted.items()
            if target in self.unit.catalog.objects and known.access(target).exists
        }

    def told(
        self,
        entry: Entry,
        people: Mapping[str, str],
        names: Mapping[str, Mapping[str, str]],
    ) -> Event:
        """Gives one save, saying so where it was of a record that became part of this one."""
        event = self.saved(entry, people, names)
        if entry.rules:
            address = record_address(self.object.name, self.record_id)
            event = replace(event, why_href=f"{address}/history/{entry.id}")
        if entry.record == self.record_id:
            return event
        return replace(event, tag=gettext("merged record"))

    def saved(
        self,
        entry: Entry,
        people: Mapping[str, str],
        names: Mapping[str, Mapping[str, str]],
    ) -> Event:
        """Gives one save as one line."""
        by = name_of(people, entry.by)
        why = worded(self.unit, entry.why, entry.channel, self.columns.language) or ""
        # What rules compute later keeps the version of the save that they follow.
        is_first = entry.version == CREATED and entry.channel != "rule"
        # A link from elsewhere is told without a version of its own.
        is_first = is_first and not all(self.lists.link(name) for name in entry.changes)
        if is_first and "deleted_at" not in entry.changes:
            return Event(entry.at, "plus", gettext("created this record"), by, "green", why=why)
        if "deleted_at" in entry.changes:
            gone = entry.changes["deleted_at"][1] is not None
            text = gettext("deleted this record") if gone else gettext("restored this record")
            return Event(entry.at, "trash-2" if gone else "undo-2", text, by, why=why)
        changes = tuple(filter(None, (self.change(n, p, names) for n, p in entry.changes.items())))
        icon = "workflow" if entry.channel == "rule" else "pencil"
        if why and not entry.changes:
            return Event(entry.at, icon, why, by)
        if len(changes) == 1:
            text = gettext("set %(field)s", field=changes[0].column.label)
            return Event(entry.at, icon, text, by, why=why, single=changes[0])
        text = ngettext("changed %(num)s field", "changed %(num)s fields", len(changes))
        return Event(entry.at, icon, "", by, why=why, changes=changes, changes_text=text)

    def message(self, text: str) -> str:
        """Gives a text of a rule in the reader's language."""
        return self.unit.catalog.message(text, self.columns.language) if text else ""

    def asked(self, request: Request, people: Mapping[str, str]) -> list[Event]:
        """Gives a request's submission, its decisions and its withdrawal as lines."""
        state, label = request.state, self.message(request.label)
        labels = {step.name: self.message(step.label) for step in state.path}
        by = name_of(people, request.submitted_by)
        text = gettext("submitted this for")
        events = [Event(request.submitted_at, "stamp", text, by, "amber", subject=label)]
        for decision in state.decisions:
            approved = decision.verdict == "approve"
            events.append(
                Event(
                    at=decision.at,
                    icon="check" if approved else "x",
                    text=gettext("approved") if approved else gettext("rejected"),
                    by=speaking(people, decision.user, decision.on_behalf_of, decision.away_until),
                    hue="green" if approved else "red",
                    subject=label,
                    tag=labels.get(decision.step, decision.step),
                    body=comment_of(decision),
                )
            )
        for handover in state.handovers:
            told = handed(handover, people)
            events.append(
                Event(told.at, "users", told.sentence, "", subject=label, body=told.comment)
            )
        if request.status == "recalled" and request.closed_at is not None:
            events.append(
                Event(request.closed_at, "undo-2", gettext("recalled"), by, subject=label)
            )
        return events

    def change(
        self, name: str, pair: tuple[object, object], names: Mapping[str, Mapping[str, str]]
    ) -> Change | None:
        """Gives a field's old and new value, ready for the cell macros."""
        listed = self.lists.column(name)
        if listed is not None:
            return Change(listed, {}, {name: self.lists.said(name, pair, names)})
        column = self.columns.one(self.object.name, name)
        if column is None:
            return None
        known = names.get(column.field.target or "", {})
        old, new = (self.as_record(column, wire, known) for wire in pair)
        return Change(column, old, new)

    def as_record(
        self, column: Column, wire: object, known: Mapping[str, str]
    ) -> Mapping[str, object]:
        """Gives a value of the history as a record of one field."""
        value = None if wire is None else column.field.type.from_wire(wire, column.field)
        name = known.get(str(value)) if column.is_reference else None
        return {column.path: value, **({column.name_path: name} if column.name_path else {})}


def writers(entries: Iterable[Entry]) -> set[str]:
    """Gives who wrote."""
    return {entry.by for entry in entries}


def deciders(requests: Iterable[Request]) -> set[str]:
    """Gives who asked and who decided."""
    return people_in(list(requests))


def done(activity: Activity) -> Event:
    """Gives a call, meeting or note as a line."""
    return Event(
        at=activity.at,
        icon=activity.icon,
        text=activity.kind,
        by=activity.by,
        hue=activity.hue,
        subject=activity.title,
        href=activity.href,
        body=activity.body,
    )
