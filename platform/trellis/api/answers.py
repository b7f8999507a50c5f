"""Records, history and requests as the JSON that clients get."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus

import msgspec
from flask import Response

from metadata.fields.base import FieldDefinition
from metadata.fields.nested import rows_of
from metadata.objects import LinkDefinition
from metadata.problems import Problem
from trellis.api.problems import RequestError
from trellis.api.requests import etag, unknown
from trellis.approvals import Request
from trellis.records.history import Entry
from trellis.unit import Unit

Record = Mapping[str, object]


def json_answer(
    document: object, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Response:
    """Gives a JSON answer that no cache keeps."""
    response = Response(
        msgspec.json.encode(document), status=status.value, content_type="application/json"
    )
    response.headers["Cache-Control"] = "private, no-store"
    response.headers.update(headers or {})
    return response


def record_answer(
    unit: Unit, object_name: str, record: Record, status: HTTPStatus = HTTPStatus.OK
) -> Response:
    """Gives one record with its version as ETag; a new one with its address too."""
    record_id, version = str(record["id"]), int(str(record["version"]))
    headers = {"ETag": etag(record_id, version)}
    if status is HTTPStatus.CREATED:
        headers["Location"] = f"/api/v1/{object_name}/{record_id}"
    return json_answer(record_json(unit, object_name, record), status, headers)


def record_json(
    unit: Unit, object_name: str, record: Record, expand: Sequence[str] = ()
) -> dict[str, object]:
    """Gives a record in wire form; references in `expand` come as id and name."""
    fields = unit.catalog.objects[object_name].fields
    hidden = {name_path(unit, object_name, name) for name in expand if not fields[name].nested}
    wire = {
        path: value_json(unit, object_name, path, value)
        for path, value in record.items()
        if path not in hidden
    }
    definition = unit.catalog.objects[object_name]
    for name in expand:
        if definition.fields[name].nested:
            wire[name] = nested_json(unit, object_name, name, record.get(name), names=True)
        elif record.get(name) is not None:
            shown = record.get(name_path(unit, object_name, name))
            wire[name] = {"id": record[name], "name": shown}
    return wire


def value_json(unit: Unit, object_name: str, path: str, value: object) -> object:
    """Gives one value in wire form; what is masked comes as the text that is left of it."""
    *steps, last = path.split(".")
    here = object_name
    own = None if steps else unit.catalog.objects[here].fields.get(last)
    if own is not None and own.nested:
        return nested_json(unit, here, last, value)
    if value is None:
        return None
    for step in steps:
        here = str(unit.catalog.objects[here].fields[step].target)
    if not unit.principal.access(here).reads(last):
        return value
    return field_json(unit.catalog.objects[here].fields[last], value)


def nested_json(
    unit: Unit, object_name: str, name: str, value: object, *, names: bool = False
) -> object:
    """Gives rows or links in wire form: links as ids where they have no fields of their own.

    With `names` each link comes with the name of the record it leads to.
    """
    link = unit.catalog.children(object_name)[name]
    rows = [row_json(unit, link, row) for row in rows_of(value)]
    if link.beyond is None or names:
        return rows
    field = unit.catalog.objects[object_name].fields[name]
    return field.type.to_wire(rows, field)


def row_json(unit: Unit, link: LinkDefinition, row: Record) -> dict[str, object]:
    """Gives a row or link in wire form; what is masked comes as the text that is left of it."""
    fields, access = unit.catalog.objects[link.target].fields, unit.principal.access(link.target)
    kept = {"id"} if link.beyond is None else {"id", "name"}
    return {
        path: value if path in kept or not access.reads(path) else field_json(fields[path], value)
        for path, value in row.items()
        if path in kept or path in fields
    }


def field_json(field: FieldDefinition, value: object) -> object:
    """Gives a field's value in wire form."""
    return None if value is None else field.type.to_wire(value, field)


def name_path(unit: Unit, object_name: str, reference: str) -> str:
    """Gives the path of a referenced record's name."""
    target = unit.catalog.objects[object_name].fields[reference].target
    return f"{reference}.{unit.catalog.objects[str(target)].name_field}"


def read_expand(unit: Unit, object_name: str, names: Sequence[str]) -> list[str]:
    """Gives the references to show with their names. Raises RequestError for other fields."""
    definition = unit.catalog.objects.get(object_name)
    access = unit.principal.access(object_name)
    known = [
        field.name
        for field in (definition.references if definition else ())
        if access.reads(field.name) and unit.principal.access(str(field.target)).exists
    ]
    links = unit.catalog.children(object_name).values()
    known += [link.nested for link in links if link.nested and access.reads(link.nested)]
    problems: list[Problem] = [
        unknown("expand", "unknown_value", name, known) for name in names if name not in known
    ]
    if problems:
        raise RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, problems)
    return list(dict.fromkeys(names))


def entry_json(entry: Entry) -> dict[str, object]:
    """Gives one entry of a record's history."""
    return {
        "version": entry.version,
        "at": instant(entry.at),
        "by": entry.by,
        "why": entry.why,
        "channel": entry.channel,
        "rules": list(entry.rules),
        "changes": {name: list(pair) for name, pair in entry.changes.items()},
    }


def request_json(request: Request) -> dict[str, object]:
    """Gives an approval request with its path and decisions."""
    state = request.state.to_json()
    return {
        "id": request.id,
        "object": request.object,
        "record": request.record_id,
        "approval": request.approval,
        "label": request.label,
        "status": request.status,
        "revision": request.revision,
        "submitted_by": request.submitted_by,
        "submitted_at": instant(request.submitted_at),
        "closed_at": None if request.closed_at is None else instant(request.closed_at),
        **{name: state[name] for name in ("step", "approvers", "path", "decisions")},
    }


def instant(value: datetime) -> str:
    """Gives an instant in UTC with milliseconds and `Z`."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
