"""A record as it was at an instant, beside what it is now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import render_template, request

from trellis import current
from trellis.declared import ANY_OBJECT, declares
from trellis.errors import Missing
from trellis.records.as_of import Past, record_at
from trellis.records.read import read_record
from trellis.unit import Unit
from trellis.web.addresses import record_address
from trellis.web.columns import Column, Columns
from trellis.web.doors import make_blueprint, object_for
from trellis.web.people import name_of, names_of
from trellis.work import reading

blueprint = make_blueprint("past", "/o")

FIRST_YEAR, LAST_YEAR = 1900, 9000


@dataclass(frozen=True, slots=True)
class Line:
    """One field: `then` and `now` are records for the cell macros."""

    column: Column
    then: Mapping[str, object]
    now: Mapping[str, object]
    differs: bool


@dataclass(frozen=True, slots=True)
class PastPage:
    """What the page shows; without `past` the record was not there yet."""

    object: object
    title: str
    address: str
    at: str
    past: Past | None
    by: str
    lines: tuple[Line, ...]
    unknown: tuple[str, ...]


@blueprint.get("/<object_name>/<record_id>/as_of")
@declares(ANY_OBJECT, "read")
def as_of(object_name: str, record_id: str) -> str:
    """Shows a record at the instant of `at`, in the reader's time; without one, as it is now."""
    definition, _access = object_for(object_name)
    unit = reading()
    record = read_record(unit, object_name, record_id)
    at = instant_of(request.args.get("at", "")) or unit.moment.now
    columns = Columns(unit.catalog, unit.records(), current.language())
    try:
        past: Past | None = record_at(unit, object_name, record_id, at)
    except Missing:
        past = None
    found = {} if past is None else past.values
    seen = columns.of(object_name, [one for one in found if not definition.fields[one].nested])
    lines = lines_of(unit, seen, found, record)
    people = names_of(unit, [past.by]) if past else {}
    labels = columns.of(object_name, past.unknown if past else ())
    page = PastPage(
        object=definition,
        title=str(record.get(definition.name_field) or "–"),
        address=record_address(object_name, record_id),
        at=at.astimezone(current.zone()).isoformat(timespec="minutes")[:16],
        past=past,
        by=name_of(people, past.by) if past else "",
        lines=tuple(sorted(lines, key=lambda line: not line.differs)),
        unknown=tuple(one.label for one in labels),
    )
    return render_template("past.html", page=page)


def instant_of(text: str) -> datetime | None:
    """Gives the instant of a form's control, in the reader's time; None for no instant."""
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        return None
    if not FIRST_YEAR <= given.year <= LAST_YEAR:
        return None
    return given if given.tzinfo else given.replace(tzinfo=current.zone())


def lines_of(
    unit: Unit, columns: list[Column], past: Mapping[str, object], record: Mapping[str, object]
) -> list[Line]:
    """Gives the fields with both values, references by the names that the reader sees."""
    made = []
    for column in columns:
        field, wire = column.field, past[column.path]
        then = None if wire is None else field.type.from_wire(wire, field)
        now = record.get(column.path)
        made.append(
            Line(column, cell(unit, column, then), cell(unit, column, now), differs=then != now)
        )
    return [line for line in made if line.differs or line.now.get(line.column.path) is not None]


def cell(unit: Unit, column: Column, value: object) -> Mapping[str, object]:
    """Gives a value as a record of one field."""
    target = column.field.target
    if not column.name_path or not column.is_reference or value is None or target is None:
        return {column.path: value}
    known = unit.principal.access(target).exists
    names = unit.records().names(target, [str(value)]) if known else {}
    return {column.path: value, column.name_path: names.get(str(value))}
